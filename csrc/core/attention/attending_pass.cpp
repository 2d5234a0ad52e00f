#include "core/attention/attending_pass.hpp"

#include <algorithm>

#include "core/runtime/team.hpp"
#include "core/runtime/threads.hpp"

namespace lstm_native {

template <class T>
AttendingPass<T>::AttendingPass(const AttendingLayer<T>& layer, const Batch<T>* in, bool remember,
                                Workspace& workspace)
    : layer_(layer),
      layout_(in[0].samples, in[0].timesteps, in[0].lengths),
      timesteps_(in[0].timesteps),
      memory_steps_(in[1].timesteps),
      states_(layer.states()),
      weights_(layer, in[0].samples),
      memory_(layer, in[1], false, layer.score().scoring(), workspace) {
  const RecurrentWeights<T>& cell = weights_.cell->cell;
  const Index N = samples(), P = cell.padded(), Fm = layer.memory_features();
  const Index rows = remember ? layout_.rows() : N, columns = cell.order.columns();
  loop_.weights = &cell;
  loop_.samples = N;
  loop_.timesteps = layout_.steps();
  loop_.offsets = layout_.offsets();
  loop_.keep_sequence = remember;
  loop_.h = workspace.take_zeros<T>((N + rows) * P);
  if (layer.plan().keeps_c) loop_.c = workspace.take_zeros<T>((N + rows) * P);
  buffers_.gates = workspace.take<T>(rows * columns);
  if (remember) loop_.gates = buffers_.gates;
  buffers_.inputs = workspace.take<T>(rows * cell.inputs);
  loop_.x = layout_.time_major<const T>(buffers_.inputs, cell.inputs);
  const Index looks = remember ? N * loop_.timesteps : N, longest = memory_.rows.longest;
  buffers_.weights = workspace.take<T>(looks * longest);
  buffers_.fed = workspace.take_zeros<T>(N * layer.fed_features());
  if (weights_.query) buffers_.queries = workspace.take_zeros<T>(rows * layer.score().key_size());
  if (layer.luong()) {
    buffers_.joined = workspace.take<T>(rows * (Fm + layer.plan().hidden_size));
    buffers_.said = workspace.take<T>(rows * layer.fed_features());
  }
  if (layer.window()) {
    const Index K = layer.options().components;
    buffers_.contexts = workspace.take<T>(rows * Fm);
    buffers_.said = workspace.take<T>(rows * 3 * K);
    buffers_.kappas = workspace.take<T>(rows * K);
    buffers_.kappa = workspace.take_zeros<T>(N * K);
    buffers_.scratch = workspace.take<T>(N * longest);
  }
}

template <class T>
double AttendingPass<T>::work() const {
  const Index looks = layer_.score().key_size() * (layer_.score().additive() ? 16 : 1);
  return forward_work(loop_) + static_cast<double>(layout_.rows() * memory_.rows.longest) *
                                   static_cast<double>(looks + layer_.memory_features());
}

template <class T>
Rows<T> AttendingPass<T>::state_rows(Index index, Index row) const {
  const Index P = weights_.cell->cell.padded(), length = layout_.length(row);
  if (index == 0) return {loop_.h_at(length, row), P};
  if (index == 1 && layer_.plan().cell_state) return {loop_.c_at(length, row), P};
  const bool kappa = index + 1 == states() && layer_.window();
  const Index features = states_[static_cast<std::size_t>(index)].features;
  return {(kappa ? buffers_.kappa : buffers_.fed) + row * features, features};
}

template <class T>
void AttendingPass<T>::import(const Batch<T>* in) {
  const Index P = weights_.cell->cell.padded();
  for (Index s = 0; s < states(); ++s) {
    const Index features = states_[static_cast<std::size_t>(s)].features;
    const T* from = in[2 + s].values;
    if (!from) continue;
    for (Index row = 0; row < samples(); ++row) {
      const bool cell_state = s == 1 && layer_.plan().cell_state;
      T* to = s == 0 ? loop_.h + row * P : cell_state ? loop_.c + row * P : state_rows(s, row).data;
      copy_row(from + layout_.sample(row) * features, features, to);
    }
  }
}

template <class T>
void AttendingPass<T>::export_states(T* const* out) const {
  for (Index s = 0; s < states(); ++s) {
    const Index features = states_[static_cast<std::size_t>(s)].features;
    if (!out[1 + s]) continue;
    for (Index row = 0; row < samples(); ++row)
      copy_row(state_rows(s, row).data, features, out[1 + s] + layout_.sample(row) * features);
  }
}

template <class T>
void AttendingPass<T>::run(const Batch<T>* in, T* const* out) {
  import(in);
  T *const contexts = out[1 + states()], *const looks = out[2 + states()];
  if (layout_.packed() || layout_.steps() < timesteps_) {
    const Index rows = samples() * timesteps_;
    std::fill_n(out[0], rows * layer_.output_features(), T(0));
    if (contexts) std::fill_n(contexts, rows * layer_.memory_features(), T(0));
    if (looks) std::fill_n(looks, rows * memory_steps_, T(0));
  }
  const Index parts = parallel_parts(samples(), work());
  if (layout_.steps() > 0) {
    Gang gang(parts);
    const RowShares shares(loop_, gang.size());
    gang.run(gang.size(),
             [&](Index part) { run_rows(in, out, shares[part].begin, shares[part].end); });
  }
  export_states(out);
}

template <class T>
void AttendingPass<T>::run_rows(const Batch<T>* in, T* const* out, Index begin, Index end) {
  AttendingSteps<T> steps(layer_, weights_, memory_.looks, loop_, buffers_, &layout_);
  const Index F = layer_.x_features(), inputs = weights_.cell->cell.inputs;
  const auto take_x = [&](Index t, Index active) {
    T* to = buffers_.inputs + (loop_.kept_row(t) + begin) * inputs;
    for (Index r = 0; r < active; ++r, to += inputs)
      copy_row(in[0].values + (layout_.sample(begin + r) * timesteps_ + t) * F, F, to);
  };
  const auto project = [&](Index t, Index rows) {
    steps.project(rows, buffers_.inputs + (loop_.kept_row(t) + begin) * inputs,
                  steps.gates_at(t, begin));
  };
  // All steps at once where they are kept, and no other part's rows lie between them.
  const bool whole = loop_.gates && begin == 0 && end == samples();
  if (whole) {
    for (Index t = 0; t < loop_.timesteps; ++t) take_x(t, loop_.rows_at(t));
    project(0, layout_.rows());
  }
  for (Index t = 0; t < loop_.timesteps; ++t) {
    const Index active = loop_.active(t, begin, end);
    if (active == 0) return;
    if (!whole) {
      take_x(t, active);
      project(t, active);
    }
    steps.step(t, begin, active);
    give(steps, t, begin, active, out);
  }
}

/// A step's outputs, to where the batch has them.
template <class T>
void AttendingPass<T>::give(const AttendingSteps<T>& at, Index t, Index row, Index active,
                            T* const* out) const {
  const Index O = layer_.output_features(), Fm = layer_.memory_features();
  const Index kept = loop_.kept_row(t);
  T *const contexts = out[1 + states()], *const looks = out[2 + states()];
  for (Index r = row; r < row + active; ++r) {
    const Index n = layout_.sample(r), to = n * timesteps_ + t;
    const T* const y = layer_.luong() ? buffers_.said + (kept + r) * O : loop_.h_at(t + 1, r);
    copy_row(y, O, out[0] + to * O);
    if (contexts) copy_row(static_cast<const T*>(at.context_at(t, r)), Fm, contexts + to * Fm);
    if (!looks) continue;
    const Index length = memory_.rows.length(n);
    T* const end = std::copy_n(at.weights_at(t, r), length, looks + to * memory_steps_);
    std::fill_n(end, memory_steps_ - length, T(0));
  }
}

template <class T>
std::unique_ptr<Tape<T>> run_attending(const AttendingLayer<T>& layer, const Batch<T>* in,
                                       T* const* out, const Pass& pass) {
  if (pass.remember) {
    auto tape = std::make_unique<AttendingPass<T>>(layer, in, true, pass.workspace);
    tape->run(in, out);
    return tape;
  }
  const Workspace::Scope scope(pass.workspace);
  AttendingPass<T>(layer, in, false, pass.workspace).run(in, out);
  return nullptr;
}

template class AttendingPass<float>;
template class AttendingPass<double>;
template std::unique_ptr<Tape<float>> run_attending(const AttendingLayer<float>&,
                                                    const Batch<float>*, float* const*,
                                                    const Pass&);
template std::unique_ptr<Tape<double>> run_attending(const AttendingLayer<double>&,
                                                     const Batch<double>*, double* const*,
                                                     const Pass&);

}  // namespace lstm_native
