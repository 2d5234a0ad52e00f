// Model files: a network and, where wanted, all that resuming its training needs.
//
// A safetensors file. Tensors: the network's parameters under their names ("0.weight_ih_l0"), the
// trainer's state as "optimizer.<name>". Metadata:
//   format               "lstm_native"
//   format_version       "1"
//   lstm_native_version  of the library that wrote the file
//   network              JSON {"dtype": "float32" or "float64", "input_features", "layers"}
//   trainer              JSON {"iterations", "loss", "optimizer"}, when saved with a trainer
//   user.<key>           free text of the user's
#pragma once

#include <map>
#include <optional>
#include <string>

#include "lstm_native/network.hpp"

namespace lstm_native {

template <class T>
struct LoadedModel {
  Network<T> network;
  std::optional<Trainer<T>> trainer;  // of this network, when the file has one
  std::map<std::string, std::string> metadata;
};

/// Writes the file atomically; `trainer` may be null, else it must train this very network.
/// Throws FileError, and InvalidArgument for metadata that is not UTF-8.
template <class T>
void save_model(const std::string& path, const Network<T>& network, const Trainer<T>* trainer,
                const std::map<std::string, std::string>& metadata);

/// Throws FileError, FormatError, or InvalidArgument when the file holds another dtype.
template <class T>
LoadedModel<T> load_model(const std::string& path);

/// "float32" or "float64": which of the load_model functions fits. Throws as they do.
std::string file_dtype(const std::string& path);

}  // namespace lstm_native
