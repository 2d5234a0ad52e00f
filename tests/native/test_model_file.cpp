// Model files: all that was saved comes back bit for bit, and no file can do harm.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
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
#include "file_helpers.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

using namespace lstm_native;
using nlohmann::json;

namespace {

using Metadata = std::map<std::string, std::string>;

std::vector<LayerSpec> forecaster() {
  const HighwaySpec highway{3, {{LSTMSpec{3, 2, false, 0.25}}, {DenseSpec{2}}}};
  return {{LayerNormSpec{}}, {highway}, {DropoutSpec{0.1}}, {DenseSpec{1}}};
}

OptimizerSpec adam() {
  OptimizerSpec spec;
  spec.learning_rate = 0.01;
  spec.clip_norm = 1.0;
  return spec;
}

/// Some inputs and targets of 4 samples, 5 steps, 2 features.
template <class T>
struct Data {
  std::vector<T> x, y;

  Data() {
    for (int i = 0; i < 4 * 5 * 2; ++i) x.push_back(static_cast<T>(i % 7 - 3) / 4);
    for (int i = 0; i < 4; ++i) y.push_back(static_cast<T>(i % 3) / 2);
  }
  Batch<T> batch() const { return {x.data(), nullptr, 4, 5, 2}; }
  Targets<T> targets() const { return {y.data(), nullptr, nullptr}; }
};

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

template <class T>
void train(Trainer<T>& trainer, int steps) {
  const Data<T> data;
  for (int i = 0; i < steps; ++i) trainer.step(data.batch(), data.targets(), nullptr, 4, 7);
}

/// A file's metadata and tensors, to be changed and written as another file.
struct Content {
  Metadata metadata;
  std::vector<TensorSource> tensors;

  explicit Content(const std::string& path) {
    const SafetensorsFile file(path);
    metadata = file.header().metadata;
    for (const auto& [name, tensor] : file.header().tensors) {
      std::string bytes(static_cast<std::size_t>(tensor.end - tensor.begin), '\0');
      file.read(tensor, bytes.data());
      tensors.push_back({name, tensor.dtype, tensor.shape, [bytes](void* out) {
                           std::copy(bytes.begin(), bytes.end(), static_cast<char*>(out));
                         }});
    }
  }

  TensorSource& tensor(const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const TensorSource& tensor) { return tensor.name == name; });
  }
};

/// A small model file as bytes: one LSTM, one Dense, Adam's state.
std::string small_file(const std::string& path) {
  Network<float> network({{LSTMSpec{2, 1, false}}, {DenseSpec{1}}}, 2, 1);
  Trainer<float> trainer(network, LossSpec{}, adam());
  train(trainer, 1);
  save_model<float>(path, network, &trainer, {{"unit", "months"}});
  return read_bytes(path);
}

/// Whether nothing but the weights' values is wrong with the file.
bool refused_weights(const std::string& path) {
  return message_of<FormatError>([&] { load_model<float>(path); }).find("finite weights") !=
         std::string::npos;
}

