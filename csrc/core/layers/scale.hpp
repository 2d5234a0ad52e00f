// A multiple of the input, and a constant.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

template <class T>
class ScaleLayer final : public SequenceLayer<T> {
 public:
  ScaleLayer(const ScaleSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ScaleTape;
  class ScaleStream;
  ScaleSpec spec_;
  Index features_;
};

}  // namespace lstm_native
