#include "core/network/highway.hpp"

#include <algorithm>

#include "core/base/random.hpp"
#include "core/network/graph_stream.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
HighwayLayer<T>::HighwayLayer(const HighwaySpec& spec, Index inputs, WeightSeed seed)
    : Container<T>(spec.layers, inputs, derive_seed(seed, 0)),
      spec_(spec),
      linear_(spec.window * inputs, this->output_features(), true, derive_seed(seed, 1)) {}

template <class T>
OutputShape HighwayLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < spec_.window)
    throw InvalidArgument("Highway: expected at least " + std::to_string(spec_.window) +
                          " timesteps (its window), got " + std::to_string(timesteps));
  const OutputShape shape = this->inner().output_shape(timesteps);
  if (shape.timesteps != 0)
    throw InvalidArgument(
        "Highway: expected inner layers that end without a time axis (such as "
        "LSTM(return_sequences=False)), got one of " +
        std::to_string(shape.timesteps) + " steps");
  return shape;
}

template <class T>
class HighwayLayer<T>::HighwayTape final : public SequenceTape<T> {
 public:
  HighwayTape(const HighwayLayer& layer, const Batch<T>& x, std::unique_ptr<GraphTape<T>> inner)
      : layer_(layer), x_(x), inner_(std::move(inner)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    constexpr int kOwnParameters = 2;
    inner_->backward(&dy, &dx, gradients + kOwnParameters, workspace);
    layer_.linear_.backward(x_.samples, layer_.windows(x_.values, x_.timesteps),
                            {dy, layer_.linear_.outputs()}, layer_.windows(dx, x_.timesteps),
                            /*accumulate=*/true, gradients, workspace);
  }

 private:
  const HighwayLayer& layer_;
  Batch<T> x_;
  std::unique_ptr<GraphTape<T>> inner_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> HighwayLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                          const Pass& pass) const {
  const Index size = x.samples * linear_.outputs();
  std::unique_ptr<GraphTape<T>> inner;
  const T* beside = this->run_inner(x, size, y, pass, inner);
  if (beside != y) std::copy_n(beside, size, y);
  linear_.forward(x.samples, windows(x.values, x.timesteps), {y, linear_.outputs()},
                  /*accumulate=*/true);
  if (!pass.remember) return nullptr;
  return std::make_unique<HighwayTape>(*this, x, std::move(inner));
}

template <class T>
std::unique_ptr<LayerStream<T>> HighwayLayer<T>::stream(Index) const {
  throw InvalidArgument("Highway: cannot be streamed: its first output needs a whole window of " +
                        std::to_string(spec_.window) + " steps");
}

template class HighwayLayer<float>;
template class HighwayLayer<double>;

}  // namespace lstm_native
