#include "core/recurrent/recurrent_stream.hpp"

#include <algorithm>
#include <utility>

#include "core/recurrent/cell_forward.hpp"
#include "core/recurrent/layer_norm.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {
namespace {

/// What a step needs is laid out once: a step sets its own pointers alone.
template <class T>
class RecurrentStream final : public SequenceStream<T> {
 public:
  RecurrentStream(std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights, Index rows,
                  bool residual)
      : weights_(std::move(weights)), rows_(rows), residual_(residual) {
    const RecurrentWeights<T>& any = weights_->front();
    const CellPlan& plan = any.plan;
    hidden_ = plan.hidden_size;
    outputs_ = plan.output_size();
    padded_ = any.padded();
    padded_outputs_ = any.padded_outputs();
    columns_ = any.order.columns();
    const bool norm = plan.layer_norm;
    const Index state = rows * padded_, output = rows * padded_outputs_;
    // Of one layer at a time: gates, and what the options need.
    const Index shared = rows * columns_ * (norm ? 2 : 1) + 4 * state + 3 * rows + padded_outputs_ +
                         padded_ + output;
    const auto layers = static_cast<Index>(weights_->size());
    // Of every layer: h before and after the step, and c.
    memory_.resize(static_cast<std::size_t>(shared + layers * (2 * output + state)));
    T* next = memory_.data();
    const auto take = [&next](Index count) { return std::exchange(next, next + count); };
    CellStep<T> step;
    step.rows = rows;
    step.gates = take(rows * columns_);
    if (norm) {
      step.norm_recurrent = take(rows * columns_);
      step.norm_cell = take(state);
      step.candidate = take(state);
      step.norm_scale = take(3 * rows);
    }
    if (plan.proj_size) step.unprojected = take(state);
    if (plan.zoneout_h > 0)
      step.keep_h =
          std::fill_n(take(padded_outputs_), padded_outputs_, static_cast<T>(plan.zoneout_h)) -
          padded_outputs_;
    if (plan.zoneout_c > 0)
      step.keep_c = std::fill_n(take(padded_), padded_, static_cast<T>(plan.zoneout_c)) - padded_;
    added_ = take(output);
    for (const RecurrentWeights<T>& own : *weights_) {
      layers_.push_back({&own, CellForward<T>(own, 0, hidden_, 0, outputs_), step, false});
      StackedLayer& stacked = layers_.back();
      stacked.step.h_prev = take(output);
      stacked.step.h = take(output);
      stacked.step.c_prev = stacked.step.c = take(state);
      stacked.cell.prepare(false, outputs_);
      if (in_step())
        stacked.cell.project_in_step(layers_.size() == 1 ? own.inputs : padded_outputs_);
    }
  }

  void step(const Batch<T>& x, T* y) noexcept override {
    const T* input = x.values;
    Index stride = weights_->front().inputs;
    for (StackedLayer& stacked : layers_) {
      const bool first = &stacked == &layers_.front(), last = &stacked == &layers_.back();
      const bool adds = residual_ && !first;
      stacked.step.x = in_step() ? input : nullptr;
      if (!in_step()) project(stacked, input, stride);
      stacked.step.y = last && !adds ? y : nullptr;
      stacked.step.recur_prev = stacked.step.h_prev;
      if (stacked.under_way && stacked.cell.can_take_many())
        stacked.cell.take_next(stacked.step);
      else
        stacked.cell.take(stacked.step, [] {});
      stacked.under_way = true;
      stacked.step.last_first = !stacked.step.last_first;
      // What this step wrote is what the next one reads.
      T* const written = stacked.step.h;
      stacked.step.h = const_cast<T*>(stacked.step.h_prev);
      stacked.step.h_prev = written;
      if (adds) {
        T* const to = last ? y : added_;
        const Index to_stride = last ? outputs_ : padded_outputs_;
        // In place where `input` is what an addition before left.
        for (Index r = 0; r < rows_; ++r)
          for (Index j = 0; j < outputs_; ++j)
            to[r * to_stride + j] = written[r * padded_outputs_ + j] + input[r * stride + j];
        input = added_;
      } else {
        input = written;
      }
      stride = padded_outputs_;
    }
  }

  void reset() noexcept override {
    for (StackedLayer& stacked : layers_) {
      std::fill_n(const_cast<T*>(stacked.step.h_prev), rows_ * padded_outputs_, T(0));
      std::fill_n(stacked.step.c, rows_ * padded_, T(0));
    }
  }

  std::vector<TensorInfo> state() const override {
    const auto layers = static_cast<Index>(weights_->size());
    return state_tensors({weights_->front().plan.states(), layers, outputs_, hidden_}, rows_);
  }

  void get_state(Index which, T* out) const noexcept override {
    const Tensor t = tensor(which);
    for (const StackedLayer& stacked : layers_)
      for (Index r = 0; r < rows_; ++r, out += t.features)
        std::copy_n(at(stacked, which) + r * t.stride, t.features, out);
  }

  void set_state(Index which, const T* values) noexcept override {
    const Tensor t = tensor(which);
    for (const StackedLayer& stacked : layers_)
      for (Index r = 0; r < rows_; ++r, values += t.features)
        std::copy_n(values, t.features, at(stacked, which) + r * t.stride);
  }

 private:
  struct StackedLayer {
    const RecurrentWeights<T>* weights;
    CellForward<T> cell;
    CellStep<T> step;
    bool under_way = false;
  };
  struct Tensor {
    Index features, stride;
  };
  /// h (0) or c (1) of a stacked layer; the padding stays zero.
  static T* at(const StackedLayer& stacked, Index which) {
    return which == 0 ? const_cast<T*>(stacked.step.h_prev) : stacked.step.c;
  }
  Tensor tensor(Index which) const {
    return which == 0 ? Tensor{outputs_, padded_outputs_} : Tensor{hidden_, padded_};
  }
  bool in_step() const {
    const CellPlan& plan = weights_->front().plan;
    return !plan.layer_norm && plan.phase_count == 1;
  }

  void project(StackedLayer& stacked, const T* x, Index stride) const noexcept {
    const RecurrentWeights<T>& weights = *stacked.weights;
    ProductArgs<T> args;
    args.rows = rows_;
    args.depth = weights.inputs;
    args.cols = columns_;
    args.a = x;
    args.a_stride = stride;
    args.packed = weights.input;
    args.bias = weights.plan.layer_norm ? nullptr : weights.bias;
    args.out = stacked.step.gates;
    args.out_stride = columns_;
    weights.kernels->product(args);
    for (Index r = 0; weights.plan.layer_norm && r < rows_; ++r)
      scale_normal(weights.order, weights.norm_input, weights.bias,
                   stacked.step.gates + r * columns_);
  }

  std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights_;
  Index rows_, hidden_ = 0, outputs_ = 0, padded_ = 0, padded_outputs_ = 0, columns_ = 0;
  bool residual_;
  T* added_ = nullptr;
  AlignedVector<T> memory_;
  std::vector<StackedLayer> layers_;
};

}  // namespace

template <class T>
std::unique_ptr<LayerStream<T>> make_recurrent_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights, Index rows, bool residual) {
  return std::make_unique<RecurrentStream<T>>(std::move(weights), rows, residual);
}

template std::unique_ptr<LayerStream<float>> make_recurrent_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<float>>>, Index, bool);
template std::unique_ptr<LayerStream<double>> make_recurrent_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<double>>>, Index, bool);

}  // namespace lstm_native
