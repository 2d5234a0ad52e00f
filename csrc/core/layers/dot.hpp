// Dot: the inner product of two inputs.
#pragma once

#include "core/layers/merged_inputs.hpp"
#include "lstm_native/merging_layers.hpp"

namespace lstm_native {

/// Over the features of each step, with sums in float64. A vector whose sum of squares is below
/// 1e-12 counts as one of that length when it is normalised, as in Keras.
template <class T>
class DotLayer final : public Layer<T> {
 public:
  DotLayer(const DotSpec& spec, const std::vector<Index>& features);

  LayerSpec spec() const override { return {spec_}; }
  std::vector<Port> inputs() const override { return inputs_.ports(); }
  std::vector<Port> outputs() const override { return {{"y", 1}}; }
  OutputShape output_shape(std::size_t port, const OutputShape* in) const override;
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::unique_ptr<Tape<T>> forward(const Batch<T>* in, T* const* out,
                                   const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class DotTape;
  class DotStream;
  DotSpec spec_;
  MergedInputs inputs_;
};

}  // namespace lstm_native
