// Model files: all that was saved comes back bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/files/model_file.hpp"
#include "core/files/safetensors.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/training/optimizer_specs.hpp"
#include "lstm_native/error.hpp"
#include "model_file_helpers.hpp"

using namespace lstm_native;
using nlohmann::json;

namespace {

std::vector<LayerSpec> forecaster() {
  const HighwaySpec highway{3, {{LSTMSpec{3, 2, false, 0.25}}, {DenseSpec{2}}}};
  return {{LayerNormSpec{}}, {highway}, {DropoutSpec{0.1}}, {DenseSpec{1}}};
}

template <class T>
std::vector<T> predict(const Network<T>& network) {
  const Data<T> data;
  std::vector<T> y(4);
  network.predict(data.batch(), y.data());
  return y;
}

template <class T>
std::map<std::string, std::vector<T>> weights(const Network<T>& network) {
  std::map<std::string, std::vector<T>> all;
  for (const TensorInfo& info : network.parameters())
    all[info.name] = network.get_parameter(info.name);
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("model file: weights and predictions come back bit for bit", T, float, double) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const Network<T> network(forecaster(), 2, 5);
  const BasicModel<T> model{network, {{"unit", "months"}, {"\xc3\xa9", "\n\""}, {"", ""}}};
  model.save(path);
  CHECK(ModelSource(path).load_any().index() == (sizeof(T) == 4 ? 0 : 1));

  const BasicModel<T> loaded = BasicModel<T>::load(path);
  CHECK(loaded.metadata == model.metadata);
  CHECK(to_json(loaded.network.layers()) == to_json(forecaster()));
  CHECK(loaded.network.input_features() == 2);
  CHECK(weights(loaded.network) == weights(network));
  CHECK(predict(loaded.network) == predict(network));
  CHECK_FALSE(load_model<T>(path).trainer);

  const std::string again = directory / "b.safetensors";
  loaded.save(again);
  CHECK(read_bytes(again) == read_bytes(path));

  const std::vector<std::byte> bytes = model.to_bytes();
  const std::string file = read_bytes(path);
  REQUIRE(bytes.size() == file.size());
  CHECK(std::memcmp(bytes.data(), file.data(), file.size()) == 0);
  const BasicModel<T> copy = BasicModel<T>::load(bytes.data(), bytes.size());
  CHECK(copy.metadata == model.metadata);
  CHECK(weights(copy.network) == weights(network));
}

TEST_CASE(
    "model file: what a program keeps beside the model comes back, and is none of a model's") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const Network<float> network({{DenseSpec{2}}}, 2, 1);
  const Model plain{network, {{"unit", "months"}}};
  plain.save(path);
  const std::string before = read_bytes(path);
  save_model(path, ModelContent<float>{network, nullptr, plain.metadata, {}, {}});
  CHECK(read_bytes(path) == before);

  const TensorSource best{"best", "I16", {3}, [](void* out) { std::memcpy(out, "abcdef", 6); }};
  const ModelContent<float> content{network, nullptr, plain.metadata, "{\"x\":1}", {best}};
  save_model(path, content);
  CHECK(SafetensorsFile(path).header().metadata.at("format_version") == "1.1");
  CHECK(Model::load(path).metadata == plain.metadata);
  CHECK(load_model<float>(path).extras.tensors.empty());
  const LoadedModel<float> loaded = ModelSource(path).load<float>(/*with_extras=*/true);
  CHECK(loaded.extras.text == "{\"x\":1}");
  REQUIRE(loaded.extras.tensors.size() == 1);
  const Extras::Tensor& tensor = loaded.extras.tensors[0];
  CHECK(tensor.name == "best");
  CHECK(tensor.dtype == "I16");
  CHECK(tensor.shape == std::vector<Index>{3});
  CHECK(std::memcmp(tensor.bytes.data(), "abcdef", 6) == 0);

  // A file of version 1 has no such tensors.
  Content old(path);
  old.metadata["format_version"] = "1";
  write_safetensors(path, old.tensors, old.metadata);
  CHECK(message_of<FormatError>([&] { Model::load(path); }).find("callbacks.best") !=
        std::string::npos);
}

