// Repeat: a row at each of some steps.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// (N, F) -> (N, times, F). The gradient is the sum over the steps, in their order.
template <class T>
class RepeatLayer final : public SequenceLayer<T> {
 public:
  RepeatLayer(const RepeatSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class RepeatTape;
  RepeatSpec spec_;
  Index features_;
};

}  // namespace lstm_native
