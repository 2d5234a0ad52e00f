// Highway, Dense, LayerNorm, Embedding, Dropout and Activation: values and gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "file_helpers.hpp"
#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "lstm_native/error.hpp"
#include "reference_cell.hpp"

using namespace lstm_native;

namespace {

constexpr Activation kActivations[] = {Activation::linear, Activation::relu, Activation::sigmoid,
                                       Activation::tanh, Activation::softmax};

LayerSpec dense(Index units, Activation activation, bool bias = true) {
  return {DenseSpec{units, activation, bias}};
}

LayerSpec last_step_lstm(Index hidden) {
  LSTMSpec spec;
  spec.hidden_size = hidden;
  spec.return_sequences = false;
  return {spec};
}

std::vector<double> activated(Activation kind, std::size_t features, std::vector<double> x) {
  if (kind == Activation::softmax) reference::softmax_rows(x.size() / features, features, x);
  for (double& v : x) {
    if (kind == Activation::relu) v = std::max(v, 0.0);
    if (kind == Activation::sigmoid) v = reference::sigmoid(v);
    if (kind == Activation::tanh) v = std::tanh(v);
  }
  return x;
}

/// Moves values away from the kink of relu.
void leave_zero(std::vector<double>& values) {
  for (double& v : values) v += v < 0 ? -0.1 : 0.1;
}

template <class T>
std::vector<double> weights_of(const LayerCase<T>& layer, std::size_t i) {
  return to_double(layer.layer->parameters()[i]->value);
}

}  // namespace

TEST_CASE_TEMPLATE("dense: x W^T + b and every activation, with and without time axis", T, float,
                   double) {
  for (const Activation activation : kActivations)
    for (const Index steps : {0, 3})
      for (const Index units : {1, 5, 16, 67})
        for (const bool bias : {true, false}) {
          const LayerCase<T> layer(dense(units, activation, bias), 7, 5, steps);
          const std::size_t rows = layer.x.size() / 7, n = static_cast<std::size_t>(units);
          const auto wanted =
              activated(activation, n,
                        reference::linear(rows, 7, n, to_double(layer.x), weights_of(layer, 0),
                                          bias ? weights_of(layer, 1) : std::vector<double>{}));
          for_each_set([&](const std::string&) {
            CHECK(relative_error(layer.forward().y, wanted) <= kForwardTolerance<T>);
          });
        }
}

TEST_CASE("dense: gradients against central differences") {
  for_each_set([](const std::string&) {
    for (const Activation activation : kActivations)
      for (const bool bias : {true, false})
        for (const Index units : {1, 3, 18}) {
          // Of many values one is at relu's kink, where differences see both sides.
          if (activation == Activation::relu && units > 3) continue;
          CAPTURE(static_cast<int>(activation));
          check_gradients(LayerCase<double>(dense(units, activation, bias), 4, 2, 3));
        }
  });
}

TEST_CASE("activation: values in every position, and gradients") {
  for_each_set([](const std::string&) {
    for (const Activation activation : kActivations) {
      CAPTURE(static_cast<int>(activation));
      LayerCase<double> layer({ActivationSpec{activation}}, 5, 3, 2);
      leave_zero(layer.x);
      CHECK(relative_error(layer.forward().y, activated(activation, 5, layer.x)) <= 1e-14);
      check_gradients(layer);
    }
  });
}

TEST_CASE_TEMPLATE("softmax: large and equal logits neither overflow nor vanish", T, float,
                   double) {
  LayerCase<T> layer({ActivationSpec{Activation::softmax}}, 3, 2, 0);
  layer.x = {T(1e4), T(-1e4), T(0), T(-1e4), T(-1e4), T(-1e4)};
  const auto y = layer.forward().y;
  const std::vector<double> wanted = {1, 0, 0, 1 / 3.0, 1 / 3.0, 1 / 3.0};
  CHECK(relative_error(y, wanted) <= 1e-7);
}

