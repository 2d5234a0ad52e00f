#include "core/losses.hpp"

#include <algorithm>
#include <cmath>

#include "core/activations.hpp"
#include "core/threads.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

// Cost of one value's loss in multiply-adds, to decide about threads.
constexpr double kLossWork = 16;

struct ValueLoss {
  double loss, slope;
};

ValueLoss value_loss(const LossSpec& spec, double o, double y) {
  const double d = o - y, size = std::abs(d);
  switch (spec.kind) {
    case LossKind::mse: return {d * d, 2 * d};
    case LossKind::mae: return {size, d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0};
    case LossKind::huber:
      if (size <= spec.delta) return {0.5 * d * d, d};
      return {spec.delta * (size - 0.5 * spec.delta), d > 0 ? spec.delta : -spec.delta};
    default: {
      const double e = std::exp(-std::abs(o));
      const double sigmoid = o >= 0 ? 1 / (1 + e) : e / (1 + e);
      return {std::max(o, 0.0) - o * y + std::log1p(e), sigmoid - y};
    }
  }
}

/// Loss of one row; scale * its gradient, when wanted.
template <class T>
double row_loss(const LossSpec& spec, Index features, const T* output, const T* values, Index label,
                double scale, T* gradient, T* scratch) {
  if (takes_labels(spec.kind)) {
    T* probabilities = gradient ? gradient : scratch;
    const double log_sum = softmax(kernels<T>(), features, output, probabilities);
    if (gradient) {
      gradient[label] -= T(1);
      for (Index i = 0; i < features; ++i) gradient[i] *= static_cast<T>(scale);
    }
    return log_sum - static_cast<double>(output[label]);
  }
  const double mean = 1.0 / static_cast<double>(features);
  double sum = 0;
  for (Index i = 0; i < features; ++i) {
    const ValueLoss v =
        value_loss(spec, static_cast<double>(output[i]), static_cast<double>(values[i]));
    sum += v.loss;
    if (gradient) gradient[i] = static_cast<T>(v.slope * scale * mean);
  }
  return sum * mean;
}

}  // namespace

template <class T>
LossValue compute_loss(const LossSpec& spec, Index rows, Index features, const T* output,
                       const Targets<T>& targets, T* gradient, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  LossValue result;
  for (Index r = 0; r < rows; ++r)
    result.weight += targets.weights ? static_cast<double>(targets.weights[r]) : 1.0;
  double* losses = workspace.take_zeros<double>(rows);
  T* scratch = gradient ? nullptr : workspace.take<T>(rows * features);
  parallel_for(rows, kLossWork * static_cast<double>(rows * features), [&](Index r0, Index r1) {
    for (Index r = r0; r < r1; ++r) {
      T* to = gradient ? gradient + r * features : nullptr;
      const double weight = targets.weights ? static_cast<double>(targets.weights[r]) : 1.0;
      if (weight == 0) {  // a masked row may hold anything, even NaN
        if (to) std::fill_n(to, features, T(0));
        continue;
      }
      losses[r] = weight * row_loss(spec, features, output + r * features,
                                    targets.values ? targets.values + r * features : nullptr,
                                    targets.labels ? targets.labels[r] : 0, weight / result.weight,
                                    to, scratch ? scratch + r * features : nullptr);
    }
  });
  // Summed in order, by one thread: the loss is the same for any number of threads.
  for (Index r = 0; r < rows; ++r) result.loss += losses[r];
  if (result.weight > 0) result.loss /= result.weight;
  return result;
}

template <class T>
void check_targets(const LossSpec& spec, Index rows, Index features, const Targets<T>& targets) {
  if (takes_labels(spec.kind) ? !targets.labels : !targets.values)
    throw InvalidArgument(takes_labels(spec.kind)
                              ? "y: categorical cross-entropy expects integer labels, got values"
                              : "y: this loss expects values, got integer labels");
  if (targets.weights)
    for (Index r = 0; r < rows; ++r)
      if (!(targets.weights[r] >= 0) || !std::isfinite(targets.weights[r]))
        throw InvalidArgument("weights: expected finite values >= 0, got " +
                              std::to_string(targets.weights[r]) + " in row " + std::to_string(r));
  if (!targets.labels) return;
  for (Index r = 0; r < rows; ++r) {
    if (targets.weights && targets.weights[r] == 0) continue;
    if (targets.labels[r] < 0 || targets.labels[r] >= features)
      throw InvalidArgument("y: expected labels from 0 to " + std::to_string(features - 1) +
                            " (the network has " + std::to_string(features) + " outputs), got " +
                            std::to_string(targets.labels[r]) + " in row " + std::to_string(r));
  }
}

template LossValue compute_loss(const LossSpec&, Index, Index, const float*, const Targets<float>&,
                                float*, Workspace&);
template LossValue compute_loss(const LossSpec&, Index, Index, const double*,
                                const Targets<double>&, double*, Workspace&);
template void check_targets(const LossSpec&, Index, Index, const Targets<float>&);
template void check_targets(const LossSpec&, Index, Index, const Targets<double>&);

}  // namespace lstm_native
