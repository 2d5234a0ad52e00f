// The recurrent layers: LSTM, GRU, RNN and their kin, stacked, in one direction or both.
#pragma once

#include "core/base/packed_cache.hpp"
#include "core/layers/sequence_layer.hpp"
#include "core/recurrent/time_loop.hpp"

namespace lstm_native {

template <class T>
class RecurrentPass;

/// Directions stand in PyTorch's order, layer by layer, the reverse direction behind the forward
/// one; so do their parameters and states.
/// Parameters carry PyTorch's names and shapes, G gates: weight_ih_l0 (G H, F), weight_hh_l0
/// (G H, R), bias_ih_l0 (G H), bias_hh_l0 (G H), and where the cell has them peephole_l0 (gates
/// that look, H), weight_hr_l0 (R, H), norm_ih_l0, norm_hh_l0 (G H), norm_c_l0, norm_c_bias_l0 (H).
/// Without biases there are no bias_ih_l0, bias_hh_l0 and norm_c_bias_l0. The second of two
/// directions has weight_ih_l0_reverse and so on.
template <class T>
class RecurrentLayer final : public SequenceLayer<T> {
 public:
  /// `spec` holds one of the recurrent specs.
  RecurrentLayer(const LayerSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return spec_; }
  Index input_features() const override { return inputs_; }
  Index output_features() const override {
    return (options_.merge == Merge::concat ? directions() : 1) * plan_.output_size();
  }
  OutputShape output_shape(Index timesteps) const override;
  StateShape state_shape() const override {
    return {plan_.states(), options_.num_layers * directions(), plan_.output_size(),
            plan_.hidden_size};
  }
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }  // it keeps h of its own
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  friend class RecurrentPass<T>;
  using Packed = std::vector<RecurrentWeights<T>>;  // one per direction of each stacked layer

  Index directions() const {  // of each stacked layer
    return options_.bidirectional ? 2 : 1;
  }
  std::size_t all_directions() const {
    return static_cast<std::size_t>(options_.num_layers * directions());
  }
  void add_direction(const std::string& suffix, Index inputs, WeightSeed seed);
  /// Where the recurrent weights of a direction stand among the parameters.
  std::size_t recurrent_weight(std::size_t index) const {
    return index * parameters_per_direction() + 1;
  }
  std::size_t parameters_per_direction() const { return parameters_.size() / all_directions(); }
  /// The parameters of a direction, out of a list of pointers in the order of parameters().
  template <class V>
  DirectionParameters<V> of_direction(V* const* all, std::size_t index) const;
  void drop_packed() override { packed_.invalidate(); }
  std::shared_ptr<const Packed> packed() const;
  /// With recurrent weights dropped by the masks of this seed.
  std::shared_ptr<const Packed> packed_with_drops(std::uint64_t seed) const;
  void pack(Packed& packed, const std::vector<const T*>& values) const;

  LayerSpec spec_;
  RecurrentOptions options_;
  CellPlan plan_;
  const char* name_;  // for messages
  Index inputs_;
  std::vector<Parameter<T>> parameters_;
  PackedCache<Packed> packed_;
};

}  // namespace lstm_native
