#include "core/layers/masking.hpp"

#include <algorithm>

#include "core/layers/pointwise_stream.hpp"
#include "core/layers/true_steps.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// The number of steps up to the last one that is not masked.
template <class T>
Index true_length(const T* x, Index steps, Index features, T value, Index sample) {
  const auto is_masked = [&](Index step) {
    return std::all_of(x + step * features, x + (step + 1) * features,
                       [&](T v) { return v == value; });
  };
  Index length = steps;
  while (length > 0 && is_masked(length - 1)) --length;
  for (Index step = 0; step < length; ++step)
    if (is_masked(step))
      throw InvalidArgument("Masking: expected masked steps at the end of a sequence alone, got " +
                            std::to_string(step) + " before " + std::to_string(length - 1) +
                            ", which is not masked, in sequence " + std::to_string(sample) +
                            "; a mask given beside x may have holes");
  return length;
}

}  // namespace

template <class T>
OutputShape MaskingLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < 1) throw InvalidArgument("Masking: expected an input with a time axis, got none");
  return {timesteps, features_};
}

template <class T>
const Index* MaskingLayer<T>::output_lengths(std::size_t, const Batch<T>* in,
                                             Workspace& workspace) const {
  const Batch<T>& x = in[0];
  const Index size = x.timesteps * features_;
  Index* found = workspace.take<Index>(x.samples);
  for (Index n = 0; n < x.samples; ++n)
    found[n] = true_length(x.values + n * size, true_rows(x, n), features_,
                           static_cast<T>(spec_.value), n);
  const bool whole =
      std::all_of(found, found + x.samples, [&](Index length) { return length == x.timesteps; });
  return whole ? nullptr : found;
}

template <class T>
class MaskingLayer<T>::MaskingTape final : public SequenceTape<T> {
 public:
  MaskingTape(const TrueSteps& steps, Index features) : steps_(steps), features_(features) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    std::copy_n(dy, steps_.samples * steps_.timesteps * features_, dx);
    steps_.clear_padding(dx, features_);
  }

 private:
  TrueSteps steps_;
  Index features_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> MaskingLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                          const Pass& pass) const {
  const TrueSteps steps{x.samples, x.timesteps, output_lengths(0, &x, pass.workspace)};
  std::copy_n(x.values, x.samples * x.timesteps * features_, y);
  steps.clear_padding(y, features_);
  if (!pass.remember) return nullptr;
  return std::make_unique<MaskingTape>(steps, features_);
}

template <class T>
std::unique_ptr<LayerStream<T>> MaskingLayer<T>::stream(Index) const {
  return pass_through_stream<T>(features_);
}

template class MaskingLayer<float>;
template class MaskingLayer<double>;

}  // namespace lstm_native
