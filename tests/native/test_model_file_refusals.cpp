// Model files that are none, or not whole, or claim what they do not hold: no file can do harm.
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lstm_native/runtime.hpp"
#include "model_file_helpers.hpp"

using namespace lstm_native;
using nlohmann::json;

namespace {

/// Whether nothing but the weights' values is wrong with the file.
bool refused_weights(const std::string& path) {
  return message_of<FormatError>([&] { load_model<float>(path); }).find("finite weights") !=
         std::string::npos;
}

}  // namespace

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
