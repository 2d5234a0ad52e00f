// Conv1D: a convolution over time.
#pragma once

#include "core/base/aligned.hpp"
#include "core/base/packed_cache.hpp"
#include "core/layers/sequence_layer.hpp"
#include "core/layers/step_windows.hpp"
#include "kernels/kernel_table.hpp"

namespace lstm_native {

/// One row of a matrix for each window of steps, times the weights as a matrix: the packed product
/// that Dense has, and its order of sums. The rows of all sequences' true steps lie one behind the
/// other, so that no sum depends on padding.
template <class T>
class Conv1DLayer final : public SequenceLayer<T> {
 public:
  Conv1DLayer(const Conv1DSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return inputs_; }
  Index output_features() const override { return spec_.filters; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ConvTape;
  class ConvStream;
  /// The weights as a matrix of (tap, input) x filter, or of (tap, filter) x input.
  struct Packed {
    const KernelTable<T>* kernels = nullptr;  // packed for these, to be run by these
    AlignedVector<T> weight, bias;
  };
  std::shared_ptr<const Packed> packed() const;
  std::shared_ptr<const Packed> packed_for_gradient() const;
  void drop_packed() override {
    packed_.invalidate();
    packed_for_gradient_.invalidate();
  }

  Conv1DSpec spec_;
  Index inputs_;
  StepWindows windows_;
  Parameter<T> weight_, bias_;  // weight: (filters, inputs, kernel_size), as PyTorch has it
  PackedCache<Packed> packed_, packed_for_gradient_;
};

}  // namespace lstm_native
