// The ranges of layers, checked in one place for C++ callers, JSON and model files alike.
#pragma once

#include <string>
#include <vector>

#include "lstm_native/layers.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

constexpr Index kMaxWidth = Index{1} << 24;       // features, units, hidden units, window
constexpr Index kMaxVocabulary = Index{1} << 31;  // rows of an embedding
constexpr Index kMaxLayers = 1024;                // of a network, nested ones included
constexpr Index kMaxStackedLayers = 1024;         // num_layers of one LSTM
constexpr int kMaxLayerDepth = 4;                 // layers that hold layers that hold layers

std::string nesting_limit();  // as messages name the last

/// Throw InvalidArgument, with expected and actual, when a value is out of range. `path` names
/// the spec in the message ("layers[1]" gives "layers[1].units: expected ...").
void validate(const LayerSpec& layer, const std::string& path = "layer");

/// All layers of a network, their number, and that an embedding comes first or not at all.
void validate(const std::vector<LayerSpec>& layers, const std::string& path = "layers");

/// The parameters of the network that these layers make, without making it: their values in all,
/// and in how many tensors. `input_features` is ignored when the first layer is an embedding.
/// Throws InvalidArgument when `validate` would, when input_features is out of range, and when a
/// number overflows.
struct ParameterTotals {
  Index values = 0, tensors = 0;
};
ParameterTotals parameter_totals(const std::vector<LayerSpec>& layers, Index input_features);

/// The values alone.
Index parameter_count(const std::vector<LayerSpec>& layers, Index input_features);

/// Whether the layer is one of the recurrent ones, whose options begin with RecurrentOptions.
bool is_recurrent(const LayerSpec& layer);

}  // namespace lstm_native
