// Dropout of single values.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// Inverted dropout: values that stay are scaled by 1 / (1 - rate).
template <class T>
class DropoutLayer final : public SequenceLayer<T> {
 public:
  DropoutLayer(const DropoutSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class DropoutTape;
  DropoutSpec spec_;
  Index features_;
};

}  // namespace lstm_native
