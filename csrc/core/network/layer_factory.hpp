// From specs to layers, and the checks at a layer's door.
#pragma once

#include "core/layers/sequence_layer.hpp"
#include "core/specs/layer_kind.hpp"

namespace lstm_native {

/// Builds one layer with its initial weights. Throws InvalidArgument.
template <class T>
std::shared_ptr<Layer<T>> make_layer(const LayerSpec& spec, const InputFeatures& input_features,
                                     WeightSeed seed);

/// The same of a layer with one input and one output.
template <class T>
std::shared_ptr<SequenceLayer<T>> make_layer(const LayerSpec& spec, Index input_features,
                                             WeightSeed seed);

/// Throws InvalidArgument unless x fits the layer, as far as can be seen without its values: kind
/// of input, sizes, features, lengths.
template <class T>
void check_shape(const SequenceLayer<T>& layer, const Batch<T>& x);

/// check_shape, and the range of tokens.
template <class T>
void check_input(const SequenceLayer<T>& layer, const Batch<T>& x);

}  // namespace lstm_native
