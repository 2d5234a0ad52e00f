// The rules of layers, checked in one place for C++ callers, JSON and model files alike.
#pragma once

#include <string>
#include <vector>

#include "core/specs/limits.hpp"
#include "lstm_native/layers.hpp"

namespace lstm_native {

/// Throw InvalidArgument, with expected and actual, when a value is out of range. `path` names
/// the spec in the message ("layers[1]" gives "layers[1].units: expected ...").
void validate(const LayerSpec& layer, const std::string& path = "layer");

/// All layers of a network, their number, and that an embedding comes first or not at all.
void validate(const std::vector<LayerSpec>& layers, const std::string& path = "layers");

}  // namespace lstm_native
