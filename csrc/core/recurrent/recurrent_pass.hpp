// One pass of a recurrent layer over a batch: what runs where, forward and back.
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
  /// One direction of one stacked layer. Steps are in the order in which it runs.
  struct Run {
    RecurrentRun<T> loop;
    Steps<T> apart;           // its output, when it does not go straight to where the layer's goes
    const T* mask = nullptr;  // N x PR, of what recurs
    std::vector<std::uint64_t> zoneout_seeds;  // N
    // With checkpoints: the states at the start of each segment, and at the end.
    T* h_starts = nullptr;
    T* c_starts = nullptr;
  };
  /// One stacked layer. Steps are in the order in which its first direction runs.
  struct Stacked {
    Steps<const T> input;
    Steps<T> output;  // null where it hands up its states as they are
    Index inputs = 0;
  };
  /// What a seed is for.
  enum Use : std::uint64_t { kDropout, kInputDropout, kRecurrentDropout, kWeightDrop, kZoneout };

  Index samples() const { return layout_.samples(); }
  Index width() const { return layer_.output_features(); }
  Index outputs() const { return layer_.plan_.output_size(); }
  bool top(Index layer) const { return layer == options_.num_layers - 1; }
  bool adds_input(Index layer) const { return options_.residual && layer > 0; }
  bool sums() const { return directions_ > 1 && options_.merge == Merge::sum; }
  Run& run(Index layer, Index direction) {
    return runs_[static_cast<std::size_t>(layer * directions_ + direction)];
  }
  Stacked& stacked(Index layer) { return layers_[static_cast<std::size_t>(layer)]; }
  /// A row's state behind its last step: with checkpoints it stands before the others.
  const T* last_h(const Run& r, Index row) const {
    if (r.h_starts) return r.h_starts + row * r.loop.weights->padded_outputs();
    return r.loop.h_at(layout_.length(row), row);
  }
  const T* last_c(const Run& r, Index row) const {
    if (r.c_starts) return r.c_starts + row * r.loop.weights->padded();
    return r.loop.c_at(layout_.length(row), row);
  }
  std::uint64_t seed_of(Use use, Index layer, Index direction) const;
  double dropout() const { return training_ ? options_.dropout : 0.0; }
  double input_dropout() const { return training_ ? options_.input_dropout : 0.0; }
  bool drops(Index layer) const { return (layer > 0 && dropout() > 0) || input_dropout() > 0; }
  /// A time-major buffer that stays as long as the pass's memory does.
  Steps<T> buffer(Index values, Workspace& workspace) const;

  // recurrent_pass.cpp
  void lay_out(Index layer, T* y, Workspace& workspace);
  void apply_masks(Index layer, Index values, const Steps<const T>& from, const Steps<T>& to) const;
  void run_layers(Index first, Index count, Workspace& workspace);
  void finish_layer(Index layer, T* y);

  // recurrent_segments.cpp: memory and states of one run, or of a part of it.
  void allocate(Run& r, RecurrentRun<T>& loop, bool remember, bool keep_sequence,
                Workspace& workspace) const;
  void draw_masks(Run& r, Index layer, Index direction, Workspace& workspace) const;
  void set_initial(RecurrentRun<T>& loop, const T* h, const T* c) const;  // N x PR, N x P or null
  void import_state(const T* state, Index features, Index padded, T* to) const;
  void export_state(const T* state, Index features, Index padded, T* to) const;
  void export_states(T* h, T* c) const;
  void current_state(const RecurrentRun<T>& loop, T* h, T* c) const;
  RecurrentRun<T> segment(const Run& r, Index begin) const;
  void run_checkpointed(Run& r, Workspace& workspace);

  // recurrent_tape.cpp
  void run_back(Index layer, Index first, Index count, RecurrentGradients<T>* of_runs,
                Workspace& workspace);
  void segments_back(Run& r, RecurrentGradients<T> g, Workspace& workspace);

  const RecurrentLayer<T>& layer_;
  const RecurrentOptions& options_;
  Batch<T> x_;
  Index directions_;
  SequenceLayout layout_;
  bool remember_, training_, checkpoint_;
  Index segment_steps_ = 0;  // of a segment between two checkpoints
  std::uint64_t seed_;
  std::shared_ptr<const Packed> weights_;
  std::vector<Run> runs_;
  std::vector<Stacked> layers_;
};

}  // namespace lstm_native