/// True when the file loads, false when it is refused as it should be. Bytes in memory are the
/// same to it.
bool loads(const std::string& path) {
  const std::string bytes = read_bytes(path);
  const auto refusal = [](const auto& load) {
    return message_of<FormatError>([&] { load(); }).substr(0, 5);
  };
  const std::string file = refusal([&] { load_model<float>(path); });
  const std::string memory =
      refusal([&] { ModelSource(bytes.data(), bytes.size()).load<float>(true); });
  CHECK(file == memory);
  return file.empty();
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

TEST_CASE("model file: a claim of many tensors is refused before they are made") {
  // As many values as the file has bytes for, but each in a tensor of its own.
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  std::string layers = R"({"type":"rnn","hidden_size":1,"num_layers":1024})";
  for (int i = 1; i < 60; ++i) layers += R"(,{"type":"rnn","hidden_size":1,"num_layers":1024})";
  write_safetensors(
      path, {{"a", "F32", {300000}, [](void* out) { std::memset(out, 0, 1200000); }}},
      {{"format", "lstm_native"},
       {"format_version", "1"},
       {"network", R"({"dtype":"float32","input_features":1,"layers":[)" + layers + "]}"}});
  CHECK(message_of<FormatError>([&] {
          Model::load(path);
        }).find("expected 245760 tensors for the layers, got 1") != std::string::npos);
}

TEST_CASE("model file: a file of another kind is named") {
  const auto refusal = [](const std::string& bytes) {
    return message_of<FormatError>([&] { Model::load(bytes.data(), bytes.size()); });
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it looks like an empty file"},
      {std::string("PK\x03\x04") + std::string(40, '\0') + "archive/data.pkl", "a PyTorch file"},
      {"\x89HDF\r\n\x1a\n and more", "an HDF5 file"},
      {R"({"in_shape": [null, 1], "layers": []})", "a model in RTNeural's JSON"},
      {R"({"version": "0.5", "architecture": "LSTM", "config": {}})", "Neural Amp Modeler"},
      {"GGUF and what follows", "a GGUF file"},
      {"<!DOCTYPE html><title>404</title>", "a web page (HTML)"},
      {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"},
      {"epoch,loss\n", "text (\"epoch,loss\\x0a\")"}};
  for (const auto& [bytes, expected] : cases) {
    const std::string message = refusal(bytes);
    CAPTURE(message);
    CHECK(message.find("not a model file of lstm_native: it looks like ") != std::string::npos);
    CHECK(message.find(expected) != std::string::npos);
  }
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

TEST_CASE("model file: a refusal names the file, what was expected and what came") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  small_file(path);
  const Content good(path);
  const auto edit = [](Content& content, const char* key,
                       const std::function<void(json&)>& change) {
    json value = json::parse(content.metadata.at(key));
    change(value);
    content.metadata[key] = value.dump();
  };
  using Change = std::function<void(Content&)>;
  const std::vector<std::pair<Change, std::string>> cases = {
      {[](Content& c) { c.metadata.clear(); },
       R"(expected metadata "format" of "lstm_native", got none)"},
      {[](Content& c) { c.metadata["format"] = "pt"; },
       R"(got "pt": a safetensors file, but no model of this library: it has the 18 tensors )"
       R"("0.bias_hh_l0", )"},
      {[](Content& c) {
         c.metadata["format_version"] = "3";
         c.metadata["lstm_native_version"] = "9.8";
       },
       "expected format_version \"1\", \"1.1\" or \"2\", which lstm_native " +
           build_info().version + " reads, got \"3\", written by lstm_native \"9.8\""},
      {[](Content& c) { c.metadata.erase("network"); }, R"(expected metadata "network", got none)"},
      {[](Content& c) { c.metadata["network"] = "{"; }, "network: expected JSON"},
      {[&](Content& c) { edit(c, "network", [](json& j) { j["dtype"] = "bfloat16"; }); },
       "network.dtype: expected"},
      {[&](Content& c) { edit(c, "network", [](json& j) { j["extra"] = 1; }); },
       R"(network: expected only keys "dtype", "input_features", "layers", got "extra")"},
      {[&](Content& c) { edit(c, "network", [](json& j) { j["layers"][1]["units"] = -3; }); },
       "network.layers[1].units: expected 1 to 16777216, got -3"},
      {[&](Content& c) { edit(c, "network", [](json& j) { j["layers"][0]["hidden_size"] = 1; }); },
       "tensor \"0.weight_ih_l0\": expected F32 (4, 2), got F32 (8, 2)"},
      {[&](Content& c) { edit(c, "network", [](json& j) { j["layers"].erase(1); }); },
       "optimizer only, got \"1.bias\""},
      {[&](Content& c) { edit(c, "trainer", [](json& j) { j["iterations"] = -1; }); },
       "trainer.iterations: expected 0 to 9007199254740992, got -1"},
      {[&](Content& c) { edit(c, "trainer", [](json& j) { j["iterations"] = INT64_MAX; }); },
       "got 9223372036854775807"},
      {[&](Content& c) { edit(c, "trainer", [](json& j) { j["loss"]["type"] = "nll"; }); },
       "trainer.loss.type: expected one of"},
      {[&](Content& c) { edit(c, "trainer", [](json& j) { j["optimizer"].erase("type"); }); },
       R"(trainer.optimizer: expected key "type")"},
      {[](Content& c) { c.metadata.erase("trainer"); }, "optimizer only, got \"optimizer."},
      {[](Content& c) { c.tensor("1.bias").name = "1.biases"; },
       "expected tensor \"1.bias\", got none of this name"},
      {[](Content& c) { c.tensor("0.weight_hh_l0").shape = {2, 8}; },
       "tensor \"0.weight_hh_l0\": expected F32 (8, 2), got F32 (2, 8)"},
      {[](Content& c) { c.tensor("1.bias").dtype = "I32"; },
       "tensor \"1.bias\": expected F32 (1), got I32 (1)"},
      {[](Content& c) { c.tensors.push_back({"more", "F32", {0}, [](void*) {}}); },
       "optimizer only, got \"more\""}};
  for (const auto& [change, expected] : cases) {
    Content content = good;
    change(content);
    write_safetensors(path, content.tensors, content.metadata);
    const std::string message = message_of<FormatError>([&] { load_model<float>(path); });
    CAPTURE(message);
    CHECK(message.find(expected) != std::string::npos);
    CHECK(message.find(path) != std::string::npos);
  }
}

TEST_CASE("model file: asking for another dtype is the caller's mistake") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  small_file(path);
  CHECK(message_of<InvalidArgument>([&] { ModelF64::load(path); }) ==
        "model file '" + path + "': expected dtype float64, got float32");
  CHECK(message_of<FormatError>([&] {
          try {
            ModelF64::load(path);
          } catch (const FormatError&) {
            throw;
          } catch (const InvalidArgument&) {
          }
        }) == "");
}

TEST_CASE("model file: what the system refuses is a FileError") {
  const TemporaryDirectory directory;
  const auto number = [](const auto& call) {
    try {
      call();
    } catch (const FileError& error) {
      return error.error_number();
    }
    return 0;
  };
  CHECK(number([&] { Model::load(directory / "missing"); }) == ENOENT);
  CHECK(number([&] { ModelSource(directory.path()); }) == EISDIR);
  const Model model{Network<float>({{DenseSpec{1}}}, 2), {}};
  CHECK(number([&] { model.save(directory / "missing/a"); }) == ENOENT);
}

TEST_CASE("model file: a claim of many weights is refused before anything is allocated") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  for (const char* layers :
       {R"([{"type":"lstm","hidden_size":16777216}])",
        R"([{"type":"lstm","hidden_size":16777216,"num_layers":1024}])",
        R"([{"type":"embedding","vocabulary":2147483648,"features":16777216}])",
        R"([{"type":"highway","window":16777216,"layers":[{"type":"dense","units":16777216}]}])",
        R"([{"type":"lstm","hidden_size":20000}])"}) {
    CAPTURE(layers);
    write_safetensors(path, {},
                      {{"format", "lstm_native"},
                       {"format_version", "1"},
                       {"network", std::string(R"({"dtype":"float32","input_features":16777216,)") +
                                       "\"layers\":" + layers + "}"}});
    CHECK_FALSE(loads(path));
  }
}

TEST_CASE("model file: every truncation is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const std::string good = small_file(path);
  CHECK(loads(path));
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    write_bytes(path, good.substr(0, size));
    CHECK_FALSE(loads(path));
  }
}

TEST_CASE("model file: a changed byte is refused or only changes a value") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const std::string good = small_file(path);
  std::uint64_t header = 0;
  for (int i = 7; i >= 0; --i) header = header << 8 | static_cast<unsigned char>(good[i]);
  int loaded = 0, refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int flip : {0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xFF}) {
      const bool weight = at >= 8 + header;  // data: any value will do
      if (weight && flip != 0xFF) continue;
      CAPTURE(at);
      CAPTURE(flip);
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      write_bytes(path, bad);
      // Anything but FormatError, such as std::bad_alloc, ends the test.
      const bool ok = loads(path);
      ++(ok ? loaded : refused);
      if (weight && !ok) CHECK(refused_weights(path));
    }
  }
  CHECK(loaded > 0);
  CHECK(refused > 0);
}
