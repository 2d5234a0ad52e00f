// Networks through the public headers: weights, shapes, predictions, refusals.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "file_helpers.hpp"
#include "network_helpers.hpp"
#include "reference_cell.hpp"

using namespace lstm_native;

namespace {

template <class T>
std::vector<T> predict(const Network<T>& network, const Batch<T>& x) {
  std::vector<T> y(
      static_cast<std::size_t>(x.samples * network.output_shape(x.timesteps).row_size()));
  network.predict(x, y.data());
  return y;
}

std::string refusal(const std::vector<LayerSpec>& layers, Index inputs) {
  return message_of<InvalidArgument>([&] { Network<float>(layers, inputs); });
}

}  // namespace

TEST_CASE("network: parameters by name and shape, in a fixed order") {
  const Network<float> network({lstm_layer(4, true, 2), {LayerNormSpec{}}, dense_layer(3)}, 5);
  const std::vector<std::pair<std::string, std::vector<Index>>> wanted = {
      {"0.weight_ih_l0", {16, 5}}, {"0.weight_hh_l0", {16, 4}},
      {"0.bias_ih_l0", {16}},      {"0.bias_hh_l0", {16}},
      {"0.weight_ih_l1", {16, 4}}, {"0.weight_hh_l1", {16, 4}},
      {"0.bias_ih_l1", {16}},      {"0.bias_hh_l1", {16}},
      {"1.weight", {4}},           {"1.bias", {4}},
      {"2.weight", {3, 4}},        {"2.bias", {3}}};
  const auto got = network.parameters();
  REQUIRE(got.size() == wanted.size());
  Index count = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].name == wanted[i].first);
    CHECK(got[i].shape == wanted[i].second);
    count += got[i].size();
  }
  CHECK(network.parameter_count() == count);
  CHECK(network.input_features() == 5);
  CHECK_FALSE(network.takes_tokens());
  CHECK(network.layers().size() == 3);
  CHECK(std::get<LSTMSpec>(network.layers()[0].options).num_layers == 2);
}

TEST_CASE("network: initial weights are Glorot, orthogonal and a forget bias, by seed") {
  constexpr Index F = 7, H = 20;
  LSTMSpec spec;
  spec.hidden_size = H;
  spec.forget_bias = 2.5;
  const std::vector<LayerSpec> layers = {{spec}, dense_layer(3)};
  const Network<double> network(layers, F, 11);
  const auto input = parameter(network, "0.weight_ih_l0");
  const double limit = std::sqrt(6.0 / (F + H));
  double largest = 0;
  for (const double w : input) largest = std::max(largest, std::abs(w));
  CHECK(largest <= limit);
  CHECK(largest > 0.9 * limit);
  const auto recurrent = parameter(network, "0.weight_hh_l0");
  double error = 0;
  for (Index g = 0; g < 4; ++g)
    for (Index a = 0; a < H; ++a)
      for (Index b = 0; b < H; ++b) {
        double product = a == b ? -1 : 0;
        for (Index k = 0; k < H; ++k)
          product += recurrent[(g * H + a) * H + k] * recurrent[(g * H + b) * H + k];
        error = std::max(error, std::abs(product));
      }
  CHECK(error < 1e-13);
  // Haar-distributed: no element has a sign that the factorisation chose.
  int positive = 0;
  for (std::uint64_t seed = 0; seed < 32; ++seed)
    if (parameter(Network<double>({lstm_layer(3)}, 1, seed), "0.weight_hh_l0")[0] > 0) ++positive;
  CHECK(positive > 4);
  CHECK(positive < 28);
  const auto bias = parameter(network, "0.bias_ih_l0");
  for (Index i = 0; i < 4 * H; ++i) CHECK(bias[i] == (i / H == 1 ? 2.5 : 0.0));
  CHECK(parameter(network, "0.bias_hh_l0") == std::vector<double>(4 * H, 0.0));

  CHECK(weights_of(Network<double>(layers, F, 11)) == weights_of(network));
  CHECK(weights_of(Network<double>(layers, F, 12)) != weights_of(network));
  const auto wide = weights_of(network);
  CHECK(weights_of(Network<float>(layers, F, 11)) == std::vector<float>(wide.begin(), wide.end()));
}

