// What a loss is to a trainer: the targets it wants, its value, the gradient of the output.
#pragma once

#include <memory>

#include "core/base/workspace.hpp"
#include "lstm_native/losses.hpp"

namespace lstm_native {

struct LossValue {
  double loss = 0;     // weighted mean over the rows
  double weight = 0;   // sum of weights
  double divisor = 0;  // of the sum of the rows' gradients: see StepOptions::mean_weight
};

/// What a network has answered: samples x timesteps x features, or samples x features.
template <class T>
struct LossOutput {
  Index samples = 0;
  Index timesteps = 0;  // 0: no time axis
  Index features = 0;
  const Index* lengths = nullptr;  // of the samples, where there is a time axis; null: all whole
  const T* values = nullptr;

  Index rows() const { return timesteps ? samples * timesteps : samples; }
};

template <class T>
class Loss {
 public:
  virtual ~Loss() = default;

  /// Throws InvalidArgument where an output of so many features is none of this loss.
  virtual TargetShape target_shape(Index output_features) const = 0;

  /// The targets as `compute` takes them: weights are 0 in rows that do not count. The values of
  /// the output are not looked at.
  ///
  /// Throws InvalidArgument for targets of the wrong kind or out of range (rows of weight 0 may
  /// hold anything), and for a weight that is negative or not finite.
  virtual Targets<T> prepare(const LossOutput<T>& output, const Targets<T>& targets,
                             Workspace& workspace) const = 0;

  /// The loss, and its gradient with respect to the output, which may be null; for mean_weight see
  /// StepOptions. Rows of weight 0 get a gradient of 0, whatever they hold.
  virtual LossValue compute(const LossOutput<T>& output, const Targets<T>& targets,
                            double mean_weight, T* gradient, Workspace& workspace) const = 0;
};

template <class T>
std::unique_ptr<Loss<T>> make_loss(const LossSpec& spec);

/// The weights of the output's rows, 0 behind the end of each sample.
template <class T>
const T* weights_within(const LossOutput<T>& output, const T* weights, Workspace& workspace);

/// Throws InvalidArgument for a weight that is negative or not finite.
template <class T>
void check_weights(Index rows, const T* weights);

/// Sums of the rows' weights, and what each row's gradient is divided by.
template <class T>
struct RowWeights {
  RowWeights(Index rows, const T* weights, double mean_weight);

  double of(Index row) const { return weights_ ? static_cast<double>(weights_[row]) : 1.0; }
  double total = 0;
  double whole = 0;

 private:
  const T* weights_;
};

}  // namespace lstm_native