TEST_CASE_TEMPLATE("layer norm: values, also far from zero", T, float, double) {
  for (const double offset : {0.0, 1000.0})
    for (const Index features : {1, 2, 9}) {
      const double epsilon = 1e-3;
      LayerCase<T> layer({LayerNormSpec{epsilon}}, features, 4, 3);
      for (T& v : layer.x) v += static_cast<T>(offset);
      const auto n = static_cast<std::size_t>(features);
      const auto wanted =
          reference::layer_norm(layer.x.size() / n, n, to_double(layer.x), weights_of(layer, 0),
                                weights_of(layer, 1), epsilon);
      CHECK(relative_error(layer.forward().y, wanted) <= (sizeof(T) == 4 ? 2e-6 : 1e-11));
    }
}

TEST_CASE("layer norm: gradients against central differences") {
  for (const Index features : {1, 2, 6})
    check_gradients(LayerCase<double>({LayerNormSpec{0.1}}, features, 2, 3));
}

TEST_CASE("embedding: rows of the table, and gradients of tokens that come twice") {
  LayerCase<double> layer({EmbeddingSpec{6, 3}}, 0, 2, 3);
  layer.tokens = {0, 5, 5, 2, 5, 0};
  const auto y = layer.forward().y;
  const auto table = weights_of(layer, 0);
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(same_bits(&y[3 * i], &table[3 * static_cast<std::size_t>(layer.tokens[i])], 3));
  check_gradients(layer);
  const auto gradient = layer.backward(layer.upstream()).gradients[0];
  for (const std::size_t unused : {1u, 3u, 4u})
    for (std::size_t i = 0; i < 3; ++i) CHECK(gradient[3 * unused + i] == 0);
}

TEST_CASE_TEMPLATE("dropout: off outside training, a share of zeros in it", T, float, double) {
  const double rate = 0.3;
  LayerCase<T> layer({DropoutSpec{rate}}, 50, 20, 10);
  for (T& v : layer.x) v += T(2);  // no zeros of its own
  CHECK(same_bits(layer.forward().y, layer.x));
  CHECK(same_bits(layer.backward(layer.upstream()).dx, layer.upstream().dy));

  layer.training = true;
  const auto y = layer.forward().y;
  const T scale = static_cast<T>(1 / (1 - rate));
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (y[i] == 0) ++dropped;
    REQUIRE((y[i] == 0 || y[i] == layer.x[i] * scale));
  }
  // 10000 draws: four standard deviations are 0.018.
  CHECK(static_cast<double>(dropped) / static_cast<double>(y.size()) ==
        doctest::Approx(rate).epsilon(0.061));
  // The way back meets the same mask.
  const auto up = layer.upstream();
  const auto dx = layer.backward(up).dx;
  for (std::size_t i = 0; i < y.size(); ++i)
    REQUIRE(dx[i] == (y[i] == 0 ? T(0) : up.dy[i] * scale));
  // The seed decides.
  CHECK(same_bits(layer.forward().y, y));
  ++layer.seed;
  CHECK_FALSE(same_bits(layer.forward().y, y));
}

TEST_CASE("dropout of rate 0 changes nothing in training either") {
  LayerCase<float> layer({DropoutSpec{0.0}}, 5, 4, 0);
  layer.training = true;
  CHECK(same_bits(layer.forward().y, layer.x));
}

TEST_CASE("lstm dropout: between stacked layers, in training only, by seed") {
  LSTMSpec spec;
  spec.hidden_size = 12;
  spec.num_layers = 2;
  spec.dropout = 0.5;
  LayerCase<float> layer({spec}, 3, 4, 5);
  const auto off = layer.forward();
  spec.dropout = 0.0;
  CHECK(off.same_forward(LayerCase<float>({spec}, 3, 4, 5).forward()));
  layer.training = true;
  const auto on = layer.forward();
  CHECK(on.same_forward(layer.forward()));
  CHECK_FALSE(same_bits(on.y, off.y));
  // The first layer stands before any dropout.
  CHECK(same_bits(on.h.data(), off.h.data(), 4 * 12));
  ++layer.seed;
  CHECK_FALSE(same_bits(layer.forward().y, on.y));
  // Nothing stands between the layers of a single one.
  spec.num_layers = 1;
  spec.dropout = 0.5;
  CHECK_THROWS_AS(LayerCase<float>({spec}, 3, 4, 5), InvalidArgument);
}

