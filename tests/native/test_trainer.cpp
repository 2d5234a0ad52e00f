// Training through the public headers: it learns, repeats itself, and survives bad batches.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "file_helpers.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

OptimizerSpec rule(OptimizerKind kind, double learning_rate, double momentum = 0.0) {
  OptimizerSpec spec;
  spec.kind = kind;
  spec.learning_rate = learning_rate;
  spec.momentum = momentum;
  return spec;
}

std::vector<LayerSpec> small_layers(double dropout = 0.0) {
  return {lstm_layer(8, false, 2, dropout), dense_layer(2)};
}

}  // namespace

TEST_CASE_TEMPLATE("trainer: the loss falls by ten with every optimiser", T, float, double) {
  const Series<T> data(64, 6, 2);
  for (const OptimizerSpec& spec :
       {rule(OptimizerKind::sgd, 0.3, 0.9), rule(OptimizerKind::adam, 0.02),
        rule(OptimizerKind::adamw, 0.02), rule(OptimizerKind::rmsprop, 0.01)}) {
    CAPTURE(static_cast<int>(spec.kind));
    const Network<T> network({lstm_layer(12), dense_layer(2)}, 2, 3);
    Trainer<T> trainer(network, LossSpec{}, spec);
    const double first = step_all(trainer, data).loss;
    double last = first;
    for (int i = 0; i < 400 && last > first / 10; ++i) last = step_all(trainer, data).loss;
    CHECK(last <= first / 10);
    CHECK(trainer.evaluate(data.batch(), data.targets(), nullptr, 64).loss <= first / 8);
  }
}

TEST_CASE_TEMPLATE("trainer: step and evaluate report the loss before the update", T, float,
                   double) {
  const Series<T> data(5, 4, 2);
  const Network<T> network(small_layers(), 2, 3);
  Trainer<T> trainer(network, LossSpec{}, adam(0.01));
  std::vector<T> predicted(10), seen(10), evaluated(10);
  network.predict(data.batch(), predicted.data());
  double wanted = 0;
  for (std::size_t i = 0; i < 10; ++i)
    wanted += std::pow(static_cast<double>(predicted[i]) - static_cast<double>(data.y[i]), 2) / 10;

  const auto before = weights_of(network);
  const StepResult tested =
      trainer.evaluate(data.batch(), data.targets(), nullptr, 5, evaluated.data());
  CHECK(weights_of(network) == before);
  CHECK(trainer.iterations() == 0);
  CHECK(tested.loss == doctest::Approx(wanted).epsilon(1e-6));
  CHECK(tested.weight == 5);
  CHECK(tested.gradient_norm == 0);
  CHECK(tested.finite);
  const StepResult trained = trainer.step(data.batch(), data.targets(), nullptr, 5, 0, seen.data());
  CHECK(trained.loss == tested.loss);
  CHECK(trained.gradient_norm > 0);
  CHECK(trainer.iterations() == 1);
  CHECK(weights_of(network) != before);
  CHECK(same_bits(evaluated, predicted));
  CHECK(same_bits(seen, predicted));
}

TEST_CASE_TEMPLATE("trainer: the same seed gives the same weights on any number of threads", T,
                   float, double) {
  const Series<T> data(40, 10, 6);
  const int before = num_threads();
  const auto train = [&](std::uint64_t seed) {
    const Network<T> network({lstm_layer(24, true, 2, 0.2),
                              {DropoutSpec{0.3}},
                              {LayerNormSpec{}},
                              lstm_layer(16),
                              dense_layer(6)},
                             6, 1);
    Trainer<T> trainer(network, LossSpec{}, adam(0.01));
    for (int i = 0; i < 3; ++i) step_all(trainer, data, seed);
    return weights_of(network);
  };
  set_num_threads(1);
  const auto wanted = train(7);
  CHECK_FALSE(same_bits(train(8), wanted));  // other dropout masks
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    CHECK(same_bits(train(7), wanted));
  }
  set_num_threads(before);
}

