// Reverse: the steps of each sequence from its end to its start.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// The true steps in the opposite order, from step 0 on. What has no time axis stays as it is.
template <class T>
class ReverseLayer final : public SequenceLayer<T> {
 public:
  ReverseLayer(const ReverseSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ReverseTape;
  ReverseSpec spec_;
  Index features_;
};

}  // namespace lstm_native
