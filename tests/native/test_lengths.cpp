// Sequences of different lengths: what the door refuses, and what padding may hold.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "core/layers/layer_stream.hpp"
#include "core/network/graph_pass.hpp"
#include "core/network/layer_factory.hpp"
#include "lstm_native/error.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr Index kFeatures = 3, kHidden = 4;

/// Running sums, the least that a recurrent layer can be.
template <class T>
class SumLayer final : public SequenceLayer<T> {
 public:
  LayerSpec spec() const override { return {ActivationSpec{}}; }
  Index input_features() const override { return kHidden; }
  Index output_features() const override { return kHidden; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, kHidden}; }
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::unique_ptr<LayerStream<T>> stream(Index) const override { return nullptr; }

  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>&,
                                           const Pass& pass) const override {
    run(x, x.values, y, false);
    if (!pass.remember) return nullptr;
    return std::make_unique<SumTape>(x);
  }

 private:
  static void run(const Batch<T>& x, const T* from, T* to, bool backward) {
    for (Index n = 0; n < x.samples; ++n) {
      const Index length = x.lengths ? x.lengths[n] : x.timesteps;
      for (Index f = 0; f < kHidden; ++f) {
        T sum = 0;
        for (Index i = 0; i < x.timesteps; ++i) {
          const Index t = backward ? x.timesteps - 1 - i : i;
          const Index at = (n * x.timesteps + t) * kHidden + f;
          if (t < length) sum += from[at];
          to[at] = t < length ? sum : T(0);
        }
      }
    }
  }

  struct SumTape final : SequenceTape<T> {
    explicit SumTape(const Batch<T>& batch) : x(batch) {}
    void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
      run(x, dy, dx, true);
    }
    Batch<T> x;
  };
};

/// Layers of both kinds in turns, the first and the last with rows of their own.
template <class T>
struct Padded {
  Graph<T> graph;
  std::vector<Index> lengths;

  Padded(bool tokens, bool recurrent_last, std::vector<Index> all)
      : graph(layers(tokens, recurrent_last)), lengths(std::move(all)) {}

  static std::vector<std::shared_ptr<Layer<T>>> layers(bool tokens, bool recurrent_last) {
    std::vector<std::shared_ptr<Layer<T>>> list;
    if (tokens)
      list.push_back(make_layer<T>({EmbeddingSpec{9, kHidden}}, 0, 1));
    else
      list.push_back(make_layer<T>({DenseSpec{kHidden, Activation::tanh, true}}, kFeatures, 1));
    list.push_back(make_layer<T>({DropoutSpec{0.3}}, kHidden, 2));
    list.push_back(std::make_shared<SumLayer<T>>());
    list.push_back(make_layer<T>({LayerNormSpec{}}, kHidden, 3));
    list.push_back(make_layer<T>({DenseSpec{kHidden, Activation::sigmoid, true}}, kHidden, 4));
    if (recurrent_last) list.push_back(std::make_shared<SumLayer<T>>());
    return list;
  }

  std::unique_ptr<GraphTape<T>> forward(const Batch<T>& x, T* y, const Pass& pass) const {
    Batch<T> found;
    return run_graph(graph, &x, &y, &found, pass);
  }

  struct Result {
    std::vector<T> y, dx;  // of the true steps
    std::vector<std::vector<T>> gradients;
  };