TEST_CASE_TEMPLATE("highway: the inner layers plus a linear map of the last steps", T, float,
                   double) {
  const Index window = 2, steps = 5, features = 3, hidden = 4, samples = 3;
  const HighwaySpec spec{window, {last_step_lstm(hidden)}};
  const LayerCase<T> layer({spec}, features, samples, steps);
  LayerCase<T> inner(last_step_lstm(hidden), features, samples, steps);
  const auto from = layer.layer->parameters(), to = inner.layer->parameters();
  REQUIRE(from.size() == 2 + to.size());
  CHECK(from[0]->info.name == "weight");
  CHECK(from[0]->info.shape == std::vector<Index>{hidden, window * features});
  CHECK(from[2]->info.name == "layers.0.weight_ih_l0");
  for (std::size_t i = 0; i < to.size(); ++i) to[i]->value = from[2 + i]->value;
  inner.layer->parameters_changed();
  std::fill(inner.h.begin(), inner.h.end(), T(0));
  std::fill(inner.c.begin(), inner.c.end(), T(0));
  std::vector<double> windows;
  for (Index n = 0; n < samples; ++n)
    for (Index i = (steps - window) * features; i < steps * features; ++i)
      windows.push_back(layer.x[n * steps * features + i]);
  auto wanted = reference::linear(3, 6, 4, windows, weights_of(layer, 0), weights_of(layer, 1));
  for_each_set([&](const std::string&) {
    const auto y = inner.forward().y;
    std::vector<double> sum = wanted;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += y[i];
    CHECK(relative_error(layer.forward().y, sum) <= kForwardTolerance<T>);
  });
}

TEST_CASE("highway: gradients, with layers that look at their output and with dropout") {
  const std::vector<std::vector<LayerSpec>> stacks = {
      {last_step_lstm(3)},
      {last_step_lstm(4), {DropoutSpec{0.4}}, dense(2, Activation::tanh)},
      {last_step_lstm(4), dense(3, Activation::linear), {LayerNormSpec{0.1}}}};
  for (const auto& stack : stacks)
    for (const Index window : {1, 3, 4}) {
      LayerCase<double> layer({HighwaySpec{window, stack}}, 2, 3, 4);
      // As for the same layers alone, dropout's seed is fixed while differences are taken.
      layer.training = true;
      const auto up = layer.upstream();
      const auto got = layer.backward(up);
      CHECK(relative_error(got.dx, central_differences(layer.x, [&] { return layer.loss(up); })) <=
            kGradientTolerance);
      const auto parameters = layer.layer->parameters();
      for (std::size_t i = 0; i < parameters.size(); ++i)
        CHECK(relative_error(got.gradients[i], central_differences(parameters[i]->value, [&] {
                               return layer.loss(up);
                             })) <= kGradientTolerance);
    }
}

TEST_CASE("highway: refuses a short input and inner layers that keep the time axis") {
  const auto message = [](const LayerSpec& spec, Index steps) {
    return message_of<InvalidArgument>([&] {
      const OutputShape x{steps, 2};
      make_layer<float>(spec, 2, 0)->output_shape(0, &x);
    });
  };
  const HighwaySpec good{4, {last_step_lstm(3)}};
  CHECK(message({good}, 4).empty());
  CHECK(message({good}, 3).find("at least 4 timesteps (its window), got 3") != std::string::npos);
  const HighwaySpec sequences{2, {dense(3, Activation::linear)}};
  CHECK(message({sequences}, 5).find("one of 5 steps") != std::string::npos);
}
