#include "core/files/foreign_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "core/base/message_text.hpp"

namespace lstm_native {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHead = 4096, kTail = 65536;

const char* const kGiveWeights =
    "give its weights, as arrays by name, to load_state_dict of a model with the same layers";

std::string looks_like(const std::string& kind, const std::string& how) {
  std::string text =
      "expected a file that this library wrote, got what is not a model file of lstm_native: it "
      "looks like " +
      kind;
  return how.empty() ? text : text + "; to use it, " + how;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string_view without_space(std::string_view text) {
  if (starts(text, "\xef\xbb\xbf")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

/// Letters in lower case, for what is written either way.
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// No control but those that stand between words, and more ASCII than not.
bool is_text(std::string_view text) {
  std::size_t beyond = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool space = byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
    if ((byte < 0x20 && !space) || byte == 0x7F) return false;
    if (byte >= 0x80) ++beyond;
  }
  return 2 * beyond <= text.size();
}

std::string of_torch(const char* kind) {
  return looks_like(
      kind, std::string("load it with torch.load(path, map_location=\"cpu\") and ") + kGiveWeights);
}

std::string of_zip(std::string_view head, std::string_view tail) {
  const auto holds = [&](std::string_view name) { return has(head, name) || has(tail, name); };
  if (holds("data.pkl")) return of_torch("a PyTorch file (a zip archive with data.pkl)");
  if (holds("config.json") && (holds("model.weights.h5") || holds("metadata.json")))
    return looks_like("a Keras model (a zip archive with config.json)",
                      "load it with keras.saving.load_model(path), transpose its kernels and " +
                          std::string(kGiveWeights));
  if (holds(".npy"))
    return looks_like("NumPy arrays (.npz)",
                      "read them with numpy.load(path) and give them, by name, to load_state_dict "
                      "of a model with the same layers");
  return looks_like("a zip archive", "unpack it first");
}

std::string of_json(std::string_view text, std::string_view tail) {
  const auto holds = [&](std::string_view key) { return has(text, key) || has(tail, key); };
  if (holds("\"in_shape\"") && holds("\"layers\""))
    return looks_like(
        "a model in RTNeural's JSON",
        "read it with json.load, transpose its kernels and " + std::string(kGiveWeights));
  if (holds("\"architecture\"") && holds("\"config\""))
    return looks_like(
        "a model of Neural Amp Modeler (.nam, JSON)",
        "read it with json.load, split its weights by layer and " + std::string(kGiveWeights));
  return looks_like("JSON", "");
}

std::string of_text(std::string_view head, std::string_view tail) {
  const std::string_view text = without_space(head);
  if (starts(text, "version https://git-lfs"))
    return looks_like("the pointer that Git LFS keeps in place of a file",
                      "get the file itself with git lfs pull");
  const std::string small = lower(text.substr(0, 512));
  if (starts(small, "<!doctype html") || has(small, "<html"))
    return looks_like(
        "a web page (HTML)",
        "download the file itself: a page, perhaps an error or a login, came instead");
  if (starts(text, "<")) return looks_like("XML", "");
  if (starts(text, "{") || starts(text, "[")) return of_json(text, tail);
  return looks_like("text (" + in_quotes(text.substr(0, 40)) + ")", "");
}

struct Signature {
  std::string_view bytes;
  std::size_t at;
  const char* kind;
  const char* how;
};

const std::array kSignatures{
    Signature{"\x89HDF\r\n\x1a\n"sv, 0, "an HDF5 file (.h5, as Keras wrote them)",
              "load it with keras.models.load_model(path), transpose its kernels and give its "
              "weights, as arrays by name, to load_state_dict of a model with the same layers"},
    Signature{"GGUF"sv, 0, "a GGUF file (llama.cpp)", ""},
    Signature{"TFL3"sv, 4, "a TensorFlow Lite model",
              "take the weights from the model it was made from: a converted one has none by name"},
    Signature{"\x93NUMPY"sv, 0, "a NumPy array (.npy)",
              "read it with numpy.load(path) and give it, by its name, to load_state_dict"},
    Signature{"\x1f\x8b"sv, 0, "a file packed with gzip", "unpack it first"},
    Signature{"BZh"sv, 0, "a file packed with bzip2", "unpack it first"},
    Signature{"\xfd"
              "7zXZ\0"sv,
              0, "a file packed with xz", "unpack it first"},
    Signature{"\x28\xb5\x2f\xfd"sv, 0, "a file packed with zstd", "unpack it first"},
    Signature{"ustar"sv, 257, "a tar archive", "unpack it first"},
    Signature{"%PDF-"sv, 0, "a PDF", ""},
    Signature{"\x89PNG\r\n"sv, 0, "a PNG picture", ""},
    Signature{"PAR1"sv, 0, "a Parquet table", "read it with pandas: it holds data, no model"},
    Signature{"\x7f"
              "ELF"sv,
              0, "a program or library (ELF)", ""},
};

/// ModelProto begins with its ir_version (field 1), then come producer_name, opset_import or graph.
bool is_onnx(std::string_view head) {
  if (head.size() < 4 || head[0] != 0x08 || head[1] < 1 || head[1] > 40) return false;
  return has("\x12\x1a\x22\x2a\x32\x3a\x42"sv, head.substr(2, 1));
}

}  // namespace

std::string foreign_file(const ByteSource& source) {
  const std::uint64_t size = source.size();
  if (size == 0) return looks_like("an empty file", "write it again: saving it must have failed");
  std::string head(static_cast<std::size_t>(std::min<std::uint64_t>(size, kHead)), '\0');
  source.read(0, head.data(), head.size());
  // The brace of a header in its place: a file of the format, if perhaps a damaged one.
  if (head.size() > 8 && head[8] == '{' && !starts(head, "PK")) {
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(head[i]);
    if (length <= size - 8 || head[7] == '\0') return {};
  }
  if (size <= 8 && !is_text(head)) return {};
  std::string tail(static_cast<std::size_t>(std::min<std::uint64_t>(size, kTail)), '\0');
  source.read(size - tail.size(), tail.data(), tail.size());

  if (starts(head, "PK\x03\x04") || starts(head, "PK\x05\x06")) return of_zip(head, tail);
  for (const Signature& s : kSignatures)
    if (head.size() >= s.at && starts(std::string_view(head).substr(s.at), s.bytes))
      return looks_like(s.kind, s.how);
  // The number that torch.save began files with before they were zip archives.
  if (starts(head, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"))
    return of_torch("a PyTorch file (pickled)");
  if (head[0] == '\x80' && head.size() > 1 && head[1] >= 2 && head[1] <= 5)
    return looks_like("a Python pickle",
                      std::string("load it with pickle.load if you trust who made it (that runs "
                                  "code), and ") +
                          kGiveWeights);
  if (starts(head, "\x08\x01\x12"))
    return looks_like(
        "a TensorFlow SavedModel",
        "load it with TensorFlow, transpose its kernels and " + std::string(kGiveWeights));
  if (is_onnx(head))
    return looks_like("an ONNX model",
                      "read its initializers with onnx.numpy_helper.to_array, bring the gates into "
                      "our order (onnx: i, o, f, c) and " +
                          std::string(kGiveWeights));
  if (is_text(head)) return of_text(head, tail);
  return {};
}

std::string foreign_tensors(const SafetensorsHeader& header) {
  std::string names;
  std::size_t shown = 0;
  for (const auto& entry : header.tensors) {
    if (shown == 5) break;
    names += (shown++ ? ", " : "") + in_quotes(entry.first, 60);
  }
  if (header.tensors.size() > shown) names += ", ...";
  if (names.empty()) return "a safetensors file without tensors, but no model of this library";
  return "a safetensors file, but no model of this library: it has the " +
         std::to_string(header.tensors.size()) + " tensors " + names +
         "; to use it, read it with safetensors.numpy.load_file(path) and give its tensors, under "
         "the names that model.state_dict() shows, to load_state_dict of a model with the same "
         "layers";
}

}  // namespace lstm_native
