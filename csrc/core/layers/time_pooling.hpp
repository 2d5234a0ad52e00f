// Last, MaxPool and MeanPool: one step out of all.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// Spec: LastSpec, MaxPoolSpec or MeanPoolSpec. (N, T, F) -> (N, F), over the true steps; zeros for
/// a sequence that has none. In a stream: what a sequence gives that ends with this step.
template <class T, class Spec>
class TimePoolLayer final : public SequenceLayer<T> {
 public:
  TimePoolLayer(const Spec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  const Index* output_lengths(std::size_t, const Batch<T>*, Workspace&) const override {
    return nullptr;
  }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class PoolTape;
  Spec spec_;
  Index features_;
};

template <class T>
using LastLayer = TimePoolLayer<T, LastSpec>;
template <class T>
using MaxPoolLayer = TimePoolLayer<T, MaxPoolSpec>;
template <class T>
using MeanPoolLayer = TimePoolLayer<T, MeanPoolSpec>;

}  // namespace lstm_native
