#include "core/layers/repeat.hpp"

#include <algorithm>

#include "core/layers/layer_stream.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
OutputShape RepeatLayer<T>::output_shape(Index timesteps) const {
  if (timesteps != 0)
    throw InvalidArgument("Repeat: expected an input without time axis, got one of " +
                          std::to_string(timesteps) + " steps");
  return {spec_.times, features_};
}

template <class T>
class RepeatLayer<T>::RepeatTape final : public SequenceTape<T> {
 public:
  RepeatTape(Index samples, Index times, Index features)
      : samples_(samples), times_(times), features_(features) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    for (Index n = 0; n < samples_; ++n, dx += features_) {
      std::copy_n(dy, features_, dx);
      dy += features_;
      for (Index t = 1; t < times_; ++t, dy += features_)
        for (Index i = 0; i < features_; ++i) dx[i] += dy[i];
    }
  }

 private:
  Index samples_, times_, features_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> RepeatLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                         const Pass& pass) const {
  for (Index n = 0; n < x.samples; ++n)
    for (Index t = 0; t < spec_.times; ++t) y = std::copy_n(x.values + n * features_, features_, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<RepeatTape>(x.samples, spec_.times, features_);
}

template <class T>
std::unique_ptr<LayerStream<T>> RepeatLayer<T>::stream(Index) const {
  throw InvalidArgument("Repeat: cannot be streamed: it makes many steps of one");
}

template class RepeatLayer<float>;
template class RepeatLayer<double>;

}  // namespace lstm_native
