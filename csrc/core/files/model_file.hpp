// Model files: a network and, where wanted, all that resuming its training needs.
//
// A safetensors file. Tensors: the network's parameters under their names ("0.weight_ih_l0"), the
// trainer's state as "optimizer.<name>". Metadata:
//   format               "lstm_native"
//   format_version       "1"
//   lstm_native_version  of the library that wrote the file
//   network              JSON {"dtype": "float32" or "float64", "input_features", "layers"} for
//                        layers in a row, else {"dtype", "graph"} (graph_json.hpp)
//   trainer              JSON {"iterations", "loss", "optimizer"}, when saved with a trainer;
//                        several losses: "losses": [{"output", "loss", "factor"}] in place of
//                        "loss"; where parameters have a rate factor other than 1, or were frozen
//                        for a while, also {"rate_factors", "missed_updates"} by their names
//   user.<key>           free text of the user's
//   callbacks            JSON of what a program keeps beside the model (Extras), when it does;
//                        its tensors are "callbacks.<name>"
// A version is written only where something needs it, which a reader of those before would refuse:
// "1.1" says that there are tensors of callbacks; "2" that there is a graph, or several losses (and
// perhaps tensors of callbacks, too).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/files/safetensors.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native {

/// What a program keeps in the file beside the model. This library hands it on unread.
struct Extras {
  struct Tensor {
    std::string name, dtype;
    std::vector<Index> shape;
    std::vector<std::byte> bytes;
  };
  std::string text;  // empty: there are none
  std::vector<Tensor> tensors;
};

template <class T>
struct LoadedModel {
  Network<T> network;
  std::optional<Trainer<T>> trainer;  // of this network, when the file has one
  std::map<std::string, std::string> metadata;
  Extras extras;  // read where they were asked for
};

using AnyModel = std::variant<LoadedModel<float>, LoadedModel<double>>;

/// What is to be written. `trainer` may be null, else it must train this very network.
template <class T>
struct ModelContent {
  const Network<T>& network;
  const Trainer<T>* trainer = nullptr;
  std::map<std::string, std::string> metadata;
  std::string extra_text;                   // JSON, empty: no extras
  std::vector<TensorSource> extra_tensors;  // only with a text
};

/// Writes the file atomically. Throws FileError, and InvalidArgument for metadata that is not UTF-8
/// and for weights that are not finite.
template <class T>
void save_model(const std::string& path, const ModelContent<T>& content);

/// The bytes of that file.
template <class T>
std::vector<std::byte> model_bytes(const ModelContent<T>& content);

/// Where a model is read from: a file, opened once, or bytes in memory, which must stay alive.
/// Throws FileError and FormatError.
class ModelSource {
 public:
  explicit ModelSource(const std::string& path);
  ModelSource(const void* data, std::size_t size);

  /// Once, for it takes what has been read along. Throws FormatError, or InvalidArgument when the
  /// file holds another dtype.
  template <class T>
  LoadedModel<T> load(bool with_extras = false) &&;
  AnyModel load_any(bool with_extras = false) &&;

 private:
  std::string name_;  // for messages
  std::optional<SafetensorsFile> file_;
};

/// Saves a model without extras in one call, for tests and plain uses.
template <class T>
void save_model(const std::string& path, const Network<T>& network, const Trainer<T>* trainer,
                const std::map<std::string, std::string>& metadata) {
  save_model(path, ModelContent<T>{network, trainer, metadata, {}, {}});
}
template <class T>
LoadedModel<T> load_model(const std::string& path) {
  return ModelSource(path).load<T>();
}

}  // namespace lstm_native
