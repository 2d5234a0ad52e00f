#include "core/recurrent/cell_backward.hpp"

#include "core/recurrent/layer_norm.hpp"
#include "core/recurrent/sequence_masks.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {

template <class T>
CellBackward<T>::CellBackward(const TimeLoop<T>& loop, const LoopGradients<T>& gradients,
                              const BackwardBuffers<T>& buffers, Range rows, Range units,
                              Range outputs)
    : weights_(*loop.weights),
      loop_(loop),
      gradients_(gradients),
      buffers_(buffers),
      rows_(rows),
      units_(units),
      outputs_(outputs) {
  args_.hidden_size = weights_.plan.hidden_size;
  args_.unit_begin = units.begin;
  args_.unit_end = units.end;
  args_.options = &weights_.options;
  args_.keep_stride = loop.extras.random ? weights_.padded() : 0;
  args_.recurrent_stride = weights_.plan.split ? weights_.split_columns() : 0;
  args_.dy_stride = gradients_.dy.row_stride;
  even_ = !loop.offsets && weights_.plan.phase_count == 1;
  pointed_ = loop.timesteps;
  const Range own = weights_.projection ? outputs_ : units_;
  for (Index p = 0; weights_.plan.recurrent && p < weights_.plan.phase_count; ++p) {
    ProductArgs<T>& product = products_[p];
    product.depth = weights_.phases[p].order.columns();
    product.cols = own.size();
    product.packed = weights_.phases[p].recurrent_transposed + own.begin * product.depth;
    product.out_stride = weights_.padded_outputs();
    product.quarters = weights_.padded_outputs() == weights_.order.block;
    T* out = gradients_.dh;
    if (p > 0)
      out = buffers_.d_reset;
    else if (gradients_.d_recur)
      out = gradients_.d_recur;
    else
      product.accumulate =
          weights_.projection ? loop.extras.keep_h != nullptr : weights_.phases[0].cell->direct;
    product.out = out + rows_.begin * weights_.padded_outputs() + own.begin;
  }
}

template <class T>
void CellBackward<T>::take_back(Index t, const ChunkBuffers<T>& chunk, Index chunk_row,
                                Barrier& group) {
  active_ = loop_.active(t, rows_.begin, rows_.end);
  if (active_ == 0) return;  // the same for all parts of the group
  const CellPlan& plan = weights_.plan;
  const LoopExtras<T>& extras = loop_.extras;
  if (plan.zones_out())
    draw_zoneout(loop_, t, {rows_.begin, rows_.begin + active_}, units_,
                 weights_.projection ? outputs_ : units_);
  StepBackwardArgs<T>& a = args_;
  if (even_ && t == pointed_ - 1 && pointed_ < loop_.timesteps)
    move_pointers(a, t);
  else
    set_pointers(a, t);
  pointed_ = t;
  if (weights_.projection) unproject(t, chunk, chunk_row, group);
  const Index split_row = (chunk_row + rows_.begin) * a.recurrent_stride;
  for (Index p = plan.phase_count; p-- > 0;) {
    const auto& phase = weights_.phases[p];
    if (plan.split) a.recurrent_gates = chunk.split + split_row + phase.column;
    if (p == 0 && plan.phase_count > 1) {
      // The first half reads what its product read.
      a.h_old = extras.recur ? loop_.recur_at(t, rows_.begin) : loop_.h_at(t, rows_.begin);
      a.d_reset = buffers_.d_reset + rows_.begin * weights_.padded();
    }
    if (p > 0) a.handed_on = chunk.split + split_row + weights_.phases[0].column;
    if (plan.layer_norm)
      normalised(a, t, chunk, chunk_row);
    else
      phase.cell->step_backward(a);
    group.wait();  // the product needs the gradients of all units
    if (!plan.recurrent) continue;
    product(p, plan.split ? a.recurrent_gates : a.gates,
            plan.split ? a.recurrent_stride : weights_.order.columns());
  }
}

template <class T>
void CellBackward<T>::set_pointers(StepBackwardArgs<T>& a, Index t) const {
  const LoopExtras<T>& extras = loop_.extras;
  const Index row = rows_.begin, padded = weights_.padded(),
              padded_outputs = weights_.padded_outputs();
  const Index columns = weights_.order.columns(), kept = loop_.rows_before(t) + row;
  a.rows = active_;
  a.gates = loop_.gates + kept * columns;
  a.h_old = loop_.h_at(t, row);
  if (loop_.c) {
    a.c_prev = loop_.c_at(t, row);
    a.c = loop_.c_at(t + 1, row);
  }
  a.dc = gradients_.dc ? gradients_.dc + row * padded : nullptr;
  if (extras.candidate) a.candidate = extras.candidate + kept * padded;
  a.keep_c = extras.keep_c ? extras.keep_c + (extras.random ? row * padded : 0) : nullptr;
  a.next_gates = nullptr;
  if (t > 0 && !loop_.offsets) {
    a.next_gates = loop_.gates + (kept - loop_.samples) * columns;
    a.next_c = loop_.c ? loop_.c_at(t - 1, row) : nullptr;
  }
  if (weights_.projection) {
    a.dh = buffers_.d_output + row * padded;
    return;
  }
  a.dh = gradients_.dh + row * padded_outputs;
  a.dy = nullptr;
  a.next_dy = nullptr;
  if (gradients_.dy) {
    a.dy = gradients_.dy.at(t, row);
    if (t > 0 && !loop_.offsets) a.next_dy = gradients_.dy.at(t - 1, row);
  }
  a.keep_h = extras.keep_h ? extras.keep_h + (extras.random ? row * padded : 0) : nullptr;
  if (extras.recur) {
    a.mask = extras.recurrent_mask + row * padded_outputs;
    a.d_recur = gradients_.d_recur + row * padded_outputs;
  }
}