  /// Padded to so many steps, with what no true step can hold.
  Result run(Index timesteps, bool dropout) const {
    const Index N = static_cast<Index>(lengths.size());
    const Index total = std::accumulate(lengths.begin(), lengths.end(), Index{0});
    const bool tokens = graph.takes_tokens(0);
    const auto true_x = random_values<T>(total * kFeatures, 5),
               true_dy = random_values<T>(total * kHidden, 6);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    std::vector<T> x(static_cast<std::size_t>(N * timesteps * kFeatures), nan),
        y(static_cast<std::size_t>(N * timesteps * kHidden), nan), dy = y, dx = x;
    std::vector<std::int64_t> indices(static_cast<std::size_t>(N * timesteps), -7);
    const auto each = [&](const auto& visit) {
      Index row = 0;
      for (Index n = 0; n < N; ++n)
        for (Index t = 0; t < lengths[static_cast<std::size_t>(n)]; ++t, ++row)
          visit(row, n * timesteps + t);
    };
    each([&](Index row, Index at) {
      std::copy_n(&true_x[row * kFeatures], kFeatures, &x[at * kFeatures]);
      std::copy_n(&true_dy[row * kHidden], kHidden, &dy[at * kHidden]);
      indices[at] = row * 5 % 9;
    });
    Batch<T> batch{x.data(), nullptr, N, timesteps, kFeatures, lengths.data()};
    if (tokens) batch = {nullptr, indices.data(), N, timesteps, 0, lengths.data()};
    graph.check_inputs(&batch);
    Workspace workspace;
    const auto tape = forward(batch, y.data(), {workspace, true, dropout, 8});
    Result result;
    std::vector<T*> pointers;
    for (const auto& [name, p] : graph.parameters()) result.gradients.emplace_back(p->value.size());
    for (auto& g : result.gradients) pointers.push_back(g.data());
    const T* gradient = dy.data();
    T* of_x = tokens ? nullptr : dx.data();
    tape->backward(&gradient, &of_x, pointers.data(), workspace);
    std::vector<T> untaped(y.size(), nan);
    forward(batch, untaped.data(), {workspace, false, dropout, 8});
    CHECK(same_bits(untaped, y));

    std::vector<bool> is_true(static_cast<std::size_t>(N * timesteps));
    each([&](Index, Index at) {
      is_true[at] = true;
      result.y.insert(result.y.end(), &y[at * kHidden], &y[at * kHidden] + kHidden);
      if (!tokens)
        result.dx.insert(result.dx.end(), &dx[at * kFeatures], &dx[at * kFeatures] + kFeatures);
    });
    for (Index at = 0; at < N * timesteps; ++at) {
      if (is_true[at]) continue;
      for (Index i = 0; i < kHidden; ++i) CHECK(y[at * kHidden + i] == 0);
      for (Index i = 0; !tokens && i < kFeatures; ++i) CHECK(dx[at * kFeatures + i] == 0);
    }
    return result;
  }
};

}  // namespace

TEST_CASE("lengths: what does not fit is refused, with what was expected and what came") {
  const auto dense = make_layer<double>(dense_layer(1), 1, 1);
  const std::vector<double> x(6);
  std::vector<Index> lengths{3, 0};
  const auto message = [&](Index timesteps) -> std::string {
    try {
      check_shape<double>(dynamic_cast<const SequenceLayer<double>&>(*dense),
                          {x.data(), nullptr, 2, timesteps, 1, lengths.data()});
    } catch (const InvalidArgument& e) {
      return e.what();
    }
    return "";
  };
  CHECK(message(3).empty());
  CHECK(message(2) == "lengths: expected 0 to 2 (the timesteps of x), got 3 for sequence 0");
  lengths = {3, -1};
  CHECK(message(3) == "lengths: expected 0 to 3 (the timesteps of x), got -1 for sequence 1");
  CHECK(message(0) == "lengths: expected an input with a time axis, got one without");
}

TEST_CASE_TEMPLATE("lengths: padding changes no bit of a result or a gradient", T, float, double) {
  for (const bool tokens : {false, true})
    for (const bool recurrent_last : {false, true})
      for (const bool dropout : {false, true}) {
        const Padded<T> padded(tokens, recurrent_last, {3, 0, 5, 1});
        const auto wanted = padded.run(5, dropout);
        for (const T value : wanted.y) REQUIRE(std::isfinite(value));
        for (const Index timesteps : {6, 11}) {
          const auto got = padded.run(timesteps, dropout);
          CHECK(same_bits(got.y, wanted.y));
          CHECK(same_bits(got.dx, wanted.dx));
          for (std::size_t i = 0; i < wanted.gradients.size(); ++i)
            CHECK(same_bits(got.gradients[i], wanted.gradients[i]));
        }
      }
}

