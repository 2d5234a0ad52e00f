// Masking: where a sequence ends, told by its values.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// Hands values on, and on its output's edge the lengths: each sequence ends behind its last step
/// that has another value than the spec's in some feature. A step of that value alone before the
/// end would be a hole, which no length can say: refused. In a stream, where a sequence's end is
/// not known, every step counts.
template <class T>
class MaskingLayer final : public SequenceLayer<T> {
 public:
  MaskingLayer(const MaskingSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  /// Throws InvalidArgument where there is a hole.
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class MaskingTape;
  MaskingSpec spec_;
  Index features_;
};

}  // namespace lstm_native
