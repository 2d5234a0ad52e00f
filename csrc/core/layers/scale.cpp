#include "core/layers/scale.hpp"

#include <algorithm>

#include "core/layers/layer_stream.hpp"

namespace lstm_native {
namespace {

template <class T>
void scale(const ScaleSpec& spec, const T* x, Index count, T* y) {
  const auto factor = static_cast<T>(spec.factor), offset = static_cast<T>(spec.offset);
  std::transform(x, x + count, y, [=](T value) { return factor * value + offset; });
}

}  // namespace

template <class T>
class ScaleLayer<T>::ScaleTape final : public SequenceTape<T> {
 public:
  ScaleTape(double factor, Index count) : factor_(static_cast<T>(factor)), count_(count) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (dx) std::transform(dy, dy + count_, dx, [this](T value) { return factor_ * value; });
  }

 private:
  T factor_;
  Index count_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> ScaleLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                        const Pass& pass) const {
  const Index count = rows_of(x.samples, x.timesteps) * features_;
  scale(spec_, x.values, count, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<ScaleTape>(spec_.factor, count);
}

template <class T>
class ScaleLayer<T>::ScaleStream final : public SequenceStream<T> {
 public:
  ScaleStream(const ScaleSpec& spec, Index features) : spec_(spec), features_(features) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    scale(spec_, x.values, x.samples * features_, y);
  }

 private:
  ScaleSpec spec_;
  Index features_;
};

template <class T>
std::unique_ptr<LayerStream<T>> ScaleLayer<T>::stream(Index) const {
  return std::make_unique<ScaleStream>(spec_, features_);
}

template class ScaleLayer<float>;
template class ScaleLayer<double>;

}  // namespace lstm_native
