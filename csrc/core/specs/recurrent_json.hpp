// Recurrent layers as JSON, and back.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lstm_native/layers.hpp"

namespace lstm_native {

class ObjectReader;

/// "lstm", "gru", ...; null for a layer that is not recurrent.
const char* recurrent_type(const LayerSpec& layer);

/// The layer of this type with the keys that stand in the object. False for another type.
bool read_recurrent(const std::string& type, ObjectReader& reader, LayerSpec& layer);

/// Options that have their default are left out, but for those that every file has.
nlohmann::json recurrent_to_json(const LayerSpec& layer);

/// "lstm", "gru", ... in quotes, for messages.
std::string recurrent_types();

}  // namespace lstm_native
