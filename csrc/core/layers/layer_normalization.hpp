// Layer normalisation over the last axis.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis.
template <class T>
class LayerNormLayer final : public SequenceLayer<T> {
 public:
  LayerNormLayer(const LayerNormSpec& spec, Index features);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::vector<Parameter<T>*> parameters() override { return {&weight_, &bias_}; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class LayerNormTape;
  class LayerNormStream;
  LayerNormSpec spec_;
  Index features_;
  Parameter<T> weight_, bias_;
};

}  // namespace lstm_native
