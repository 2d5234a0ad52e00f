// What the metadata of a model file say (model_file.hpp has their keys), read and checked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/files/safetensors.hpp"
#include "lstm_native/graph.hpp"
#include "lstm_native/training.hpp"

namespace lstm_native {

using Metadata = std::map<std::string, std::string>;

inline constexpr const char* kFormat = "lstm_native";
inline constexpr const char* kFormatVersion = "1";
inline constexpr const char* kExtrasVersion = "1.1";  // with tensors of callbacks
inline constexpr const char* kGraphVersion =
    "2";  // with a graph, or several losses; and perhaps the same
inline constexpr std::string_view kUserPrefix = "user.";
inline constexpr std::string_view kExtraPrefix = "callbacks.";
inline constexpr const char* kExtras = "callbacks";
inline constexpr const char* kStatePrefix = "optimizer.";

template <class T>
constexpr const char* dtype_name() {
  return sizeof(T) == sizeof(float) ? "float32" : "float64";
}

struct TrainerDescription {
  std::vector<OutputLoss> losses;
  OptimizerSpec optimizer;
  Index iterations = 0;
  // By name of the parameter, where they are not as usual (core/training/optimizer.hpp).
  std::vector<std::pair<std::string, double>> rate_factors;
  std::vector<std::pair<std::string, Index>> missed_updates;
};

/// What the metadata of a model file say, with every spec in range.
struct Description {
  std::string dtype;
  Index input_features = 0;
  std::vector<LayerSpec> layers;   // in a row, or
  std::optional<GraphSpec> graph;  // in a file of version 2
  std::optional<TrainerDescription> trainer;
  Metadata user;
  std::string extras;
  bool extra_tensors = false;  // whether the version allows them
};

/// Takes the user's metadata out of the file. Throws FormatError, and InvalidArgument for specs out
/// of range.
Description describe(SafetensorsFile& file);

}  // namespace lstm_native
