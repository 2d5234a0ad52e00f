// The LSTM layer: stacked, with initial and final states.
#pragma once

#include "core/layer.hpp"
#include "core/packed_cache.hpp"
#include "core/recurrent_loop.hpp"

namespace lstm_native {

/// Parameters carry PyTorch's names and shapes: weight_ih_l0 (4H, F), weight_hh_l0 (4H, H),
/// bias_ih_l0 (4H), bias_hh_l0 (4H); gates in the order i, f, g, o.
template <class T>
class LSTMLayer final : public Layer<T> {
 public:
  LSTMLayer(const LSTMSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return inputs_; }
  Index output_features() const override { return spec_.hidden_size; }
  OutputShape output_shape(Index timesteps) const override;
  StateShape state_shape() const override { return {2, spec_.num_layers, spec_.hidden_size}; }
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<Tape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                   const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }  // it keeps h of its own
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class LSTMTape;
  static constexpr Index kGates = 4;
  static constexpr std::size_t kParametersPerLayer = 4;
  using Packed = std::vector<RecurrentWeights<T>>;  // one per stacked layer

  void drop_packed() override { packed_.invalidate(); }
  std::shared_ptr<const Packed> packed() const;

  LSTMSpec spec_;
  Index inputs_;
  std::vector<Parameter<T>> parameters_;
  PackedCache<Packed> packed_;
};

}  // namespace lstm_native
