// Reshape and Flatten: a sample's values in another shape.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// Spec: ReshapeSpec or FlattenSpec. The values stay as they are and where they are. A Reshape
/// takes lengths where it cuts each step into a whole number of them; nothing else means anything.
template <class T, class Spec>
class ShapeLayer final : public SequenceLayer<T> {
 public:
  /// Throws InvalidArgument when no input of so many features fits.
  ShapeLayer(const Spec& spec, Index features);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override;
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override {
    return parts() ? LengthsUse::honoured : LengthsUse::refused;
  }
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ReshapeTape;
  Index parts() const;  // steps that each step becomes; 0: another shape
  Spec spec_;
  Index features_;
};

template <class T>
using ReshapeLayer = ShapeLayer<T, ReshapeSpec>;
template <class T>
using FlattenLayer = ShapeLayer<T, FlattenSpec>;

}  // namespace lstm_native
