// ConvLSTM, Residual, ActivityRegularization and a tied Dense, as a C++ program meets them.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "file_helpers.hpp"
#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "lstm_native/error.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

ConvLSTMSpec conv_lstm(Index filters, bool peephole, bool reverse) {
  ConvLSTMSpec spec;
  spec.filters = filters;
  spec.height = 3;
  spec.width = 2;
  spec.channels = 2;
  spec.kernel_height = 2;
  spec.peephole = peephole;
  spec.reverse = reverse;
  return spec;
}

std::vector<LayerSpec> language_model() {
  DenseSpec tied{7};
  tied.tied = true;
  return {{EmbeddingSpec{7, 4}}, lstm_layer(4, true), {tied}};
}

const std::int64_t kTokens[] = {0, 3, 6, 2, 1, 5};

std::vector<float> predict(const Network<float>& network) {
  std::vector<float> y(6 * 7);
  network.predict({nullptr, kTokens, 2, 3, 0}, y.data());
  return y;
}

}  // namespace

TEST_CASE("conv lstm: gradients against central differences") {
  for_each_set([&](const std::string&) {
    for (const bool peephole : {false, true})
      for (const bool reverse : {false, true})
        for (const bool bias : {true, false}) {
          ConvLSTMSpec spec = conv_lstm(3, peephole, reverse);
          spec.bias = bias;
          check_gradients(LayerCase<double>({spec}, 12, 2, 3));
        }
  });
}

TEST_CASE("conv lstm: refuses another number of input features than its images have") {
  CHECK(contains(
      message_of<InvalidArgument>([] { make_layer<float>({conv_lstm(3, false, false)}, 11, 0); }),
      "expected 12 input features (height 3 x width 2 x channels 2), got 11"));
  ConvLSTMSpec wide = conv_lstm(3, false, false);
  wide.kernel_width = 4;
  CHECK(contains(message_of<InvalidArgument>([&] { make_layer<float>({wide}, 12, 0); }),
                 "layer.kernel_width: expected 1 to 3, got 4"));
}

TEST_CASE("residual: a stream names the states inside it") {
  const ResidualSpec inner{{lstm_layer(5, true), dense_layer(3)}};
  const Network<float> network({{ResidualSpec{{{inner}, lstm_layer(3, true)}}}}, 3, 1);
  Stream<float> stream = network.stream(2);
  std::vector<std::string> names;
  for (const TensorInfo& info : stream.state()) names.push_back(info.name);
  CHECK(names == std::vector<std::string>{"0.layers.0.layers.0.h", "0.layers.0.layers.0.c",
                                          "0.layers.1.h", "0.layers.1.c"});
  const std::vector<float> x(6, 0.5f);
  std::vector<float> y(6), state(10), again(10);
  stream.step(x.data(), y.data());
  stream.get_state(names[0], state.data(), 10);
  CHECK(std::any_of(state.begin(), state.end(), [](float v) { return v != 0; }));
  Stream<float> other = network.stream(2);
  other.set_state(names[0], state.data(), 10);
  other.get_state(names[0], again.data(), 10);
  CHECK(same_bits(state, again));
}

TEST_CASE("activity regularization: a step reports the penalty, an evaluation does not") {
  const Series<double> data(5, 4, 2);
  const Network<double> network(
      {lstm_layer(3, false), dense_layer(2), {ActivityRegularizationSpec{3.0, 0.0}}}, 2, 1);
  Trainer<double> trainer(network, MSELoss{}, sgd(1e-30));
  std::vector<double> y(10);
  const double plain = trainer.evaluate(data.batch(), data.targets(), nullptr, 5, y.data()).loss;
  const StepResult found = step_all(trainer, data);
  CHECK(found.penalty == doctest::Approx(3.0 * dot(y, y) / 10));
  CHECK(found.loss == doctest::Approx(plain + found.penalty));
}

TEST_CASE("tied dense: one weight in a network, its optimiser and its file") {
  Network<float> network(language_model(), 0, 1);
  std::vector<std::string> names;
  for (const TensorInfo& info : network.parameters()) names.push_back(info.name);
  CHECK(names.front() == "0.weight");
  CHECK(names.back() == "2.bias");
  CHECK(std::count(names.begin(), names.end(), "2.weight") == 0);
  CHECK(network.parameter_count() == static_cast<Index>(weights_of(network).size()));
  CHECK(network.parameter_count() == 7 * 4 + 4 * 4 * (4 + 4 + 2) + 7);

  const Trainer<float> trainer(network, CategoricalCrossentropyLoss{}, adam(0.1));
  CHECK(state_of(trainer).size() == 2 * weights_of(network).size());

  const TemporaryDirectory directory;
  const std::string path = directory / "tied.safetensors";
  Model{network, {}}.save(path);
  const Model model = Model::load(path);
  CHECK(same_bits(predict(model.network), predict(network)));

  // Both uses follow the one parameter.
  const std::vector<float> before = predict(network);
  network.set_parameter("0.weight", std::vector<float>(28).data(), 28);
  network.set_parameter("2.bias", std::vector<float>(7, 0.5f).data(), 7);
  CHECK(predict(network) == std::vector<float>(42, 0.5f));
  CHECK(before != predict(network));
}

TEST_CASE("tied dense: refused without an Embedding that fits") {
  const auto refusal = [](std::vector<LayerSpec> layers, Index features) {
    return message_of<InvalidArgument>([&] { Network<float>(layers, features); });
  };
  DenseSpec tied{7};
  tied.tied = true;
  CHECK(contains(refusal({{tied}}, 4), "needs an Embedding as the first layer"));
  CHECK(contains(refusal({{EmbeddingSpec{6, 4}}, {tied}}, 0), "expected 6 units"));
  CHECK(contains(refusal({{EmbeddingSpec{7, 4}}, dense_layer(5), {tied}}, 0),
                 "expected 4 input features"));
  CHECK(contains(refusal({{EmbeddingSpec{7, 7}}, {ResidualSpec{{{tied}}}}}, 0),
                 "layers[1].layers[0].tied: expected false inside another layer"));
}