TEST_CASE_TEMPLATE("network: predicts what its layers say, one after another", T, float, double) {
  const Network<T> network({lstm_layer(9), dense_layer(2, Activation::tanh)}, 3, 4);
  const Series<T> data(6, 5, 3);
  const auto value = [&](const char* name) { return to_double(parameter(network, name)); };
  const reference::Lstm w{3,
                          9,
                          value("0.weight_ih_l0"),
                          value("0.weight_hh_l0"),
                          value("0.bias_ih_l0"),
                          value("0.bias_hh_l0")};
  const std::vector<double> zeros(6 * 9);
  const auto trace = reference::lstm_forward(w, 6, 5, to_double(data.x), zeros, zeros);
  auto wanted = reference::linear(6, 9, 2, reference::LstmTrace::state(trace.h, 6, 5, 9, 5),
                                  value("1.weight"), value("1.bias"));
  for (double& v : wanted) v = std::tanh(v);
  const auto y = predict(network, data.batch());
  CHECK(relative_error(y, wanted) <= kForwardTolerance<T>);
  for (Index n = 0; n < 6; ++n)  // alone, a sample gets the same bits
    CHECK(same_bits(predict(network, {&data.x[n * 15], nullptr, 1, 5, 3}).data(), &y[n * 2], 2));
}

TEST_CASE("network: tokens in, and the features of a batch of tokens mean nothing") {
  const Network<float> network({{EmbeddingSpec{10, 4}}, lstm_layer(5)}, 0);
  CHECK(network.takes_tokens());
  CHECK(network.input_features() == 0);
  const std::int64_t tokens[] = {0, 9, 3, 3, 1, 2};
  const auto y = predict(network, {nullptr, tokens, 2, 3, 0});
  CHECK(same_bits(y, predict(network, {nullptr, tokens, 2, 3, std::numeric_limits<Index>::max()})));
  CHECK(same_bits(predict(network, {nullptr, tokens + 3, 1, 3, -1}).data(), &y[5], 5));
}

TEST_CASE("network: output shapes") {
  const auto shape = [](const std::vector<LayerSpec>& layers, Index steps) {
    const OutputShape s = Network<float>(layers, 3).output_shape(steps);
    return std::pair<Index, Index>(s.timesteps, s.features);
  };
  CHECK(shape({lstm_layer(4, true), dense_layer(2)}, 7) == std::pair<Index, Index>(7, 2));
  CHECK(shape({lstm_layer(4), dense_layer(2)}, 7) == std::pair<Index, Index>(0, 2));
  CHECK(shape({dense_layer(2), {DropoutSpec{}}}, 0) == std::pair<Index, Index>(0, 2));
  CHECK(OutputShape{0, 3}.row_size() == 3);
  CHECK(OutputShape{4, 3}.row_size() == 12);
}

TEST_CASE("network: a refused construction says what was expected and what came") {
  CHECK(contains(refusal({}, 3), "at least one layer"));
  CHECK(contains(refusal({dense_layer(2)}, 0), "got 0"));
  CHECK(contains(refusal({dense_layer(2)}, -4), "got -4"));
  CHECK(contains(refusal({dense_layer(0)}, 3), "units: expected 1"));
  CHECK(contains(refusal({lstm_layer(-2)}, 3), "hidden_size: expected 1"));
  CHECK(contains(refusal({lstm_layer(3, true, 0)}, 3), "num_layers: expected 1"));
  CHECK(contains(refusal({lstm_layer(3, true, 1, 1.0)}, 3), "dropout: expected 0 <= value < 1"));
  CHECK(contains(refusal({dense_layer(2), {EmbeddingSpec{3, 2}}}, 3), "layers[1]"));
  CHECK(contains(refusal({{LayerNormSpec{-1}}}, 3), "got -1"));
  CHECK(contains(refusal({{DropoutSpec{std::nan("")}}}, 3), "got nan"));
  CHECK(contains(refusal({{HighwaySpec{3, {}}}}, 3), "at least one layer"));
  CHECK(contains(refusal({{EmbeddingSpec{0, 2}}}, 0), "vocabulary: expected 1"));
}

