#include "core/recurrent/cell_backward.hpp"

#include "core/recurrent/layer_norm.hpp"
#include "core/recurrent/sequence_masks.hpp"

namespace lstm_native {

template <class T>
CellBackward<T>::CellBackward(const RecurrentRun<T>& run, const RecurrentGradients<T>& gradients,
                              const BackwardBuffers<T>& buffers, Range rows, Range units,
                              Range outputs)
    : w_(*run.weights),
      run_(run),
      g_(gradients),
      buffers_(buffers),
      rows_(rows),
      units_(units),
      outputs_(outputs) {
  args_.hidden_size = w_.plan.hidden_size;
  args_.unit_begin = units.begin;
  args_.unit_end = units.end;
  args_.options = &w_.options;
  args_.keep_stride = run.extras.random ? w_.padded() : 0;
  args_.recurrent_stride = w_.plan.split ? w_.split_columns() : 0;
  args_.dy_stride = g_.dy.row_stride;
  even_ = !run.offsets && w_.plan.phase_count == 1;
  pointed_ = run.timesteps;
  const Range own = w_.projection ? outputs_ : units_;
  for (Index p = 0; w_.plan.recurrent && p < w_.plan.phase_count; ++p) {
    ProductArgs<T>& product = products_[p];
    product.depth = w_.phases[p].order.columns();
    product.cols = own.size();
    product.packed = w_.phases[p].recurrent_transposed + own.begin * product.depth;
    product.out_stride = w_.padded_outputs();
    product.quarters = w_.padded_outputs() == w_.order.block;
    T* out = g_.dh;
    if (p > 0)
      out = buffers_.d_reset;
    else if (g_.d_recur)
      out = g_.d_recur;
    else
      product.accumulate = w_.projection ? run.extras.keep_h != nullptr : w_.phases[0].cell->direct;
    product.out = out + rows_.begin * w_.padded_outputs() + own.begin;
  }
}

template <class T>
void CellBackward<T>::run(Index t, const ChunkBuffers<T>& chunk, Index chunk_row, Barrier& group) {
  active_ = run_.active(t, rows_.begin, rows_.end);
  if (active_ == 0) return;  // the same for all parts of the group
  const CellPlan& plan = w_.plan;
  const RunExtras<T>& e = run_.extras;
  if (plan.zones_out())
    draw_zoneout(run_, t, {rows_.begin, rows_.begin + active_}, units_,
                 w_.projection ? outputs_ : units_);
  StepBackwardArgs<T>& a = args_;
  if (even_ && t == pointed_ - 1 && pointed_ < run_.timesteps)
    move_pointers(a, t);
  else
    set_pointers(a, t);
  pointed_ = t;
  if (w_.projection) unproject(t, chunk, chunk_row, group);
  const Index split_row = (chunk_row + rows_.begin) * a.recurrent_stride;
  for (Index p = plan.phase_count; p-- > 0;) {
    const auto& phase = w_.phases[p];
    if (plan.split) a.recurrent_gates = chunk.split + split_row + phase.column;
    if (p == 0 && plan.phase_count > 1) {
      // The first half reads what its product read.
      a.h_old = e.recur ? run_.recur_at(t, rows_.begin) : run_.h_at(t, rows_.begin);
      a.d_reset = buffers_.d_reset + rows_.begin * w_.padded();
    }
    if (plan.layer_norm)
      normalised(a, t, chunk, chunk_row);
    else
      phase.cell->step_backward(a);
    group.wait();  // the product needs the gradients of all units
    if (!plan.recurrent) continue;
    product(p, plan.split ? a.recurrent_gates : a.gates,
            plan.split ? a.recurrent_stride : w_.order.columns());
  }
}

template <class T>
void CellBackward<T>::set_pointers(StepBackwardArgs<T>& a, Index t) const {
  const RunExtras<T>& e = run_.extras;
  const Index row = rows_.begin, P = w_.padded(), PR = w_.padded_outputs();
  const Index columns = w_.order.columns(), kept = run_.rows_before(t) + row;
  a.rows = active_;
  a.gates = run_.gates + kept * columns;
  a.h_old = run_.h_at(t, row);
  if (run_.c) {
    a.c_prev = run_.c_at(t, row);
    a.c = run_.c_at(t + 1, row);
  }
  a.dc = g_.dc ? g_.dc + row * P : nullptr;
  if (e.candidate) a.candidate = e.candidate + kept * P;
  a.keep_c = e.keep_c ? e.keep_c + (e.random ? row * P : 0) : nullptr;
  a.next_gates = nullptr;
  if (t > 0 && !run_.offsets) {
    a.next_gates = run_.gates + (kept - run_.samples) * columns;
    a.next_c = run_.c ? run_.c_at(t - 1, row) : nullptr;
  }
  if (w_.projection) {
    a.dh = buffers_.d_output + row * P;
    return;
  }
  a.dh = g_.dh + row * PR;
  a.dy = nullptr;
  a.next_dy = nullptr;
  if (g_.dy) {
    a.dy = g_.dy.at(t, row);
    if (t > 0 && !run_.offsets) a.next_dy = g_.dy.at(t - 1, row);
  }
  a.keep_h = e.keep_h ? e.keep_h + (e.random ? row * P : 0) : nullptr;
  if (e.recur) {
    a.mask = e.recurrent_mask + row * PR;
    a.d_recur = g_.d_recur + row * PR;
  }
}

/// From step t + 1 to step t.
template <class T>
void CellBackward<T>::move_pointers(StepBackwardArgs<T>& a, Index t) const {
  const Index N = run_.samples, c_step = N * w_.padded(), gates_step = N * w_.order.columns();
  a.gates -= gates_step;
  a.next_gates = t > 0 ? a.gates - gates_step : nullptr;
  a.h_old -= N * w_.padded_outputs();
  if (run_.c) {
    a.c = a.c_prev;
    a.c_prev -= c_step;
    a.next_c = t > 0 ? a.c_prev - c_step : nullptr;
  }
  if (a.candidate) a.candidate -= c_step;
  if (!a.dy) return;
  a.dy -= g_.dy.time_stride;
  a.next_dy = t > 0 ? a.dy - g_.dy.time_stride : nullptr;
}

/// From the gradients of the outputs to those before the projection.
template <class T>
void CellBackward<T>::unproject(Index t, const ChunkBuffers<T>& chunk, Index chunk_row,
                                Barrier& group) const {
  const RunExtras<T>& e = run_.extras;
  const Index PR = w_.padded_outputs(), P = w_.padded();
  for (Index n = rows_.begin; n < rows_.begin + active_; ++n) {
    T* dh = g_.dh + n * PR;
    T* to = chunk.projected + (chunk_row + n) * PR;
    const T* dy = g_.dy ? g_.dy.at(t, n) : nullptr;
    const T* keep = e.keep_h ? e.keep_h + (e.random ? n * PR : 0) : nullptr;
    for (Index j = outputs_.begin; j < outputs_.end; ++j) {
      T d = dh[j];
      if (e.recur) d += g_.d_recur[n * PR + j] * e.recurrent_mask[n * PR + j];
      if (dy) d += dy[j];
      const T direct = keep ? keep[j] * d : T(0);
      dh[j] = direct;
      to[j] = d - direct;
    }
  }
  group.wait();
  ProductArgs<T> args;
  args.rows = active_;
  args.depth = PR;
  args.cols = units_.size();
  args.packed = w_.projection_transposed + units_.begin * PR;
  args.a = chunk.projected + (chunk_row + rows_.begin) * PR;
  args.a_stride = PR;
  args.out = buffers_.d_output + rows_.begin * P + units_.begin;
  args.out_stride = P;
  w_.kernels->product(args);
}

/// Layer normalisation: this part has all units of its rows.
template <class T>
void CellBackward<T>::normalised(StepBackwardArgs<T> a, Index t, const ChunkBuffers<T>& chunk,
                                 Index chunk_row) const {
  const RunExtras<T>& e = run_.extras;
  const GateOrder &order = w_.order, of_cell{1, order.hidden_size, order.block};
  const Index columns = order.columns(), P = w_.padded(), H = order.hidden_size;
  const Index kept = run_.rows_before(t) + rows_.begin;
  a.part = StepPart::output;
  a.shown = e.norm_cell + kept * P;
  a.shown_scale = w_.norm_cell;
  a.shown_bias = w_.norm_cell_bias;
  a.d_candidate = buffers_.d_candidate + rows_.begin * P;
  w_.phases[0].cell->step_backward(a);
  for (Index r = 0; r < active_; ++r) {
    T* d = a.d_candidate + r * P;
    T* shown = chunk.shown + (chunk_row + rows_.begin + r) * P;
    for (Index u = 0; u < H; ++u) {
      shown[u] = d[u];
      d[u] *= w_.norm_cell[u];
    }
    normalise_backward(of_cell, a.shown + r * P, e.norm_scale[3 * (kept + r) + 2], d, d);
  }
  a.part = StepPart::cell;
  w_.phases[0].cell->step_backward(a);
  for (Index r = 0; r < active_; ++r) {
    const T* d = a.gates + r * columns;
    T* to = a.recurrent_gates + r * a.recurrent_stride;
    for (Index i = 0; i < columns; ++i) to[i] = d[i] * w_.norm_recurrent[i];
    normalise_backward(order, e.norm_recurrent + (kept + r) * columns,
                       e.norm_scale[3 * (kept + r) + 1], to, to);
  }
}

/// To the outputs of the step before: of a phase, from the gradients of its recurrent sums.
template <class T>
void CellBackward<T>::product(Index phase, const T* gates, Index stride) {
  ProductArgs<T>& args = products_[phase];
  args.rows = active_;
  args.a = gates;
  args.a_stride = stride;
  if (args.cols > 0) w_.kernels->product(args);
}

template class CellBackward<float>;
template class CellBackward<double>;

}  // namespace lstm_native