TEST_CASE("trainer: dropout layers draw masks of their own, and new ones for every update") {
  const DenseSpec scale{1, Activation::linear, false};
  const Network<float> network({{DropoutSpec{0.5}}, {DropoutSpec{0.5}}, {scale}}, 1, 3);
  constexpr Index samples = 4000;
  const std::vector<float> x(samples, 1.0f), y(samples, 0.0f);
  std::vector<float> first(samples), second(samples);
  Trainer<float> trainer(network, LossSpec{}, sgd(1e-30));
  const Batch<float> batch{x.data(), nullptr, samples, 0, 1};
  const Targets<float> targets{y.data(), nullptr, nullptr};
  trainer.step(batch, targets, nullptr, samples, 1, first.data());
  trainer.step(batch, targets, nullptr, samples, 1, second.data());
  Index through = 0, again = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    through += first[i] != 0;
    again += first[i] != 0 && second[i] != 0;
  }
  // A quarter passes two masks, a sixteenth four; four standard deviations are 110 and 61.
  CHECK(std::abs(through - samples / 4) < 110);
  CHECK(std::abs(again - samples / 16) < 62);
}

TEST_CASE("trainer: rows choose samples, in order and more than once") {
  const Series<float> data(6, 4, 2);
  const std::vector<float> weight = {1, 2, 0, 3, 4, 5};
  const Index rows[] = {4, 0, 4, 2};
  std::vector<float> x, y, w;
  for (const Index r : rows) {
    x.insert(x.end(), data.x.begin() + 8 * r, data.x.begin() + 8 * (r + 1));
    y.insert(y.end(), data.y.begin() + 2 * r, data.y.begin() + 2 * (r + 1));
    w.push_back(weight[static_cast<std::size_t>(r)]);
  }
  const Network<float> chosen(small_layers(0.3), 2, 3), copied(small_layers(0.3), 2, 3);
  Trainer<float> a(chosen, LossSpec{}, adam(0.01)), b(copied, LossSpec{}, adam(0.01));
  const Targets<float> all{data.y.data(), nullptr, weight.data()};
  const StepResult got = a.step(data.batch(), all, rows, 4, 1);
  const Batch<float> few{x.data(), nullptr, 4, 4, 2};
  const StepResult wanted = b.step(few, {y.data(), nullptr, w.data()}, nullptr, 4, 1);
  CHECK(got.loss == wanted.loss);
  CHECK(got.weight == 9);
  CHECK(got.gradient_norm == wanted.gradient_norm);
  CHECK(weights_of(chosen) == weights_of(copied));
  CHECK(a.evaluate(data.batch(), all, rows, 4).loss ==
        b.evaluate(few, {y.data(), nullptr, w.data()}, nullptr, 4).loss);
}

TEST_CASE_TEMPLATE("trainer: a batch that is not finite leaves the last good weights", T, float,
                   double) {
  Series<T> data(5, 4, 2);
  Series<T> bad = data;
  bad.x[3] = static_cast<T>(kNaN);
  Network<T> network(small_layers(), 2, 3);
  Trainer<T> trainer(network, LossSpec{}, adam(0.01));

  // At first nothing can be undone.
  const auto initial = weights_of(network);
  StepResult r = step_all(trainer, bad);
  CHECK_FALSE(r.finite);
  CHECK_FALSE(std::isfinite(r.loss));
  CHECK(weights_of(network) == initial);
  CHECK(trainer.iterations() == 0);

  step_all(trainer, data);
  const auto good = weights_of(network);
  step_all(trainer, data);
  CHECK_FALSE(step_all(trainer, bad).finite);
  CHECK(weights_of(network) == good);  // the update that led here is undone,
  CHECK(trainer.iterations() == 0);    // and the optimiser, which has seen it, starts afresh
  CHECK(state_of(trainer) == state_of(Trainer<T>(network, LossSpec{}, adam(0.01))));
  CHECK_FALSE(step_all(trainer, bad).finite);
  CHECK(weights_of(network) == good);  // once
  CHECK_FALSE(trainer.evaluate(bad.batch(), bad.targets(), nullptr, 5).finite);

  // Infinite targets and gradients alone are found too.
  bad = data;
  bad.y[0] = std::numeric_limits<T>::infinity();
  CHECK_FALSE(step_all(trainer, bad).finite);
  bad.y[0] = data.y[0];
  CHECK(step_all(trainer, bad).finite);

  // Weights that somebody else wrote since the last update are not ours to undo.
  set_weights(network, initial);
  bad.x[0] = static_cast<T>(kNaN);
  CHECK_FALSE(step_all(trainer, bad).finite);
  CHECK(weights_of(network) == initial);
}

