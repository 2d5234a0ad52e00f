// Specs as JSON and back, strictly: in model files, and between the languages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/specs/json_tree.hpp"
#include "lstm_native/layers.hpp"
#include "lstm_native/training.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

nlohmann::json to_json(const LayerSpec& layer);
nlohmann::json to_json(const std::vector<LayerSpec>& layers);
nlohmann::json to_json(const LossSpec& loss);
nlohmann::json to_json(const OptimizerSpec& optimizer);

/// Throw InvalidArgument for an unknown or missing key, a value of another type, and whatever
/// `validate` refuses. `path` names the value in the message.
LayerSpec layer_from_json(const nlohmann::json& value, const std::string& path = "layer");
std::vector<LayerSpec> layers_from_json(const nlohmann::json& value,
                                        const std::string& path = "layers");
LossSpec loss_from_json(const nlohmann::json& value, const std::string& path = "loss");
OptimizerSpec optimizer_from_json(const nlohmann::json& value,
                                  const std::string& path = "optimizer");

/// Specs from and to JSON text, for callers without a JSON library.
LayerSpec parse_layer(const std::string& text);
LossSpec parse_loss(const std::string& text);
OptimizerSpec parse_optimizer(const std::string& text);
std::string json_text(const LayerSpec& layer);
std::string json_text(const LossSpec& loss);
std::string activation_name(Activation activation);
std::string json_text(const OptimizerSpec& optimizer);

/// Reads the keys of one JSON object and knows which it was asked for, so that `finish` can refuse
/// the others. Keeps a reference to the value. All throw InvalidArgument.
class ObjectReader {
 public:
  ObjectReader(const nlohmann::json& value, std::string path);

  const nlohmann::json& required(const char* key);
  const nlohmann::json* optional(const char* key);  // null when absent

  Index integer(const char* key);
  Index integer(const char* key, Index fallback);
  double number(const char* key);
  double number(const char* key, double fallback);
  bool boolean(const char* key, bool fallback);
  std::string string(const char* key);

  std::string path_of(const char* key) const { return path_ + '.' + key; }
  void finish() const;

 private:
  const nlohmann::json& value_;
  std::string path_;
  std::vector<std::string> asked_;
};

}  // namespace lstm_native
