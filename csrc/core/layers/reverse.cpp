#include "core/layers/reverse.hpp"

#include <algorithm>

#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// to: the true steps of `from` in the opposite order, zeros behind them.
template <class T>
void reverse_steps(const Batch<T>& x, const T* from, T* to) {
  const Index features = x.features, size = rows_of(1, x.timesteps) * features;
  for (Index n = 0; n < x.samples; ++n, from += size, to += size) {
    const Index steps = true_rows(x, n);
    for (Index t = 0; t < steps; ++t)
      std::copy_n(from + (steps - 1 - t) * features, features, to + t * features);
    std::fill(to + steps * features, to + size, T(0));
  }
}

}  // namespace

template <class T>
class ReverseLayer<T>::ReverseTape final : public SequenceTape<T> {
 public:
  explicit ReverseTape(const Batch<T>& x) : x_(x) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (dx) reverse_steps(x_, dy, dx);
  }

 private:
  Batch<T> x_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> ReverseLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                          const Pass& pass) const {
  reverse_steps(x, x.values, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<ReverseTape>(x);
}

template <class T>
std::unique_ptr<LayerStream<T>> ReverseLayer<T>::stream(Index) const {
  throw InvalidArgument("Reverse: cannot be streamed: it begins with the last step");
}

template class ReverseLayer<float>;
template class ReverseLayer<double>;

}  // namespace lstm_native
