// How many parameters layers make, without making them.
#pragma once

#include <vector>

#include "core/specs/layer_kind.hpp"
#include "lstm_native/layers.hpp"

namespace lstm_native {

/// The parameters of the network that these layers make: their values in all, and in how many
/// tensors. `input_features` is ignored when the first layer is an embedding.
/// Throws InvalidArgument when `validate` would, when input_features is out of range, and when a
/// number overflows.
struct ParameterTotals {
  Index values = 0, tensors = 0;
};
ParameterTotals parameter_totals(const std::vector<LayerSpec>& layers, Index input_features);

/// The values alone.
Index parameter_count(const std::vector<LayerSpec>& layers, Index input_features);

/// The same of layers that `validate` let pass: of one, and of several one behind the other.
LayerCount count_layer(const LayerSpec& layer, const InputFeatures& input_features);
LayerCount count_chain(const std::vector<LayerSpec>& layers, Index input_features);

}  // namespace lstm_native
