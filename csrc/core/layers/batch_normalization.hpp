// Batch normalisation of each feature.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias (Ioffe & Szegedy 2015): in training
/// with mean and biased variance of the batch, over all samples and their true steps; else with the
/// running ones. It is the one layer whose rows depend on the rows beside them, in training alone.
///
/// The running statistics are parameters that are saved and not trained. A training step that is
/// taken moves them (see Pass::when_taken), the variance towards the unbiased one, as PyTorch does.
template <class T>
class BatchNormLayer final : public SequenceLayer<T> {
 public:
  BatchNormLayer(const BatchNormSpec& spec, Index features);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class BatchNormTape;
  class BatchNormStream;
  struct Statistics {
    std::vector<double> mean, variance;
  };
  Statistics running() const;
  void move_running(const Statistics& batch, Index rows) const;

  BatchNormSpec spec_;
  Index features_;
  Parameter<T> weight_, bias_;                       // ones and zeros where there are none
  mutable Parameter<T> running_mean_, running_var_;  // moved by a training pass
};

}  // namespace lstm_native
