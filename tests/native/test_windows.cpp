// States that are carried from pass to pass, and training in windows of time.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/network/handles.hpp"
#include "core/training/trainer_impl.hpp"
#include "lstm_native/error.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

template <class T>
struct Steps {
  Index samples, timesteps;
  std::vector<T> x, y;

  Steps(Index n, Index steps)
      : samples(n),
        timesteps(steps),
        x(random_values<T>(n * steps * 2, 1)),
        y(random_values<T>(n * steps, 2)) {}

  Batch<T> batch() const { return {x.data(), nullptr, samples, timesteps, 2}; }
  Targets<T> targets() const { return {y.data(), nullptr, nullptr}; }

  /// So many steps from one on, as a table of their own.
  Steps part(Index first, Index steps) const {
    Steps p(samples, steps);
    for (Index n = 0; n < samples; ++n) {
      std::copy_n(&x[(n * timesteps + first) * 2], steps * 2, &p.x[n * steps * 2]);
      std::copy_n(&y[n * timesteps + first], steps, &p.y[n * steps]);
    }
    return p;
  }
};

const std::vector<LayerSpec> kLayers{lstm_layer(5, true, 2), dense_layer(3, Activation::tanh),
                                     lstm_layer(4, true), dense_layer(1)};

template <class F>
std::string message_of(const F& call) {
  try {
    call();
  } catch (const InvalidArgument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE_TEMPLATE("states: a sequence in pieces gives the bits of the whole", T, float, double) {
  const Steps<T> all(3, 9);
  const Network<T> network(kLayers, 2, 3);
  std::vector<T> whole(27), piece(27);
  network.predict(all.batch(), whole.data());
  NetworkStates<T> states(network);
  CHECK(states.batch_size() == 0);
  for (int turn = 0; turn < 2; ++turn) {
    for (const auto& [first, steps] : {std::pair<Index, Index>{0, 4}, {4, 1}, {5, 4}}) {
      network.predict(all.part(first, steps).batch(), piece.data(), &states);
      for (Index n = 0; n < 3; ++n)
        for (Index t = 0; t < steps; ++t) CHECK(piece[n * steps + t] == whole[n * 9 + first + t]);
    }
    CHECK(states.batch_size() == 3);
    states.reset();
  }
}

TEST_CASE("states: read, written, and refused where they do not fit") {
  const Steps<double> all(3, 6);
  const Network<double> network(kLayers, 2, 3);
  NetworkStates<double> states(network), other(network);
  const auto first = all.part(0, 3), second = all.part(3, 3);
  std::vector<double> y(9), again(9);
  network.predict(first.batch(), y.data(), &states);
  std::vector<std::string> names;
  other.reset(3);
  for (const TensorInfo& info : states.tensors()) {
    names.push_back(info.name);
    CHECK(info.shape ==
          std::vector<Index>{info.name[0] == '0' ? 2 : 1, 3, info.name[0] == '0' ? 5 : 4});
    std::vector<double> values(static_cast<std::size_t>(info.size()));
    states.get(info.name, values.data(), info.size());
    other.set(info.name, values.data(), info.size());
  }
  CHECK(names == std::vector<std::string>{"0.h", "0.c", "2.h", "2.c"});
  network.predict(second.batch(), y.data(), &states);
  network.predict(second.batch(), again.data(), &other);
  CHECK(same_bits(y, again));

  const Steps<double> two(2, 3);
  CHECK(message_of([&] { network.predict(two.batch(), y.data(), &states); }) ==
        "states: expected a batch of 3 sequences, as many as the pass before had, got 2; reset the "
        "states to change that");
  CHECK(message_of([&] { states.set("0.h", y.data(), 7); }) == "'0.h': expected 30 values, got 7");
  CHECK(message_of([&] { states.get("1.h", y.data(), 1); }) == "no state named '1.h'");
  CHECK(message_of([&] { states.get("\x1b[2J", y.data(), 1); }) == "no state named '\\x1b[2J'");
  states.reset();
  network.predict(two.batch(), y.data(), &states);
  CHECK(states.batch_size() == 2);
}

TEST_CASE_TEMPLATE("windows: a step is one on the window alone, from the state carried there", T,
                   float, double) {
  const Steps<T> all(3, 8);
  const std::vector<Index> rows{2, 0};
  Steps<T> chosen(2, 8);
  for (Index n = 0; n < 2; ++n) {
    std::copy_n(&all.x[rows[n] * 16], 16, &chosen.x[n * 16]);
    std::copy_n(&all.y[rows[n] * 8], 8, &chosen.y[n * 8]);
  }
  const Network<T> first(kLayers, 2, 3), second(kLayers, 2, 3);
  Trainer<T> windows(first, LossSpec{}, sgd(0.1)), pieces(second, LossSpec{}, sgd(0.1));
  NetworkStates<T> a(first), b(second);
  for (Index begin = 0; begin < 8; begin += 3) {
    StepOptions<T> options;
    options.states = &a;
    options.first_step = begin;
    options.steps = 3;  // the last window is cut off at the end
    const Index steps = std::min<Index>(3, 8 - begin);
    std::vector<T> output(static_cast<std::size_t>(2 * steps)), wanted = output;
    const StepResult r =
        windows.step(all.batch(), all.targets(), rows.data(), 2, 0, output.data(), options);
    const Steps<T> part = chosen.part(begin, steps);
    StepOptions<T> carried;
    carried.states = &b;
    const StepResult s =
        pieces.step(part.batch(), part.targets(), nullptr, 2, 0, wanted.data(), carried);
    CHECK(r.loss == s.loss);
    CHECK(r.gradient_norm == s.gradient_norm);
    CHECK(same_bits(output, wanted));
    CHECK(same_bits(weights_of(first), weights_of(second)));
  }
  CHECK(windows.iterations() == 3);
}

TEST_CASE("windows: evaluated one after another they give the loss of the whole") {
  const Steps<double> all(4, 10);
  const Network<double> network(kLayers, 2, 3);
  Trainer<double> trainer(network, LossSpec{}, sgd(0.1));
  const double whole = trainer.evaluate(all.batch(), all.targets(), nullptr, 4).loss;
  NetworkStates<double> states(network);
  double sum = 0;
  for (Index begin = 0; begin < 10; begin += 4) {
    const StepResult r =
        trainer.evaluate(all.batch(), all.targets(), nullptr, 4, nullptr, {&states, begin, 4});
    sum += r.loss * r.weight;
  }
  CHECK(sum / 40 == doctest::Approx(whole).epsilon(1e-12));
}

TEST_CASE("windows: the workspace does not grow with the length of the series") {
  const auto bytes = [](Index timesteps) {
    const Steps<float> all(1, timesteps);
    const Network<float> network(kLayers, 2, 3);
    Trainer<float> trainer(network, LossSpec{}, sgd(0.01));
    NetworkStates<float> states(network);
    for (Index begin = 0; begin < timesteps; begin += 50) {
      StepOptions<float> options{&states, begin, 50};
      trainer.step(all.batch(), all.targets(), nullptr, 1, 0, nullptr, options);
    }
    return Access::impl(trainer).workspace_bytes();
  };
  CHECK(bytes(20000) == bytes(200));
}

TEST_CASE("windows: a step that is not finite leaves the state as it was") {
  Steps<double> all(2, 4);
  const Network<double> network(kLayers, 2, 3);
  Trainer<double> trainer(network, LossSpec{}, sgd(0.1));
  NetworkStates<double> states(network);
  trainer.step(all.batch(), all.targets(), nullptr, 2, 0, nullptr, {&states, 0, 2});
  const std::vector<double> before = states.get("0.h");
  std::fill(all.y.begin(), all.y.end(), 1e300);
  CHECK_FALSE(
      trainer.step(all.batch(), all.targets(), nullptr, 2, 0, nullptr, {&states, 2, 2}).finite);
  CHECK(same_bits(before, states.get("0.h")));
}

TEST_CASE("windows: layers and outputs that cannot be cut are refused, by name and reason") {
  const Steps<double> all(2, 4);
  const auto refusal = [&](std::vector<LayerSpec> layers, Index first = 0, Index steps = 2) {
    const Network<double> network(layers, 2, 3);
    Trainer<double> trainer(network, LossSpec{}, sgd(0.1));
    return message_of([&] {
      trainer.step(all.batch(), all.targets(), nullptr, 2, 0, nullptr, {nullptr, first, steps});
    });
  };
  CHECK(contains(refusal({lstm_layer(1)}), "expected an output at each step"));
  LayerSpec both = lstm_layer(1, true);
  std::get<LSTMSpec>(both.options).reverse = true;
  CHECK(contains(
      refusal({dense_layer(2), both}),
      "layer 1 cannot be trained in windows of time: its output depends on steps to come"));
  std::get<LSTMSpec>(both.options).reverse = false;
  std::get<LSTMSpec>(both.options).bidirectional = true;
  CHECK(contains(refusal({both, dense_layer(1)}), "layer 0 cannot"));
  CHECK(contains(refusal({lstm_layer(1, true)}, 4), "expected a first step from 0 to 3"));
  CHECK(contains(refusal({lstm_layer(1, true)}, 0, -1), "got 0 and -1"));
}
