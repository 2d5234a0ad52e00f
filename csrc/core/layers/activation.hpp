// An activation function as a layer.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// What a layer with this activation applies in this pass.
inline Activation applied(Activation activation, const Pass& pass) {
  return pass.before_activation ? Activation::linear : activation;
}

template <class T>
class ActivationLayer final : public SequenceLayer<T> {
 public:
  ActivationLayer(const ActivationSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ActivationTape;
  ActivationSpec spec_;
  Index features_;
};

}  // namespace lstm_native
