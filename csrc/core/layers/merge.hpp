// Concat, Add, Multiply and Average: several inputs become one.
#pragma once

#include "core/layers/merged_inputs.hpp"
#include "lstm_native/merging_layers.hpp"

namespace lstm_native {

/// Spec: ConcatSpec, AddSpec, MultiplySpec or AverageSpec. Each step for itself; the gradient of an
/// input that is repeated is the sum over the true steps, in their order.
template <class T, class Spec>
class MergeLayer final : public Layer<T> {
 public:
  MergeLayer(const Spec& spec, const std::vector<Index>& features);

  LayerSpec spec() const override { return {spec_}; }
  std::vector<Port> inputs() const override { return inputs_.ports(); }
  std::vector<Port> outputs() const override { return {{"y", features_}}; }
  OutputShape output_shape(std::size_t port, const OutputShape* in) const override;
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::unique_ptr<Tape<T>> forward(const Batch<T>* in, T* const* out,
                                   const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class MergeTape;
  class MergeStream;
  Spec spec_;
  MergedInputs inputs_;
  Index features_;  // of the output
};

template <class T>
using ConcatLayer = MergeLayer<T, ConcatSpec>;
template <class T>
using AddLayer = MergeLayer<T, AddSpec>;
template <class T>
using MultiplyLayer = MergeLayer<T, MultiplySpec>;
template <class T>
using AverageLayer = MergeLayer<T, AverageSpec>;

}  // namespace lstm_native
