// Samples of normal distributions whose parameters are learned.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// mean + exp(log variance / 2) * noise in training, the mean else.
template <class T>
class GaussianSampleLayer final : public SequenceLayer<T> {
 public:
  /// Throws InvalidArgument for an odd number of features.
  GaussianSampleLayer(const GaussianSampleSpec& spec, Index features);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return 2 * features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class SampleTape;
  class MeanStream;
  GaussianSampleSpec spec_;
  Index features_;  // of what is drawn
};

}  // namespace lstm_native
