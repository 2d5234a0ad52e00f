// MaxPool1D and MeanPool1D: one step out of each window of steps.
#pragma once

#include "core/layers/sequence_layer.hpp"
#include "core/layers/step_windows.hpp"

namespace lstm_native {

/// Spec: MaxPool1DSpec or MeanPool1DSpec. Each feature for itself. Steps beyond the ends of a
/// sequence take no part: a mean is over the steps that are there. Of equal values the first is the
/// greatest.
template <class T, class Spec>
class WindowPoolLayer final : public SequenceLayer<T> {
 public:
  WindowPoolLayer(const Spec& spec, Index features);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class PoolTape;
  class PoolStream;
  Spec spec_;
  Index features_;
  StepWindows windows_;
};

template <class T>
using MaxPool1DLayer = WindowPoolLayer<T, MaxPool1DSpec>;
template <class T>
using MeanPool1DLayer = WindowPoolLayer<T, MeanPool1DSpec>;

}  // namespace lstm_native
