// The convolutional LSTM layer (Shi et al. 2015).
#pragma once

#include "core/base/packed_cache.hpp"
#include "core/conv_lstm/conv_lstm_weights.hpp"
#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// Input rows are images of height x width x channels, output rows of height x width x filters, as
/// are h and c. Parameters: weight_ih (4 filters, channels, kernel height, kernel width) and
/// weight_hh (4 filters, filters, ...) as PyTorch's conv2d has them; with them, or not, bias
/// (4 filters) and peephole (3, height, width, filters) of i, f, o; gates in the order i, f, g, o.
template <class T>
class ConvLSTMLayer final : public SequenceLayer<T> {
 public:
  ConvLSTMLayer(const ConvLSTMSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return spec_.height * spec_.width * spec_.channels; }
  Index output_features() const override { return spec_.height * spec_.width * spec_.filters; }
  OutputShape output_shape(Index timesteps) const override;
  StateShape state_shape() const override { return {2, 1, output_features(), output_features()}; }
  std::vector<Parameter<T>*> parameters() override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }  // it keeps h of its own
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class Memory;
  class ConvLSTMTape;
  class ConvLSTMStream;
  using Weights = ConvLSTMWeights<T>;

  /// The time at which step s of so many runs.
  Index time(Index s, Index steps) const { return spec_.reverse ? steps - 1 - s : s; }
  void drop_packed() override { packed_.invalidate(); }
  std::shared_ptr<const Weights> packed() const;

  ConvLSTMSpec spec_;
  std::vector<Parameter<T>> parameters_;
  PackedCache<Weights> packed_;
};

}  // namespace lstm_native
