// Activity and temporal activity regularisation (Merity, Keskar & Socher 2018).
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// y = x. Adds to the loss of a training pass
///   activity * mean of y^2                  over all values of the batch, and
///   temporal * mean of (y_t - y_{t-1})^2    over all differences of neighbouring steps.
/// Where sequences have lengths, over their true steps.
/// One step alone has no difference and adds nothing to the second.
template <class T>
class ActivityRegularizationLayer final : public SequenceLayer<T> {
 public:
  ActivityRegularizationLayer(const ActivityRegularizationSpec& spec, Index features)
      : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override {
    return false;
  }  // it reads the input, which is the same
  bool adds_to_loss() const override { return true; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class PenaltyTape;
  ActivityRegularizationSpec spec_;
  Index features_;
};

}  // namespace lstm_native