TEST_CASE("model file: weights that are no numbers are refused, written and read") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  small_file(path);
  Content content(path);
  const float bad[2] = {0, std::numeric_limits<float>::quiet_NaN()};
  content.tensor("0.bias_hh_l0").copy = [&](void* out) {
    std::memset(out, 0, 8 * sizeof(float));
    std::memcpy(static_cast<float*>(out) + 3, bad, sizeof bad);
  };
  write_safetensors(path, content.tensors, content.metadata);
  CHECK(message_of<FormatError>([&] {
          load_model<float>(path);
        }).find("tensor \"0.bias_hh_l0\": expected finite weights, got nan at position 4") !=
        std::string::npos);

  Network<float> network({{DenseSpec{2}}}, 1, 1);
  network.set_parameter("0.bias", bad, 2);
  const std::string before = read_bytes(path);
  CHECK(message_of<InvalidArgument>([&] { Model{network, {}}.save(path); }).find("\"0.bias\"") !=
        std::string::npos);
  CHECK(read_bytes(path) == before);
}

TEST_CASE("model file: dropout of one layer, which C++ once wrote, loads as the none it was") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  small_file(path);
  Content content(path);
  json network = json::parse(content.metadata.at("network"));
  network["layers"][0]["dropout"] = 0.25;
  content.metadata["network"] = network.dump();
  write_safetensors(path, content.tensors, content.metadata);
  const Network<float> loaded = Model::load(path).network;
  CHECK(std::get<LSTMSpec>(loaded.layers()[0].options).dropout == 0.0);
  network["layers"][0]["dropout"] = 1.25;
  content.metadata["network"] = network.dump();
  write_safetensors(path, content.tensors, content.metadata);
  CHECK_FALSE(loads(path));
  CHECK(
      message_of<InvalidArgument>([] { Network<float>({{LSTMSpec{2, 1, false, 0.25}}}, 2, 1); }) ==
      "layers[0].dropout: expected 0, for it acts between stacked layers, but num_layers is 1 "
      "(put a Dropout layer behind instead), got 0.25");
}

TEST_CASE("model file: a network of tokens comes back") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const Model model{Network<float>({{EmbeddingSpec{11, 3}}, {LSTMSpec{2}}}, 0, 5), {}};
  model.save(path);
  const Model loaded = Model::load(path);
  CHECK(loaded.network.takes_tokens());
  CHECK(weights(loaded.network) == weights(model.network));
}

TEST_CASE_TEMPLATE("model file: training resumed is training never stopped", T, float, double) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw, OptimizerKind::rmsprop}) {
    OptimizerSpec optimizer = adam();
    optimizer.kind = kind;
    optimizer.momentum = 0.5;
    Network<T> network(forecaster(), 2, 5);
    Trainer<T> trainer(network, HuberLoss{0.75}, optimizer);
    train(trainer, 3);
    trainer.set_learning_rate(0.004);
    save_model<T>(path, network, &trainer, {});
    train(trainer, 3);

    LoadedModel<T> resumed = load_model<T>(path);
    REQUIRE(resumed.trainer);
    CHECK(resumed.trainer->iterations() == 3);
    CHECK(resumed.trainer->optimizer().learning_rate == 0.004);
    CHECK(json_text(resumed.trainer->loss()) == R"({"delta":0.75,"type":"huber"})");
    train(*resumed.trainer, 3);
    CHECK(weights(resumed.network) == weights(network));
  }
}

TEST_CASE("model file: the trainer must be the network's own") {
  const TemporaryDirectory directory;
  const Network<float> network({{DenseSpec{1}}}, 2), other({{DenseSpec{1}}}, 2);
  const Trainer<float> trainer(other, LossSpec{}, {});
  CHECK_THROWS_AS(save_model(directory / "a", network, &trainer, {}), InvalidArgument);
  CHECK(directory.entries() == 0);
}
