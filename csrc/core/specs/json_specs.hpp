// Layers as JSON and back, strictly: in model files, and between the languages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lstm_native/layers.hpp"

namespace lstm_native {

nlohmann::json to_json(const LayerSpec& layer);
nlohmann::json to_json(const std::vector<LayerSpec>& layers);

/// Throw InvalidArgument for an unknown or missing key, a value of another type, and whatever
/// `validate` refuses. `path` names the value in the message.
LayerSpec layer_from_json(const nlohmann::json& value, const std::string& path = "layer");
std::vector<LayerSpec> layers_from_json(const nlohmann::json& value,
                                        const std::string& path = "layers");

/// Specs from and to JSON text, for callers without a JSON library.
LayerSpec parse_layer(const std::string& text);
std::string json_text(const LayerSpec& layer);
std::string activation_name(Activation activation);

}  // namespace lstm_native
