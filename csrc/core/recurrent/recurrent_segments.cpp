// Memory and states of a run, and of the segments that it is cut into where a training pass keeps
// checkpoints alone (Chen et al. 2016, "Training deep nets with sublinear memory cost").
#include <algorithm>

#include "core/recurrent/recurrent_pass.hpp"
#include "core/recurrent/sequence_masks.hpp"

namespace lstm_native {

/// Memory for loop.timesteps steps. When not remembering, `keep_sequence` keeps the outputs.
template <class T>
void RecurrentPass<T>::allocate(Run& r, RecurrentRun<T>& loop, bool remember, bool keep_sequence,
                                Workspace& workspace) const {
  const RecurrentWeights<T>& w = *loop.weights;
  const CellPlan& plan = w.plan;
  const Index N = samples(), rows = loop.rows(), P = w.padded(), PR = w.padded_outputs();
  const Index kept = remember ? rows : N, columns = w.order.columns();
  loop.keep_sequence = remember || keep_sequence;
  loop.h = workspace.take<T>((loop.keep_sequence ? N + rows : 2 * N) * PR);
  if (plan.keeps_c) loop.c = workspace.take<T>((remember ? N + rows : N) * P);
  loop.gates = remember ? workspace.take<T>(rows * columns) : nullptr;
  RunExtras<T>& e = loop.extras;
  if (r.mask) {
    e.recurrent_mask = r.mask;
    e.recur = workspace.take<T>((loop.keep_sequence ? N + rows : 2 * N) * PR);
  }
  if (plan.proj_size) e.unprojected = workspace.take<T>(kept * P);
  if (plan.layer_norm || (remember && plan.zoneout_c > 0))
    e.candidate = workspace.take<T>(kept * P);
  if (plan.layer_norm) {
    if (remember) e.norm_input = workspace.take_zeros<T>(rows * columns);
    e.norm_recurrent = workspace.take_zeros<T>(kept * columns);
    e.norm_cell = workspace.take_zeros<T>(kept * P);
    e.norm_scale = workspace.take<T>(kept * 3);
  }
  e.random = training_;
  e.sample_seeds = r.zoneout_seeds.data();
  const auto keep = [&](double rate, Index width) -> T* {
    if (rate == 0) return nullptr;
    const Index size = training_ ? N * width : width;
    T* values = workspace.take<T>(size);
    std::fill_n(values, size, static_cast<T>(rate));
    return values;
  };
  e.keep_h = keep(plan.zoneout_h, PR);
  e.keep_c = keep(plan.zoneout_c, P);
}

template <class T>
void RecurrentPass<T>::draw_masks(Run& r, Index l, Index d, Workspace& workspace) const {
  if (!training_) return;
  const RecurrentWeights<T>& w = *r.loop.weights;
  if (w.plan.zones_out())
    for (Index row = 0; row < samples(); ++row)
      r.zoneout_seeds.push_back(
          derive_seed(seed_of(kZoneout, l, d), static_cast<std::uint64_t>(layout_.sample(row))));
  if (options_.recurrent_dropout == 0) return;
  const Index PR = w.padded_outputs();
  T* mask = workspace.take_zeros<T>(samples() * PR);
  for (Index row = 0; row < samples(); ++row)
    draw_dropout(options_.recurrent_dropout,
                 derive_seed(seed_of(kRecurrentDropout, l, d),
                             static_cast<std::uint64_t>(layout_.sample(row))),
                 outputs(), mask + row * PR);
  r.mask = mask;
}

/// From a tensor (N, features) of the caller, null for zeros, to padded rows in the layout's order.
template <class T>
void RecurrentPass<T>::import_state(const T* state, Index features, Index padded, T* to) const {
  std::fill_n(to, samples() * padded, T(0));
  for (Index row = 0; state && row < samples(); ++row)
    std::copy_n(state + layout_.sample(row) * features, features, to + row * padded);
}

template <class T>
void RecurrentPass<T>::export_state(const T* state, Index features, Index padded, T* to) const {
  for (Index row = 0; row < samples(); ++row)
    std::copy_n(state + row * padded, features, to + layout_.sample(row) * features);
}

/// The state of every run behind its last step, to tensors of the caller; null where not wanted.
template <class T>
void RecurrentPass<T>::export_states(T* h, T* c) const {
  const Index H = layer_.plan_.hidden_size, R = outputs();
  for (const Run& r : runs_) {
    for (Index row = 0; row < samples(); ++row) {
      const Index at = layout_.sample(row);
      if (h) std::copy_n(last_h(r, row), R, h + at * R);
      if (c) std::copy_n(last_c(r, row), H, c + at * H);
    }
    if (h) h += samples() * R;
    if (c) c += samples() * H;
  }
}

/// The state before the first step: padded rows, or what stands there already.
template <class T>
void RecurrentPass<T>::set_initial(RecurrentRun<T>& loop, const T* h, const T* c) const {
  const Index size = samples() * loop.weights->padded_outputs();
  if (h) std::copy_n(h, size, loop.h);
  if (c && loop.weights->plan.cell_state)
    std::copy_n(c, samples() * loop.weights->padded(), loop.c);
  if (loop.extras.recur)
    for (Index i = 0; i < size; ++i)
      loop.extras.recur[i] = loop.h[i] * loop.extras.recurrent_mask[i];
}

/// The state of each row behind its last step, or the last of these.
template <class T>
void RecurrentPass<T>::current_state(const RecurrentRun<T>& loop, T* h, T* c) const {
  const RecurrentWeights<T>& w = *loop.weights;
  const Index P = w.padded(), PR = w.padded_outputs();
  for (Index row = 0; row < samples(); ++row) {
    const Index steps = std::clamp<Index>(layout_.length(row) - loop.first_step, 0, loop.timesteps);
    std::copy_n(loop.h_at(steps, row), PR, h + row * PR);
    if (w.plan.cell_state) std::copy_n(loop.c_at(steps, row), P, c + row * P);
  }
}

/// The steps of a run from `begin` to the next checkpoint, without memory of its own.
template <class T>
RecurrentRun<T> RecurrentPass<T>::segment(const Run& r, Index begin) const {
  RecurrentRun<T> part = r.loop;
  part.timesteps = std::min(segment_steps_, r.loop.timesteps - begin);
  part.first_step = begin;
  part.x = r.loop.x.from(begin);
  if (part.offsets) part.offsets += begin;
  part.y = {};
  part.extras = {};
  return part;
}

template <class T>
void RecurrentPass<T>::run_checkpointed(Run& r, Workspace& workspace) {
  const RecurrentWeights<T>& w = *r.loop.weights;
  const Index h_size = samples() * w.padded_outputs(), c_size = samples() * w.padded();
  T *h = r.h_starts, *c = r.c_starts;
  // The first place is for the state at the end; then come the starts.
  std::copy_n(r.loop.h, h_size, h + h_size);
  if (w.plan.cell_state) std::copy_n(r.loop.c, c_size, c + c_size);
  for (Index begin = 0, place = 1; begin < r.loop.timesteps; begin += segment_steps_, ++place) {
    const Workspace::Scope scope(workspace);
    RecurrentRun<T> part = segment(r, begin);
    if (r.loop.y) part.y = r.loop.y.from(begin);
    allocate(r, part, false, false, workspace);
    set_initial(part, h + place * h_size, c + place * c_size);
    run_forward(&part, 1, workspace);
    const bool more = begin + segment_steps_ < r.loop.timesteps;
    const Index next = more ? place + 1 : 0;
    current_state(part, h + next * h_size, c + next * c_size);
  }
}

template class RecurrentPass<float>;
template class RecurrentPass<double>;

}  // namespace lstm_native
