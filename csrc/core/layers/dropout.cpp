#include "core/layers/dropout.hpp"

#include <algorithm>

#include "core/layers/pointwise_stream.hpp"
#include "core/numeric/dropout_mask.hpp"

namespace lstm_native {

template <class T>
class DropoutLayer<T>::DropoutTape final : public SequenceTape<T> {
 public:
  DropoutTape(double rate, std::uint64_t seed, Index rows, Index features)
      : rate_(rate), seed_(seed), rows_(rows), features_(features) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (dx) apply_dropout<T>(rate_, seed_, rows_, features_, {dy, features_}, {dx, features_});
  }

 private:
  double rate_;
  std::uint64_t seed_;
  Index rows_, features_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> DropoutLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                          const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  const double rate = pass.training ? spec_.rate : 0.0;
  if (rate > 0)
    apply_dropout<T>(rate, pass.seed, rows, features_, {x.values, features_}, {y, features_});
  else
    std::copy_n(x.values, rows * features_, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<DropoutTape>(rate, pass.seed, rows, features_);
}

template <class T>
std::unique_ptr<LayerStream<T>> DropoutLayer<T>::stream(Index) const {
  return pass_through_stream<T>(features_);
}

template class DropoutLayer<float>;
template class DropoutLayer<double>;

}  // namespace lstm_native
