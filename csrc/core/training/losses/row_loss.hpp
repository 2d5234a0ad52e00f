// Losses that take each row for itself: all but those of whole sequences.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "core/runtime/threads.hpp"
#include "core/training/losses/loss.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

/// One row of the output, and its target.
template <class T>
struct LossRow {
  Index features;  // of the output
  const T* output;
  const T* values;  // of the target; null: there is a label
  Index label;
  double scale;  // of the gradient
  T* gradient;   // as many values as the output; null: not wanted
  T* scratch;    // as many values as the output, where there is no gradient
};

/// What the rows of a loss are, as far as most of them agree. A loss derives from it and adds
///
///   template <class T> double loss(const LossRow<T>& row) const;   // writes scale * the gradient
struct RowRules {
  static constexpr double kWork = 16;  // of one output, in multiply-adds: to decide about threads

  TargetShape target_shape(Index output_features) const { return {output_features, false, false}; }
  /// Rows of this label do not count.
  std::optional<std::int64_t> ignored_label() const { return std::nullopt; }
  /// What is said of targets that are neither, or both.
  static constexpr const char* kLabelsOrValues = "y: expected integer labels or values, got ";
  /// Throws InvalidArgument for a row of values (as many as the target has features) out of range.
  template <class T>
  void check(Index /*row*/, Index /*features*/, const T* /*values*/) const {}
};

template <class T, class Rules>
class RowLoss final : public Loss<T> {
 public:
  explicit RowLoss(Rules rules) : rules_(std::move(rules)) {}

  TargetShape target_shape(Index output_features) const override {
    return rules_.target_shape(output_features);
  }

  Targets<T> prepare(const LossOutput<T>& output, const Targets<T>& targets,
                     Workspace& workspace) const override {
    Targets<T> ready = targets;
    ready.weights = weights_within(output, targets.weights, workspace);
    ready.weights = weights_without_ignored(output.rows(), ready, workspace);
    check_targets(output.rows(), output.features, ready);
    return ready;
  }

  LossValue compute(const LossOutput<T>& output, const Targets<T>& targets, double mean_weight,
                    T* gradient, Workspace& workspace) const override {
    const Workspace::Scope scope(workspace);
    const Index rows = output.rows(), features = output.features;
    const Index width = rules_.target_shape(features).features;
    const RowWeights<T> weights(rows, targets.weights, mean_weight);
    double* losses = workspace.take_zeros<double>(rows);
    T* scratch = gradient ? nullptr : workspace.take<T>(rows * features);
    const double work = Rules::kWork * static_cast<double>(rows * features);
    parallel_for(rows, work, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        T* to = gradient ? gradient + r * features : nullptr;
        const double weight = weights.of(r);
        if (weight == 0) {  // a masked row may hold anything, even NaN
          if (to) std::fill_n(to, features, T(0));
          continue;
        }
        losses[r] = weight * rules_.loss(LossRow<T>{
                                 features, output.values + r * features,
                                 targets.values ? targets.values + r * width : nullptr,
                                 targets.labels ? targets.labels[r] : 0, weight / weights.whole, to,
                                 scratch ? scratch + r * features : nullptr});
      }
    });
    // Summed in order, by one thread: the loss is the same for any number of threads.
    LossValue result{0, weights.total, weights.whole};
    for (Index r = 0; r < rows; ++r) result.loss += losses[r];
    if (result.weight > 0) result.loss /= result.weight;
    return result;
  }

 private:
  /// The weights of rows with 0 where the label is the one that the loss ignores.
  const T* weights_without_ignored(Index rows, const Targets<T>& targets,
                                   Workspace& workspace) const {
    const std::optional<std::int64_t> ignored = rules_.ignored_label();
    if (!ignored || !targets.labels) return targets.weights;
    T* out = workspace.take<T>(rows);
    for (Index r = 0; r < rows; ++r)
      out[r] = targets.labels[r] == *ignored ? T(0) : targets.weights ? targets.weights[r] : T(1);
    return out;
  }

  void check_targets(Index rows, Index features, const Targets<T>& targets) const {
    const TargetShape wanted = rules_.target_shape(features);
    if (!wanted.labels && wanted.features && !targets.values)
      throw InvalidArgument("y: this loss expects values, got integer labels");
    if (wanted.labels && !targets.labels == !targets.values)
      throw InvalidArgument(std::string(Rules::kLabelsOrValues) +
                            (targets.values ? "both" : "neither"));
    if (rules_.ignored_label() && targets.values)
      throw InvalidArgument("y: ignore_index needs integer labels, got soft labels");
    check_weights(rows, targets.weights);
    for (Index r = 0; r < rows; ++r) {
      if (targets.weights && targets.weights[r] == 0) continue;
      if (targets.values && wanted.features)
        rules_.check(r, wanted.features, targets.values + r * wanted.features);
      if (wanted.labels && targets.labels) check_label(r, features, targets.labels[r]);
    }
  }

  static void check_label(Index row, Index classes, std::int64_t label) {
    if (label >= 0 && label < classes) return;
    throw InvalidArgument("y: expected labels from 0 to " + std::to_string(classes - 1) +
                          " (the network has " + std::to_string(classes) + " outputs), got " +
                          std::to_string(label) + " in row " + std::to_string(row));
  }

  const Rules rules_;
};

/// A loss that is the mean over the values of a row. A loss derives from it and adds
///
///   ValueLoss value(double output, double target) const;
struct ValueLoss {
  double loss, slope;
};
template <class Values>
struct ValueRules : RowRules {
  template <class T>
  double loss(const LossRow<T>& row) const {
    const double mean = 1.0 / static_cast<double>(row.features);
    double sum = 0;
    for (Index i = 0; i < row.features; ++i) {
      const ValueLoss v = static_cast<const Values&>(*this).value(
          static_cast<double>(row.output[i]), static_cast<double>(row.values[i]));
      sum += v.loss;
      if (row.gradient) row.gradient[i] = static_cast<T>(v.slope * row.scale * mean);
    }
    return sum * mean;
  }
};

}  // namespace lstm_native