TEST_CASE("lengths: a batch is its sequences one by one") {
  const std::vector<Index> lengths{4, 1, 6};
  const Padded<double> together(false, true, lengths);
  const auto all = together.run(6, false);
  // One sequence of 11 true steps has the same rows, but sums that go on from one to the next.
  const auto x = random_values<double>(11 * kFeatures, 5);
  Index row = 0;
  for (const Index length : lengths) {
    Workspace workspace;
    std::vector<double> y(static_cast<std::size_t>(length * kHidden));
    together.forward({&x[row * kFeatures], nullptr, 1, length, kFeatures}, y.data(), {workspace});
    CHECK(same_bits(y, std::vector<double>(all.y.begin() + row * kHidden,
                                           all.y.begin() + (row + length) * kHidden)));
    row += length;
  }
}

TEST_CASE("lengths: sequences that are all empty give zeros, and zero gradients") {
  const Padded<double> empty(false, true, {0, 0});
  const auto result = empty.run(3, false);
  for (const auto& gradient : result.gradients)
    for (const double value : gradient) CHECK(value == 0);
}

TEST_CASE("lengths: a layer that cannot take them says so") {
  const Network<float> network({{HighwaySpec{2, {lstm_layer(3)}}}}, 1, 1);
  const std::vector<float> x(8);
  const std::vector<Index> lengths{4, 2};
  std::vector<float> y(6);
  CHECK_THROWS_WITH_AS(network.predict({x.data(), nullptr, 2, 4, 1, lengths.data()}, y.data()),
                       "layer 0 cannot take lengths", InvalidArgument);
  const std::vector<Index> whole{4, 4};
  network.predict({x.data(), nullptr, 2, 4, 1, whole.data()}, y.data());
}

TEST_CASE("lengths: rows behind the end have no weight in loss and gradient") {
  const std::vector<Index> lengths{3, 0, 1};
  const std::vector<double> weights{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x{1, 2, 3, nan, nan, nan, 4, nan, nan};
  const std::vector<double> y{3, 1, 2, nan, nan, nan, 5, nan, nan};
  const std::vector<double> true_x{1, 2, 3, 4}, true_y{3, 1, 2, 5}, true_weights{1, 2, 3, 7};
  for (const bool weighted : {false, true}) {
    const Network<double> first({dense_layer(1)}, 1, 1), second({dense_layer(1)}, 1, 1);
    Trainer<double> padded(first, LossSpec{}, sgd(0.1)), flat(second, LossSpec{}, sgd(0.1));
    const Batch<double> batch{x.data(), nullptr, 3, 3, 1, lengths.data()};
    const Targets<double> targets{y.data(), nullptr, weighted ? weights.data() : nullptr};
    const Batch<double> true_batch{true_x.data(), nullptr, 4, 0, 1};
    const Targets<double> true_targets{true_y.data(), nullptr,
                                       weighted ? true_weights.data() : nullptr};
    CHECK(padded.evaluate(batch, targets, nullptr, 3).loss ==
          flat.evaluate(true_batch, true_targets, nullptr, 4).loss);
    const std::vector<Index> rows{0, 1, 2};
    const StepResult a = padded.step(batch, targets, rows.data(), 3, 0);
    const StepResult b = flat.step(true_batch, true_targets, nullptr, 4, 0);
    CHECK(a.loss == b.loss);
    CHECK(a.weight == b.weight);
    CHECK(same_bits(weights_of(first), weights_of(second)));
    // The empty one alone: nothing to learn.
    const Index empty = 1;
    CHECK(padded.step(batch, targets, &empty, 1, 0).weight == 0);
    CHECK(padded.iterations() == 1);
  }
}
