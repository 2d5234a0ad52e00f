// One pass of a recurrent layer over a batch: its stacked layers, their directions, the masks.
//
// The class stands in three files:
//   recurrent_pass_forward.cpp   which time loops go when, where they read and write
//   recurrent_pass_backward.cpp  what the time loops get and hand on, on the way back
//   recurrent_pass_memory.cpp    memory, masks and states of a time loop, whole or in segments
#pragma once

#include "core/recurrent/recurrent_layer.hpp"
#include "core/recurrent/sequence_layout.hpp"

namespace lstm_native {

/// Made for one pass; with pass.remember it is the tape.
template <class T>
class RecurrentPass final : public SequenceTape<T> {
 public:
  using Packed = std::vector<RecurrentWeights<T>>;

  RecurrentPass(const RecurrentLayer<T>& layer, const Batch<T>& x, const Pass& pass);

  void forward(T* y, const States<T>& states, Workspace& workspace);
  void backward(const T* dy, T* dx, const StateGradients<T>& states, T* const* gradients,
                Workspace& workspace) override;

 private:
  /// One direction of one stacked layer. Steps are in the order in which it goes.
  struct Direction {
    TimeLoop<T> loop;
    SequenceView<T> apart;    // its output, when it does not go straight to where the layer's goes
    const T* mask = nullptr;  // samples x padded outputs, of what recurs
    std::vector<std::uint64_t> zoneout_seeds;  // one per sample
    // With checkpoints: the states at the end, and behind them those at the start of each segment.
    T* h_starts = nullptr;
    T* c_starts = nullptr;
  };
  /// One stacked layer. Steps are in the order in which its first direction goes.
  struct StackedLayer {
    SequenceView<const T> input;
    SequenceView<T> output;  // null where it hands up its states as they are
    Index inputs = 0;
  };
  /// What a seed is for.
  enum Use : std::uint64_t { kDropout, kInputDropout, kRecurrentDropout, kWeightDrop, kZoneout };

  Index samples() const { return layout_.samples(); }
  Index width() const { return layer_.output_features(); }
  Index outputs() const { return layer_.plan_.output_size(); }
  Index padded_outputs() const { return weights_->front().padded_outputs(); }
  bool top(Index layer) const { return layer == options_.num_layers - 1; }
  bool adds_input(Index layer) const { return options_.residual && layer > 0; }
  bool sums() const { return directions_ > 1 && options_.merge == Merge::sum; }
  /// Whether the layer's output is its last step alone.
  bool last_step_only(Index layer) const { return top(layer) && !options_.return_sequences; }
  /// Where a direction stands among all of them.
  Index place(Index layer, Index direction) const { return layer * directions_ + direction; }
  Direction& direction(Index layer, Index direction) {
    return all_directions_[static_cast<std::size_t>(place(layer, direction))];
  }
  StackedLayer& stacked(Index layer) { return layers_[static_cast<std::size_t>(layer)]; }
  /// A row's state behind its last step: with checkpoints it stands before the others.
  const T* last_h(const Direction& of, Index row) const {
    if (of.h_starts) return of.h_starts + row * of.loop.weights->padded_outputs();
    return of.loop.h_at(layout_.length(row), row);
  }
  const T* last_c(const Direction& of, Index row) const {
    if (of.c_starts) return of.c_starts + row * of.loop.weights->padded();
    return of.loop.c_at(layout_.length(row), row);
  }
  std::uint64_t seed_of(Use use, Index layer, Index direction) const;
  double dropout() const { return training_ ? options_.dropout : 0.0; }
  double input_dropout() const { return training_ ? options_.input_dropout : 0.0; }
  bool drops(Index layer) const { return (layer > 0 && dropout() > 0) || input_dropout() > 0; }
  bool drops_weights() const { return training_ && options_.weight_drop > 0; }
  /// A time-major buffer that stays as long as the pass's memory does.
  SequenceView<T> buffer(Index values, Workspace& workspace) const;
  /// The outputs of all steps where the first direction of a layer keeps them, among its states.
  SequenceView<T> kept_outputs(Index layer);

  // recurrent_pass_forward.cpp
  void lay_out(Index layer, T* y, Workspace& workspace);
  void place_input(Index layer, Workspace& workspace);
  void place_output(Index layer, T* y, Workspace& workspace);
  void lay_out_direction(Index layer, Index direction, Workspace& workspace);
  SequenceView<const T> input_of_second(const StackedLayer& stacked, Workspace& workspace) const;
  void apply_masks(Index layer, Index values, const SequenceView<const T>& from,
                   const SequenceView<T>& to) const;
  void forward_layers(Index first, Index count, Workspace& workspace);
  void finish_layer(Index layer, T* y);
  void merge_directions(Index layer);
  void deliver_last_steps(Index layer, T* y);

  // recurrent_pass_memory.cpp
  void allocate(Direction& of, TimeLoop<T>& loop, bool remember, bool keep_sequence,
                Workspace& workspace) const;
  void draw_masks(Index layer, Index direction, Workspace& workspace);
  void set_initial(TimeLoop<T>& loop, const T* h, const T* c) const;
  void import_state(const T* state, Index features, Index padded, T* to) const;
  void export_state(const T* state, Index features, Index padded, T* to) const;
  void export_states(T* h, T* c) const;
  void current_state(const TimeLoop<T>& loop, T* h, T* c) const;
  TimeLoop<T> segment(const Direction& of, Index begin) const;
  void forward_in_segments(Direction& of, Workspace& workspace);
  void backward_in_segments(Direction& of, LoopGradients<T> gradients, Workspace& workspace);

  // recurrent_pass_backward.cpp
  std::vector<T*> gradient_targets(T* const* gradients, Workspace& workspace) const;
  void deliver_dropped_weights(const std::vector<T*>& targets, T* const* gradients,
                               Workspace& workspace) const;
  SequenceView<const T> output_gradient(const T* dy, Workspace& workspace) const;
  SequenceView<T> input_gradient(Index layer, T* dx, Workspace& workspace);
  LoopGradients<T> state_gradients(Index layer, Index direction, const StateGradients<T>& states,
                                   Workspace& workspace);
  void add_last_step_gradient(const T* dy, Index direction, T* dh) const;
  SequenceView<const T> output_gradient_of(Index direction, const SequenceView<const T>& d_output,
                                           Workspace& workspace) const;
  void backward_layer(Index layer, const SequenceView<T>& d_input, LoopGradients<T>* of_directions,
                      Workspace& workspace);
  void backward_loops(Index layer, Index first, Index count, LoopGradients<T>* of_directions,
                      Workspace& workspace);
  void export_state_gradients(Index layer, const LoopGradients<T>* of_directions,
                              const StateGradients<T>& states);
  void add_residual_gradient(Index layer, const T* dy, const SequenceView<const T>& d_output,
                             const SequenceView<T>& d_input) const;

  const RecurrentLayer<T>& layer_;
  const RecurrentOptions& options_;
  Batch<T> x_;
  Index directions_;  // of each layer
  SequenceLayout layout_;
  bool remember_, training_, checkpoint_;
  Index segment_steps_ = 0;  // of a segment between two checkpoints
  std::uint64_t seed_;
  std::shared_ptr<const Packed> weights_;
  std::vector<Direction> all_directions_;
  std::vector<StackedLayer> layers_;
};

}  // namespace lstm_native