TEST_CASE("network: a refused input says what was expected and what came") {
  const Network<float> network({lstm_layer(4), dense_layer(2)}, 3);
  const Network<float> tokens({{EmbeddingSpec{10, 4}}}, 0);
  const Network<float> plain({dense_layer(2)}, 3);
  const std::vector<float> x(60);
  const std::int64_t good[] = {0, 1, 2}, bad[] = {0, 10, 2}, negative[] = {0, 1, -1};
  std::vector<float> y(60, 7.0f);
  const auto refused = [&](const Network<float>& n, const Batch<float>& b) {
    return message_of<InvalidArgument>([&] { n.predict(b, y.data()); });
  };
  CHECK(refused(network, {x.data(), nullptr, 2, 5, 3}).empty());
  y.assign(60, 7.0f);
  CHECK(contains(refused(network, {x.data(), nullptr, 2, 5, 4}), "expected 3 features, got 4"));
  CHECK(contains(refused(network, {x.data(), nullptr, 0, 5, 3}), "at least one sample"));
  CHECK(contains(refused(network, {x.data(), nullptr, -1, 5, 3}), "at least one sample"));
  CHECK(contains(refused(network, {x.data(), nullptr, 2, 0, 3}), "expected 3 dimensions"));
  CHECK(contains(refused(network, {nullptr, good, 1, 3, 3}), "expected values"));
  CHECK(contains(refused(plain, {x.data(), nullptr, 2, -5, 3}), "timesteps >= 0, got -5"));
  CHECK(contains(refused(tokens, {x.data(), nullptr, 1, 3, 3}), "expected token indices"));
  CHECK(contains(refused(tokens, {nullptr, bad, 1, 3, 0}), "from 0 to 9, got 10 at position 1"));
  CHECK(contains(refused(tokens, {nullptr, negative, 1, 3, 0}), "got -1 at position 2"));
  CHECK(y == std::vector<float>(60, 7.0f));
}

TEST_CASE("network: parameters are set by name, all or nothing; copies share them") {
  Network<double> network({lstm_layer(4), dense_layer(2)}, 3, 5);
  const Network<double> copy = network;
  const Series<double> data(2, 4, 3);
  const auto before = weights_of(network);
  const auto y = predict(network, data.batch());
  const std::vector<double> ones(8, 1.0);
  CHECK(contains(message_of<InvalidArgument>([&] { network.set_parameter("1.w", ones.data(), 8); }),
                 "'1.w'"));
  CHECK(contains(
      message_of<InvalidArgument>([&] { network.set_parameter("1.weight", ones.data(), 7); }),
      "'1.weight': expected 8 values, got 7"));
  double value = 0;
  CHECK_FALSE(
      message_of<InvalidArgument>([&] { network.get_parameter("0.bias", &value, 1); }).empty());
  CHECK(weights_of(network) == before);
  CHECK(same_bits(predict(network, data.batch()), y));

  network.set_parameter("1.weight", ones.data(), 8);
  CHECK(parameter(copy, "1.weight") == ones);
  const auto changed = predict(copy, data.batch());  // the packed weights follow
  CHECK_FALSE(same_bits(changed, y));
  set_weights(network, before);
  CHECK(same_bits(predict(copy, data.batch()), y));
}

TEST_CASE("network: predicts from several threads at once") {
  const Series<float> data(40, 10, 6);
  const std::vector<LayerSpec> layers = {lstm_layer(32, true), lstm_layer(20), dense_layer(3)};
  const auto wanted = predict(Network<float>(layers, 6, 2), data.batch());
  const int before = num_threads();
  set_num_threads(2);                          // each caller has the pool at work too
  const Network<float> network(layers, 6, 2);  // fresh: its weights are packed meanwhile
  std::vector<std::vector<float>> got(4);
  std::vector<std::thread> callers;
  for (auto& mine : got)
    callers.emplace_back([&] {
      for (int i = 0; i < 5; ++i) mine = predict(network, data.batch());
    });
  for (std::thread& caller : callers) caller.join();
  set_num_threads(before);
  for (const auto& y : got) CHECK(same_bits(y, wanted));
}