TEST_CASE("trainer: an update that breaks the weights is undone at the next batch") {
  const Series<float> data(5, 4, 2);
  const Network<float> network(small_layers(), 2, 3);
  Trainer<float> trainer(network, LossSpec{}, sgd(1e38));
  const auto good = weights_of(network);
  CHECK(step_all(trainer, data).finite);
  CHECK_FALSE(step_all(trainer, data).finite);
  CHECK(weights_of(network) == good);
}

TEST_CASE("trainer: resumed from weights, state and number of updates, it goes on alike") {
  const Series<float> data(8, 5, 2);
  for (const OptimizerSpec& spec :
       {rule(OptimizerKind::sgd, 0.1, 0.9), rule(OptimizerKind::adam, 0.01),
        rule(OptimizerKind::adamw, 0.01), rule(OptimizerKind::rmsprop, 0.01, 0.5)}) {
    const Network<float> network(small_layers(0.3), 2, 3);
    Trainer<float> trainer(network, LossSpec{}, spec);
    for (int i = 0; i < 3; ++i) step_all(trainer, data, 5);

    const Network<float> other(small_layers(0.3), 2, 99);
    Trainer<float> resumed(other, LossSpec{}, trainer.optimizer());
    set_weights(other, weights_of(network));
    for (const TensorInfo& slot : trainer.state()) {
      const std::vector<float> values = trainer.get_state(slot.name);
      resumed.set_state(slot.name, values.data(), slot.size());
    }
    resumed.set_iterations(trainer.iterations());
    for (int i = 0; i < 3; ++i) {
      step_all(trainer, data, 5);
      step_all(resumed, data, 5);
    }
    CHECK(weights_of(other) == weights_of(network));
    CHECK(state_of(resumed) == state_of(trainer));
  }
}

TEST_CASE("trainer: its state has PyTorch's names, and refuses others") {
  const Network<float> network({dense_layer(2)}, 3);
  const auto names = [&](const OptimizerSpec& spec) {
    std::string all;
    for (const auto& slot : Trainer<float>(network, LossSpec{}, spec).state())
      all += slot.name + " ";
    return all;
  };
  CHECK(names(sgd(0.1)).empty());
  CHECK(names(rule(OptimizerKind::sgd, 0.1, 0.9)) ==
        "momentum_buffer.0.weight momentum_buffer.0.bias ");
  CHECK(names(adam(0.1)) ==
        "exp_avg.0.weight exp_avg_sq.0.weight exp_avg.0.bias exp_avg_sq.0.bias ");
  CHECK(names(rule(OptimizerKind::rmsprop, 0.1)) == "square_avg.0.weight square_avg.0.bias ");

  Trainer<float> trainer(network, LossSpec{}, adam(0.1));
  const float values[6] = {};
  CHECK(contains(message_of<InvalidArgument>([&] { trainer.set_state("exp_avg.1", values, 6); }),
                 "'exp_avg.1'"));
  CHECK(contains(
      message_of<InvalidArgument>([&] { trainer.set_state("exp_avg.0.weight", values, 5); }),
      "expected 6 values, got 5"));
  CHECK(contains(message_of<InvalidArgument>([&] { trainer.set_iterations(-3); }), "got -3"));
  CHECK(contains(message_of<InvalidArgument>([&] { trainer.set_iterations((1LL << 53) + 1); }),
                 "0 to 9007199254740992, got 9007199254740993"));
  for (const double wrong : {0.0, -1.0, kNaN, std::numeric_limits<double>::infinity()})
    CHECK(contains(message_of<InvalidArgument>([&] { trainer.set_learning_rate(wrong); }),
                   "learning_rate: expected a finite number > 0, got"));
  CHECK(trainer.optimizer().learning_rate == 0.1);
  trainer.set_learning_rate(0.5);
  CHECK(trainer.optimizer().learning_rate == 0.5);
}

