#include "core/layers/activation.hpp"

#include <algorithm>

#include "core/layers/pointwise_stream.hpp"
#include "core/numeric/activations.hpp"

namespace lstm_native {

template <class T>
class ActivationLayer<T>::ActivationTape final : public SequenceTape<T> {
 public:
  ActivationTape(Activation kind, Index rows, Index features, const T* y)
      : kind_(kind), rows_(rows), features_(features), y_(y) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (dx) activate_backward(kind_, rows_, features_, y_, dy, dx);
  }

 private:
  Activation kind_;
  Index rows_, features_;
  const T* y_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> ActivationLayer<T>::forward(const Batch<T>& x, T* y,
                                                             const States<T>&,
                                                             const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  std::copy_n(x.values, rows * features_, y);
  const Activation activation = applied(spec_.activation, pass);
  activate(activation, rows, features_, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<ActivationTape>(activation, rows, features_, y);
}

template <class T>
std::unique_ptr<LayerStream<T>> ActivationLayer<T>::stream(Index) const {
  return std::make_unique<PointwiseStream<T>>(spec_.activation, features_);
}

template class ActivationLayer<float>;
template class ActivationLayer<double>;

}  // namespace lstm_native
