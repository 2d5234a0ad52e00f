// The LSTM layer: stacked, in one direction or both, with initial and final states.
#pragma once

#include "core/layer.hpp"
#include "core/packed_cache.hpp"
#include "core/recurrent_loop.hpp"

namespace lstm_native {

/// One direction of one stacked layer is a run. Runs stand in PyTorch's order, layer by layer, the
/// reverse direction behind the forward one; so do their states.
/// Parameters carry PyTorch's names and shapes: weight_ih_l0 (4H, F), weight_hh_l0 (4H, H),
/// bias_ih_l0 (4H), bias_hh_l0 (4H); gates in the order i, f, g, o. The second of two directions
/// has weight_ih_l0_reverse and so on.
template <class T>
class LSTMLayer final : public Layer<T> {
 public:
  LSTMLayer(const LSTMSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return inputs_; }
  Index output_features() const override { return directions() * spec_.hidden_size; }
  OutputShape output_shape(Index timesteps) const override;
  StateShape state_shape() const override {
    return {2, spec_.num_layers * directions(), spec_.hidden_size};
  }
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<Tape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                   const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }  // it keeps h of its own
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class LSTMTape;
  static constexpr Index kGates = 4;
  static constexpr std::size_t kParametersPerRun = 4;
  using Packed = std::vector<RecurrentWeights<T>>;  // one per run

  Index directions() const { return spec_.bidirectional ? 2 : 1; }
  void add_run(const std::string& suffix, Index inputs, WeightSeed seed);
  void drop_packed() override { packed_.invalidate(); }
  std::shared_ptr<const Packed> packed() const;

  LSTMSpec spec_;
  Index inputs_;
  std::vector<Parameter<T>> parameters_;
  PackedCache<Packed> packed_;
};

}  // namespace lstm_native
