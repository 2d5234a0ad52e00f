// Memory, masks and states of a time loop, and of the segments that it is cut into where a training
// pass keeps checkpoints alone (Chen et al. 2016, "Training deep nets with sublinear memory cost").
#include <algorithm>

#include "core/recurrent/recurrent_pass.hpp"
#include "core/recurrent/recurrent_sums.hpp"
#include "core/recurrent/sequence_masks.hpp"

namespace lstm_native {

/// Memory for loop.timesteps steps. When not remembering, `keep_sequence` keeps the outputs.
template <class T>
void RecurrentPass<T>::allocate(Direction& of, TimeLoop<T>& loop, bool remember, bool keep_sequence,
                                Workspace& workspace) const {
  const RecurrentWeights<T>& weights = *loop.weights;
  const CellPlan& plan = weights.plan;
  const Index rows = loop.rows(), kept = remember ? rows : samples();
  const Index padded = weights.padded(), columns = weights.order.columns();
  loop.keep_sequence = remember || keep_sequence;
  // Outputs of all steps behind the initial state, or two that take turns.
  const Index outputs_kept =
      (loop.keep_sequence ? samples() + rows : 2 * samples()) * padded_outputs();
  loop.h = workspace.take<T>(outputs_kept);
  if (plan.keeps_c) loop.c = workspace.take<T>((remember ? samples() + rows : samples()) * padded);
  loop.gates = remember ? workspace.take<T>(rows * columns) : nullptr;
  LoopExtras<T>& extras = loop.extras;
  if (of.mask) {
    extras.recurrent_mask = of.mask;
    extras.recur = workspace.take<T>(outputs_kept);
  }
  if (plan.proj_size) extras.unprojected = workspace.take<T>(kept * padded);
  if (plan.layer_norm || (remember && plan.zoneout_c > 0))
    extras.candidate = workspace.take<T>(kept * padded);
  if (plan.layer_norm) {
    if (remember) extras.norm_input = workspace.take_zeros<T>(rows * columns);
    extras.norm_recurrent = workspace.take_zeros<T>(kept * columns);
    extras.norm_cell = workspace.take_zeros<T>(kept * padded);
    extras.norm_scale = workspace.take<T>(kept * 3);
  }
  extras.random = training_;
  extras.sample_seeds = of.zoneout_seeds.data();
  const auto keep = [&](double rate, Index width) -> T* {
    if (rate == 0) return nullptr;
    const Index size = training_ ? samples() * width : width;
    T* values = workspace.take<T>(size);
    std::fill_n(values, size, static_cast<T>(rate));
    return values;
  };
  extras.keep_h = keep(plan.zoneout_h, padded_outputs());
  extras.keep_c = keep(plan.zoneout_c, padded);
}

/// Of a training pass: a mask for each sequence of what recurs, and seeds for those of zoneout,
/// which are made step by step.
template <class T>
void RecurrentPass<T>::draw_masks(Index layer, Index d, Workspace& workspace) {
  if (!training_) return;
  Direction& own = direction(layer, d);
  const auto seed = [&](Use use, Index row) {
    return derive_seed(seed_of(use, layer, d), static_cast<std::uint64_t>(layout_.sample(row)));
  };
  if (own.loop.weights->plan.zones_out())
    for (Index row = 0; row < samples(); ++row) own.zoneout_seeds.push_back(seed(kZoneout, row));
  if (options_.recurrent_dropout == 0) return;
  T* mask = workspace.take_zeros<T>(samples() * padded_outputs());
  for (Index row = 0; row < samples(); ++row)
    draw_dropout(options_.recurrent_dropout, seed(kRecurrentDropout, row), outputs(),
                 mask + row * padded_outputs());
  own.mask = mask;
}

/// From a tensor (samples, features) of the caller, null for zeros, to padded rows in the layout's
/// order.
template <class T>
void RecurrentPass<T>::import_state(const T* state, Index features, Index padded, T* to) const {
  std::fill_n(to, samples() * padded, T(0));
  for (Index row = 0; state && row < samples(); ++row)
    std::copy_n(state + layout_.sample(row) * features, features, to + row * padded);
}

/// From padded rows in the layout's order to a tensor (samples, features) of the caller.
template <class T>
void RecurrentPass<T>::export_state(const T* state, Index features, Index padded, T* to) const {
  for (Index row = 0; row < samples(); ++row)
    std::copy_n(state + row * padded, features, to + layout_.sample(row) * features);
}

/// The state of every direction behind its last step, to tensors of the caller; null where not
/// wanted.
template <class T>
void RecurrentPass<T>::export_states(T* h, T* c) const {
  if (!h && !c) return;
  const Index hidden_size = layer_.plan_.hidden_size;
  for (const Direction& of : all_directions_) {
    for (Index row = 0; row < samples(); ++row) {
      const Index at = layout_.sample(row);
      if (h) std::copy_n(last_h(of, row), outputs(), h + at * outputs());
      if (c) std::copy_n(last_c(of, row), hidden_size, c + at * hidden_size);
    }
    if (h) h += samples() * outputs();
    if (c) c += samples() * hidden_size;
  }
}

/// The state before the first step: padded rows, or what stands there already.
template <class T>
void RecurrentPass<T>::set_initial(TimeLoop<T>& loop, const T* h, const T* c) const {
  const Index size = samples() * loop.weights->padded_outputs();
  if (h) std::copy_n(h, size, loop.h);
  if (c && loop.weights->plan.cell_state)
    std::copy_n(c, samples() * loop.weights->padded(), loop.c);
  if (loop.extras.recur)
    for (Index i = 0; i < size; ++i)
      loop.extras.recur[i] = loop.h[i] * loop.extras.recurrent_mask[i];
}

/// The state of each row behind the last of the loop's steps that the row has.
template <class T>
void RecurrentPass<T>::current_state(const TimeLoop<T>& loop, T* h, T* c) const {
  const RecurrentWeights<T>& weights = *loop.weights;
  const Index padded = weights.padded();
  for (Index row = 0; row < samples(); ++row) {
    const Index steps = std::clamp<Index>(layout_.length(row) - loop.first_step, 0, loop.timesteps);
    std::copy_n(loop.h_at(steps, row), padded_outputs(), h + row * padded_outputs());
    if (weights.plan.cell_state) std::copy_n(loop.c_at(steps, row), padded, c + row * padded);
  }
}

// -- segments ------------------------------------------------------------------------------------

/// The steps of a direction from `begin` to the next checkpoint, without memory of its own.
template <class T>
TimeLoop<T> RecurrentPass<T>::segment(const Direction& of, Index begin) const {
  TimeLoop<T> part = of.loop;
  part.timesteps = std::min(segment_steps_, of.loop.timesteps - begin);
  part.first_step = begin;
  part.x = of.loop.x.from(begin);
  if (part.offsets) part.offsets += begin;
  part.y = {};
  part.extras = {};
  return part;
}

template <class T>
void RecurrentPass<T>::forward_in_segments(Direction& of, Workspace& workspace) {
  const TimeLoop<T>& whole = of.loop;
  const RecurrentWeights<T>& weights = *whole.weights;
  const Index h_size = samples() * padded_outputs(), c_size = samples() * weights.padded();
  T *h = of.h_starts, *c = of.c_starts;
  // The first place is for the state at the end; then come the starts.
  std::copy_n(whole.h, h_size, h + h_size);
  if (weights.plan.cell_state) std::copy_n(whole.c, c_size, c + c_size);
  for (Index begin = 0, start = 1; begin < whole.timesteps; begin += segment_steps_, ++start) {
    const Workspace::Scope scope(workspace);
    TimeLoop<T> part = segment(of, begin);
    if (whole.y) part.y = whole.y.from(begin);
    allocate(of, part, false, false, workspace);
    set_initial(part, h + start * h_size, c + start * c_size);
    forward_directions(&part, 1, workspace);
    const bool more = begin + segment_steps_ < whole.timesteps;
    const Index next = more ? start + 1 : 0;
    current_state(part, h + next * h_size, c + next * c_size);
  }
}

/// Segment by segment, the last one first: its steps once more, then back through them. Sums over
/// all steps are handed on, so that their order is that of one loop over all steps.
template <class T>
void RecurrentPass<T>::backward_in_segments(Direction& of, LoopGradients<T> gradients,
                                            Workspace& workspace) {
  const RecurrentWeights<T>& weights = *of.loop.weights;
  const Workspace::Scope scope(workspace);
  gradients.sums = workspace.take<T>(RecurrentSums<T>::size(weights));
  const SequenceView<const T> dy = gradients.dy;
  const SequenceView<T> dx = gradients.dx;
  const Index segments = (of.loop.timesteps + segment_steps_ - 1) / segment_steps_;
  for (Index k = segments - 1; k >= 0; --k) {
    const Workspace::Scope of_segment(workspace);
    const Index begin = k * segment_steps_;
    TimeLoop<T> part = segment(of, begin);
    allocate(of, part, true, true, workspace);
    set_initial(part, of.h_starts + (k + 1) * samples() * padded_outputs(),
                of.c_starts + (k + 1) * samples() * weights.padded());
    forward_directions(&part, 1, workspace);
    gradients.first_part = k == segments - 1;
    gradients.last_part = k == 0;
    if (dy) gradients.dy = dy.from(begin);
    if (dx) gradients.dx = dx.from(begin);
    backward_directions(&part, &gradients, 1, workspace);
  }
}

template class RecurrentPass<float>;
template class RecurrentPass<double>;

}  // namespace lstm_native
