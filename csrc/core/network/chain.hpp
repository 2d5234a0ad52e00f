// Layers one after another.
#pragma once

#include "core/layers/sequence_layer.hpp"
#include "core/network/chain_states.hpp"

namespace lstm_native {

constexpr std::size_t kNoLayer = static_cast<std::size_t>(-1);

template <class T>
class Chain {
 public:
  /// Throws InvalidArgument when neighbours do not fit. Ties what asks to be tied to the Embedding
  /// at the front (DenseSpec::tied).
  explicit Chain(std::vector<std::shared_ptr<SequenceLayer<T>>> layers);

  const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers() const { return layers_; }
  OutputShape output_shape(Index timesteps) const;

  /// Parameters of all layers in order, named "<layer index>.<name in the layer>". One that several
  /// layers use stands here once, under its owner's name, and has one gradient: the sum of all
  /// uses.
  std::vector<std::pair<std::string, Parameter<T>*>> parameters() const;
  void parameters_changed() const;
  Index version() const;  // changes whenever a weight does

  /// With lengths, which go from layer to layer as long as there is a time axis, nothing behind
  /// them is read, in x or in the gradient of y; y and the gradient of x get zeros there. Throws
  /// InvalidArgument when a layer cannot take them.
  /// states: where layers begin, and write how they end: the caller has checked them, and advances.
  /// without_activation: the layer that leaves its activation out (Pass::before_activation).
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const Pass& pass,
                                           ChainStates<T>* states = nullptr,
                                           std::size_t without_activation = kNoLayer) const;

 private:
  class ChainTape;
  void tie_layers();

  std::vector<std::shared_ptr<SequenceLayer<T>>> layers_;
  std::vector<Parameter<T>*> parameters_;         // as `parameters` gives them
  std::vector<std::vector<std::size_t>> places_;  // where each layer's stand among them
};

/// Builds the layers of a list, each on the output features of the one before.
template <class T>
std::vector<std::shared_ptr<SequenceLayer<T>>> make_layers(const std::vector<LayerSpec>& specs,
                                                           Index input_features, WeightSeed seed);

}  // namespace lstm_native
