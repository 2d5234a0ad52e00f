#include "core/recurrent/cell_forward.hpp"

#include <algorithm>

#include "core/recurrent/layer_norm.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {

template <class T>
CellForward<T>::CellForward(const RecurrentWeights<T>& weights, Index unit_begin, Index unit_end,
                            Index output_begin, Index output_end)
    : weights_(weights), output_begin_(output_begin), output_end_(output_end) {
  general_ = false;
  for (Index p = 0; p < weights_.plan.phase_count; ++p) {
    StepArgs<T>& a = phases_[p];
    a.hidden_size = weights_.plan.hidden_size;
    a.unit_begin = unit_begin;
    a.unit_end = unit_end;
    a.depth = weights_.plan.recurrent && !weights_.plan.layer_norm ? weights_.outputs() : 0;
    a.h_stride = weights_.padded_outputs();
    a.recurrent = weights_.phases[p].recurrent;
    a.recurrent_bias = weights_.recurrent_bias;
    a.y_stride = weights_.plan.hidden_size;
    general_ = weights_.phases[p].cell->general;
    if (general_) a.options = &weights_.options;
  }
}

/// Layer normalisation looks at whole rows: this part has all units of its rows.
template <class T>
void CellForward<T>::normalised(const CellStep<T>& step) {
  const GateOrder& order = weights_.order;
  const Index columns = order.columns(), padded = weights_.padded(),
              hidden_size = order.hidden_size;
  ProductArgs<T> product;
  product.rows = step.rows;
  product.depth = weights_.outputs();
  product.cols = columns;
  product.a = step.recur_prev;
  product.a_stride = weights_.padded_outputs();
  product.packed = weights_.recurrent_product;
  product.out = step.norm_recurrent;
  product.out_stride = columns;
  weights_.kernels->product(product);
  for (Index r = 0; r < step.rows; ++r) {
    T* normal = step.norm_recurrent + r * columns;
    step.norm_scale[3 * r + 1] = normalise(order, normal);
    T* gates = step.gates + r * columns;
    for (Index i = 0; i < columns; ++i) gates[i] += weights_.norm_recurrent[i] * normal[i];
  }
  StepArgs<T> args = phases_[0];
  args.part = StepPart::cell;
  weights_.phases[0].cell->step(args);
  // What the output is made of goes through a buffer of its own: the candidate stays.
  const GateOrder of_cell{1, hidden_size, order.block};
  args.part = StepPart::output;
  for (Index r = 0; r < step.rows; ++r) {
    T* normal = step.norm_cell + r * padded;
    std::copy_n(step.candidate + r * padded, padded, normal);
    step.norm_scale[3 * r + 2] = normalise(of_cell, normal);
  }
  args.shown = step.norm_cell;
  args.shown_scale = weights_.norm_cell;
  args.shown_bias = weights_.norm_cell_bias;
  weights_.phases[0].cell->step(args);
}

/// h = W m, with zoneout and dropout of what came out.
template <class T>
void CellForward<T>::project(const CellStep<T>& step) const {
  const Index padded_outputs = weights_.padded_outputs(), count = output_end_ - output_begin_;
  if (count <= 0) return;
  ProductArgs<T> product;
  product.rows = step.rows;
  product.depth = weights_.plan.hidden_size;
  product.cols = round_up(output_end_, weights_.order.block) - output_begin_;  // whole panels
  product.a = step.unprojected;
  product.a_stride = weights_.padded();
  product.packed = weights_.projection + output_begin_ * product.depth;
  product.out = step.h + output_begin_;
  product.out_stride = padded_outputs;
  weights_.kernels->product(product);
  for (Index r = 0; r < step.rows; ++r) {
    T* h = step.h + r * padded_outputs;
    if (step.keep_h) {
      const T* keep = step.keep_h + (step.keep_per_row ? r * padded_outputs : 0);
      const T* old = step.h_prev + r * padded_outputs;
      for (Index j = output_begin_; j < output_end_; ++j)
        h[j] = keep[j] * old[j] + (T(1) - keep[j]) * h[j];
    }
    if (step.mask)
      for (Index j = output_begin_; j < output_end_; ++j)
        step.recur[r * padded_outputs + j] = h[j] * step.mask[r * padded_outputs + j];
    if (step.y)
      std::copy_n(h + output_begin_, count, step.y + r * phases_[0].y_stride + output_begin_);
  }
}

template class CellForward<float>;
template class CellForward<double>;

}  // namespace lstm_native
