#include "core/training/losses/loss.hpp"

#include <cmath>
#include <string>

#include "core/base/message_text.hpp"
#include "core/training/losses/loss_list.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
std::unique_ptr<Loss<T>> make_loss(const LossSpec& spec) {
  return std::visit([](const auto& options) { return new_loss<T>(options); }, spec.options);
}

template <class T>
const T* weights_within(const LossOutput<T>& output, const T* weights, Workspace& workspace) {
  if (!output.lengths || !output.timesteps) return weights;
  T* out = workspace.take<T>(output.rows());
  for (Index i = 0; i < output.samples; ++i)
    for (Index t = 0; t < output.timesteps; ++t) {
      const Index row = i * output.timesteps + t;
      out[row] = t >= output.lengths[i] ? T(0) : weights ? weights[row] : T(1);
    }
  return out;
}

template <class T>
void check_weights(Index rows, const T* weights) {
  if (!weights) return;
  for (Index r = 0; r < rows; ++r)
    if (!(weights[r] >= 0) || !std::isfinite(weights[r]))
      throw InvalidArgument("weights: expected finite values >= 0, got " +
                            number_text(static_cast<double>(weights[r])) + " in row " +
                            std::to_string(r));
}

template <class T>
RowWeights<T>::RowWeights(Index rows, const T* weights, double mean_weight) : weights_(weights) {
  Index counting = 0;
  for (Index r = 0; r < rows; ++r) {
    const double weight = of(r);
    total += weight;
    counting += weight > 0;
  }
  whole = mean_weight > 0 ? static_cast<double>(counting) * mean_weight : total;
}

TargetShape target_shape(const LossSpec& loss, Index output_features) {
  return make_loss<double>(loss)->target_shape(output_features);
}

template std::unique_ptr<Loss<float>> make_loss(const LossSpec&);
template std::unique_ptr<Loss<double>> make_loss(const LossSpec&);
template const float* weights_within(const LossOutput<float>&, const float*, Workspace&);
template const double* weights_within(const LossOutput<double>&, const double*, Workspace&);
template void check_weights(Index, const float*);
template void check_weights(Index, const double*);
template struct RowWeights<float>;
template struct RowWeights<double>;

}  // namespace lstm_native