/// From step t + 1 to step t.
template <class T>
void CellBackward<T>::move_pointers(StepBackwardArgs<T>& a, Index t) const {
  const Index samples = loop_.samples, c_step = samples * weights_.padded(),
              gates_step = samples * weights_.order.columns();
  a.gates -= gates_step;
  a.next_gates = t > 0 ? a.gates - gates_step : nullptr;
  a.h_old -= samples * weights_.padded_outputs();
  if (loop_.c) {
    a.c = a.c_prev;
    a.c_prev -= c_step;
    a.next_c = t > 0 ? a.c_prev - c_step : nullptr;
  }
  if (a.candidate) a.candidate -= c_step;
  if (!a.dy) return;
  a.dy -= gradients_.dy.time_stride;
  a.next_dy = t > 0 ? a.dy - gradients_.dy.time_stride : nullptr;
}

/// From the gradients of the outputs to those before the projection.
template <class T>
void CellBackward<T>::unproject(Index t, const ChunkBuffers<T>& chunk, Index chunk_row,
                                Barrier& group) const {
  const LoopExtras<T>& extras = loop_.extras;
  const Index padded_outputs = weights_.padded_outputs(), padded = weights_.padded();
  for (Index n = rows_.begin; n < rows_.begin + active_; ++n) {
    T* dh = gradients_.dh + n * padded_outputs;
    T* to = chunk.projected + (chunk_row + n) * padded_outputs;
    const T* dy = gradients_.dy ? gradients_.dy.at(t, n) : nullptr;
    const T* keep =
        extras.keep_h ? extras.keep_h + (extras.random ? n * padded_outputs : 0) : nullptr;
    for (Index j = outputs_.begin; j < outputs_.end; ++j) {
      T d = dh[j];
      if (extras.recur)
        d += gradients_.d_recur[n * padded_outputs + j] *
             extras.recurrent_mask[n * padded_outputs + j];
      if (dy) d += dy[j];
      const T direct = keep ? keep[j] * d : T(0);
      dh[j] = direct;
      to[j] = d - direct;
    }
  }
  group.wait();
  ProductArgs<T> args;
  args.rows = active_;
  args.depth = padded_outputs;
  args.cols = units_.size();
  args.packed = weights_.projection_transposed + units_.begin * padded_outputs;
  args.a = chunk.projected + (chunk_row + rows_.begin) * padded_outputs;
  args.a_stride = padded_outputs;
  args.out = buffers_.d_output + rows_.begin * padded + units_.begin;
  args.out_stride = padded;
  weights_.kernels->product(args);
}

/// Layer normalisation: this part has all units of its rows.
template <class T>
void CellBackward<T>::normalised(StepBackwardArgs<T> a, Index t, const ChunkBuffers<T>& chunk,
                                 Index chunk_row) const {
  const LoopExtras<T>& extras = loop_.extras;
  const GateOrder &order = weights_.order, of_cell{1, order.hidden_size, order.block};
  const Index columns = order.columns(), padded = weights_.padded(),
              hidden_size = order.hidden_size;
  const Index kept = loop_.rows_before(t) + rows_.begin;
  a.part = StepPart::output;
  a.shown = extras.norm_cell + kept * padded;
  a.shown_scale = weights_.norm_cell;
  a.shown_bias = weights_.norm_cell_bias;
  a.d_candidate = buffers_.d_candidate + rows_.begin * padded;
  weights_.phases[0].cell->step_backward(a);
  for (Index r = 0; r < active_; ++r) {
    T* d = a.d_candidate + r * padded;
    T* shown = chunk.shown + (chunk_row + rows_.begin + r) * padded;
    for (Index u = 0; u < hidden_size; ++u) {
      shown[u] = d[u];
      d[u] *= weights_.norm_cell[u];
    }
    normalise_backward(of_cell, a.shown + r * padded, extras.norm_scale[3 * (kept + r) + 2], d, d);
  }
  a.part = StepPart::cell;
  weights_.phases[0].cell->step_backward(a);
  for (Index r = 0; r < active_; ++r) {
    const T* d = a.gates + r * columns;
    T* to = a.recurrent_gates + r * a.recurrent_stride;
    for (Index i = 0; i < columns; ++i) to[i] = d[i] * weights_.norm_recurrent[i];
    normalise_backward(order, extras.norm_recurrent + (kept + r) * columns,
                       extras.norm_scale[3 * (kept + r) + 1], to, to);
  }
}

/// To the outputs of the step before: of a phase, from the gradients of its recurrent sums.
template <class T>
void CellBackward<T>::product(Index phase, const T* gates, Index stride) {
  ProductArgs<T>& args = products_[phase];
  args.rows = active_;
  args.a = gates;
  args.a_stride = stride;
  if (args.cols > 0) weights_.kernels->product(args);
}

template class CellBackward<float>;
template class CellBackward<double>;

}  // namespace lstm_native