TEST_CASE("trainer: a refused batch says what was expected and what came, and changes nothing") {
  const Series<float> data(5, 4, 2);
  const Network<float> network(small_layers(), 2, 3), plain({dense_layer(2)}, 2);
  Trainer<float> trainer(network, LossSpec{}, adam(0.01)), flat(plain, LossSpec{}, adam(0.01));
  step_all(trainer, data);
  const auto weights = weights_of(network);
  const auto state = state_of(trainer);
  const std::int64_t labels[] = {0, 1, 0, 1, 0};
  const auto refused = [&](Trainer<float>& t, const Batch<float>& x, const Targets<float>& y,
                           const std::vector<Index>& rows) {
    const Index* chosen = rows.empty() ? nullptr : rows.data();
    const Index count = rows.empty() ? x.samples : static_cast<Index>(rows.size());
    const auto of = [&](auto&& call) { return message_of<InvalidArgument>(call); };
    const std::string evaluated = of([&] { t.evaluate(x, y, chosen, count); });
    const std::string stepped = of([&] { t.step(x, y, chosen, count, 0); });
    CHECK(evaluated == stepped);
    return stepped;
  };
  const Batch<float> x = data.batch();
  const Targets<float> y = data.targets();
  for (const std::vector<Index>& rows : {std::vector<Index>{}, {0, 1}}) {
    CHECK(contains(refused(trainer, {x.values, nullptr, 2, 2, 3}, y, rows), "2 features, got 3"));
    CHECK(contains(refused(trainer, {x.values, nullptr, 2, 2, -900}, y, rows), "got -900"));
    CHECK(contains(refused(trainer, {x.values, nullptr, 2, 0, 2}, y, rows), "3 dimensions"));
    CHECK(contains(refused(flat, {x.values, nullptr, 2, -900, 2}, y, rows), ">= 0, got -900"));
    CHECK(contains(refused(trainer, {nullptr, labels, 2, 2, 2}, y, rows), "expected values"));
    CHECK(contains(refused(trainer, x, {nullptr, labels, nullptr}, rows), "expects values"));
  }
  CHECK(contains(refused(trainer, x, y, {0, 5}), "from 0 to 4, got 5"));
  CHECK(contains(refused(trainer, x, y, {-1}), "from 0 to 4, got -1"));
  const Index none = 0;
  CHECK(contains(message_of<InvalidArgument>([&] { trainer.step(x, y, &none, 0, 0); }),
                 "at least one"));
  // As from the data() and size() of an empty vector: not a wish for all.
  CHECK(contains(message_of<InvalidArgument>([&] { trainer.step(x, y, nullptr, 0, 0); }),
                 "row_count: without rows expected 5, the samples of x, got 0"));
  for (const double bad : {-1.0, kNaN, std::numeric_limits<double>::infinity()}) {
    const std::vector<float> weight = {1, 1, 1, static_cast<float>(bad), 1};
    CHECK(contains(refused(trainer, x, {y.values, nullptr, weight.data()}, {}), "in row 3"));
  }
  CHECK(weights_of(network) == weights);
  CHECK(state_of(trainer) == state);
  CHECK(trainer.iterations() == 1);
}

TEST_CASE("trainer: trains on tokens, whose features mean nothing") {
  const Network<float> network({{EmbeddingSpec{5, 3}}, lstm_layer(4), dense_layer(2)}, 0, 1);
  CategoricalCrossentropyLoss loss;
  Trainer<float> trainer(network, loss, adam(0.05));
  const std::int64_t tokens[] = {0, 1, 2, 3, 4, 0, 1, 1, 3, 3, 2, 0}, labels[] = {0, 1, 0, 1};
  const Index rows[] = {0, 1, 2, 3};
  const Batch<float> x{nullptr, tokens, 4, 3, std::numeric_limits<Index>::max()};
  const Targets<float> y{nullptr, labels, nullptr};
  const double first = trainer.step(x, y, nullptr, 4, 0).loss;
  for (int i = 0; i < 100; ++i) trainer.step(x, y, rows, 4, 0);
  CHECK(trainer.evaluate(x, y, rows, 4).loss < first / 10);
}
