#include "core/training/losses.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/message_text.hpp"
#include "core/numeric/activations.hpp"
#include "core/runtime/threads.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

// Cost of one value's loss in multiply-adds, to decide about threads.
constexpr double kLossWork = 16;
// What a row of soft labels may be away from a sum of 1: the rounding of 16-bit probabilities.
constexpr double kSoftLabelTolerance = 1e-3;

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
    case LossKind::binary_crossentropy: {
      if (spec.label_smoothing > 0) y += spec.label_smoothing * (0.5 - y);
      const double e = std::exp(-std::abs(o));
      const double sigmoid = o >= 0 ? 1 / (1 + e) : e / (1 + e);
      return {std::max(o, 0.0) - o * y + std::log1p(e), sigmoid - y};
    }
    case LossKind::categorical_crossentropy: break;  // not a sum over values
  }
  throw InvalidArgument("loss: expected one of single values");
}

/// Loss of one row of logits beside its label, or (values not null) its soft labels.
template <class T>
double class_loss(const LossSpec& spec, Index features, const T* output, const T* values,
                  Index label, double scale, T* gradient, T* scratch) {
  T* probabilities = gradient ? gradient : scratch;
  const double log_sum = softmax(kernels<T>(), features, output, probabilities);
  const double smoothing = spec.label_smoothing;
  double chosen, mass = 1;
  if (values) {
    chosen = mass = 0;
    for (Index i = 0; i < features; ++i) {
      const auto y = static_cast<double>(values[i]);
      if (y == 0) continue;  // so that a logit of -infinity costs nothing there
      mass += y;
      chosen += y * static_cast<double>(output[i]);
    }
    mass += smoothing * (1 - mass);
  } else {
    chosen = static_cast<double>(output[label]);
  }
  double spread = 0;
  if (smoothing > 0) {
    double sum = 0;
    for (Index i = 0; i < features; ++i) sum += static_cast<double>(output[i]);
    spread = smoothing / static_cast<double>(features);
    chosen = (1 - smoothing) * chosen + spread * sum;
  }
  if (gradient) {
    const auto keep = static_cast<T>(1 - smoothing);
    if (values)
      for (Index i = 0; i < features; ++i)
        gradient[i] = gradient[i] * static_cast<T>(mass) - keep * values[i];
    else
      gradient[label] -= keep;
    for (Index i = 0; i < features; ++i)
      gradient[i] = (gradient[i] - static_cast<T>(spread)) * static_cast<T>(scale);
  }
  return log_sum * mass - chosen;
}

/// Loss of one row; scale * its gradient, when wanted.
template <class T>
double row_loss(const LossSpec& spec, Index features, const T* output, const T* values, Index label,
                double scale, T* gradient, T* scratch) {
  if (spec.kind == LossKind::categorical_crossentropy)
    return class_loss(spec, features, output, values, label, scale, gradient, scratch);
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

/// Throws unless the targets of a row of a cross-entropy are from 0 to 1 and, for classes, sum
/// to 1.
template <class T>
void check_row(const LossSpec& spec, Index row, Index features, const T* values) {
  const auto in_row = [row] { return " in row " + std::to_string(row); };
  double sum = 0;
  for (Index i = 0; i < features; ++i) {
    if (!(values[i] >= 0 && values[i] <= 1))
      throw InvalidArgument("y: cross-entropies expect targets from 0 to 1, got " +
                            number_text(static_cast<double>(values[i])) + in_row());
    sum += static_cast<double>(values[i]);
  }
  if (takes_labels(spec.kind) && !(std::abs(sum - 1) <= kSoftLabelTolerance))
    throw InvalidArgument("y: expected soft labels that sum to 1, got a sum of " +
                          number_text(sum) + in_row());
}

}  // namespace

template <class T>
LossValue compute_loss(const LossSpec& spec, Index rows, Index features, const T* output,
                       const Targets<T>& targets, double mean_weight, T* gradient,
                       Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  LossValue result;
  Index counting = 0;
  for (Index r = 0; r < rows; ++r) {
    const double weight = targets.weights ? static_cast<double>(targets.weights[r]) : 1.0;
    result.weight += weight;
    counting += weight > 0;
  }
  const double whole =
      mean_weight > 0 ? static_cast<double>(counting) * mean_weight : result.weight;
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
                                    targets.labels ? targets.labels[r] : 0, weight / whole, to,
                                    scratch ? scratch + r * features : nullptr);
    }
  });
  // Summed in order, by one thread: the loss is the same for any number of threads.
  for (Index r = 0; r < rows; ++r) result.loss += losses[r];
  if (result.weight > 0) result.loss /= result.weight;
  return result;
}

template <class T>
const T* weights_without_ignored(const LossSpec& spec, Index rows, const Targets<T>& targets,
                                 Workspace& workspace) {
  if (!spec.ignore_index || !targets.labels) return targets.weights;
  T* out = workspace.take<T>(rows);
  for (Index r = 0; r < rows; ++r)
    out[r] = targets.labels[r] == *spec.ignore_index ? T(0)
             : targets.weights                       ? targets.weights[r]
                                                     : T(1);
  return out;
}

template <class T>
void check_targets(const LossSpec& spec, Index rows, Index features, const Targets<T>& targets) {
  const bool classes = takes_labels(spec.kind);
  if (!classes && !targets.values)
    throw InvalidArgument("y: this loss expects values, got integer labels");
  if (classes && !targets.labels == !targets.values)
    throw InvalidArgument(
        std::string("y: categorical cross-entropy expects integer labels or soft labels, got ") +
        (targets.values ? "both" : "neither"));
  if (spec.ignore_index && targets.values)
    throw InvalidArgument("y: ignore_index needs integer labels, got soft labels");
  if (targets.weights)
    for (Index r = 0; r < rows; ++r)
      if (!(targets.weights[r] >= 0) || !std::isfinite(targets.weights[r]))
        throw InvalidArgument("weights: expected finite values >= 0, got " +
                              number_text(static_cast<double>(targets.weights[r])) + " in row " +
                              std::to_string(r));
  const bool unit = classes || spec.kind == LossKind::binary_crossentropy;
  if (!targets.labels && !unit) return;
  for (Index r = 0; r < rows; ++r) {
    if (targets.weights && targets.weights[r] == 0) continue;
    if (targets.values && unit) check_row(spec, r, features, targets.values + r * features);
    if (targets.labels && (targets.labels[r] < 0 || targets.labels[r] >= features))
      throw InvalidArgument("y: expected labels from 0 to " + std::to_string(features - 1) +
                            " (the network has " + std::to_string(features) + " outputs), got " +
                            std::to_string(targets.labels[r]) + " in row " + std::to_string(r));
  }
}

template LossValue compute_loss(const LossSpec&, Index, Index, const float*, const Targets<float>&,
                                double, float*, Workspace&);
template const float* weights_without_ignored(const LossSpec&, Index, const Targets<float>&,
                                              Workspace&);
template void check_targets(const LossSpec&, Index, Index, const Targets<float>&);
template LossValue compute_loss(const LossSpec&, Index, Index, const double*,
                                const Targets<double>&, double, double*, Workspace&);
template const double* weights_without_ignored(const LossSpec&, Index, const Targets<double>&,
                                               Workspace&);
template void check_targets(const LossSpec&, Index, Index, const Targets<double>&);

}  // namespace lstm_native
