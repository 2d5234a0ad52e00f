// A loss of the caller's own.
#include <algorithm>
#include <string>
#include <type_traits>

#include "core/base/message_text.hpp"
#include "core/training/losses/loss_list.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
const std::function<void(const OwnLossBatch<T>&)>& function_of(const FunctionLoss& spec) {
  if constexpr (std::is_same_v<T, float>)
    return spec.float32;
  else
    return spec.float64;
}

template <class T>
class Function final : public Loss<T> {
 public:
  explicit Function(const FunctionLoss& spec) : spec_(spec) {}

  TargetShape target_shape(Index output_features) const override {
    if (spec_.labels) return {0, true, false};
    return {spec_.target_features ? spec_.target_features : output_features, false, false};
  }

  Targets<T> prepare(const LossOutput<T>& output, const Targets<T>& targets,
                     Workspace& workspace) const override {
    if (!function_of<T>(spec_))
      throw InvalidArgument("loss: the function " + in_quotes(spec_.label) +
                            " that this model was trained with is in no file: give it again, as "
                            "loss=...");
    if (spec_.labels ? !targets.labels : !targets.values)
      throw InvalidArgument(
          std::string("y: this loss expects ") +
          (spec_.labels ? "integer labels, got values" : "values, got integer labels"));
    Targets<T> ready = targets;
    ready.weights = weights_within(output, targets.weights, workspace);
    check_weights(output.rows(), ready.weights);
    return ready;
  }

  LossValue compute(const LossOutput<T>& output, const Targets<T>& targets, double mean_weight,
                    T* gradient, Workspace& workspace) const override {
    const Workspace::Scope scope(workspace);
    const Index rows = output.rows(), features = output.features;
    const RowWeights<T> weights(rows, targets.weights, mean_weight);
    LossValue result{0, weights.total};
    if (weights.total == 0) {
      if (gradient) std::fill_n(gradient, rows * features, T(0));
      return result;
    }
    OwnLossBatch<T> batch;
    batch.samples = output.samples;
    batch.timesteps = output.timesteps;
    batch.features = features;
    batch.target_features = target_shape(features).features;
    batch.output = output.values;
    batch.values = targets.values;
    batch.labels = targets.labels;
    batch.weights = targets.weights;
    batch.losses = workspace.take_zeros<double>(rows);
    batch.gradient = gradient;
    function_of<T>(spec_)(batch);
    for (Index r = 0; r < rows; ++r) {
      const double weight = weights.of(r);
      T* of_row = gradient ? gradient + r * features : nullptr;
      if (weight == 0) {  // whatever it has been given
        if (of_row) std::fill_n(of_row, features, T(0));
        continue;
      }
      result.loss += weight * batch.losses[r];
      const auto scale = static_cast<T>(weight / weights.whole);
      for (Index i = 0; of_row && i < features; ++i) of_row[i] *= scale;
    }
    result.loss /= result.weight;
    return result;
  }

 private:
  const FunctionLoss spec_;
};

}  // namespace

template <class T>
LossPointer<T> new_loss(const FunctionLoss& spec) {
  return std::make_unique<Function<T>>(spec);
}

template LossPointer<float> new_loss(const FunctionLoss&);
template LossPointer<double> new_loss(const FunctionLoss&);

}  // namespace lstm_native
