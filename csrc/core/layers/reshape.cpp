#include "core/layers/reshape.hpp"

#include <algorithm>
#include <type_traits>

#include "core/layers/pointwise_stream.hpp"
#include "core/layers/true_steps.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class Spec>
constexpr bool kFlattens = std::is_same_v<Spec, FlattenSpec>;

std::string text_of(Index timesteps, Index features) {
  if (timesteps == 0) return "(N, " + std::to_string(features) + ")";
  return "(N, " + (timesteps == kOpenTimesteps ? "T" : std::to_string(timesteps)) + ", " +
         std::to_string(features) + ")";
}

}  // namespace

template <class T, class Spec>
ShapeLayer<T, Spec>::ShapeLayer(const Spec& spec, Index features)
    : spec_(spec), features_(features) {
  if constexpr (!kFlattens<Spec>) {
    if (spec.timesteps == kOpenTimesteps || features < 1) return;
    if (rows_of(1, spec.timesteps) * spec.features % features != 0)
      throw InvalidArgument("Reshape: expected values for " +
                            text_of(spec.timesteps, spec.features) + ", got rows of " +
                            std::to_string(features) + ", of which no number makes them");
  }
}

template <class T, class Spec>
Index ShapeLayer<T, Spec>::output_features() const {
  if constexpr (kFlattens<Spec>)
    return spec_.timesteps * features_;
  else
    return spec_.features;
}

template <class T, class Spec>
Index ShapeLayer<T, Spec>::parts() const {
  if constexpr (kFlattens<Spec>)
    return 0;
  else
    return spec_.timesteps == kOpenTimesteps && features_ % spec_.features == 0
               ? features_ / spec_.features
               : 0;
}

template <class T, class Spec>
OutputShape ShapeLayer<T, Spec>::output_shape(Index timesteps) const {
  if constexpr (kFlattens<Spec>) {
    if (timesteps != spec_.timesteps)
      throw InvalidArgument("Flatten: expected " + std::to_string(spec_.timesteps) +
                            " timesteps, got " +
                            (timesteps ? std::to_string(timesteps) : "no time axis"));
    return {0, output_features()};
  } else {
    const Index values = rows_of(1, timesteps) * features_;
    const Index steps =
        spec_.timesteps == kOpenTimesteps ? values / spec_.features : spec_.timesteps;
    if (rows_of(1, steps) * spec_.features != values || (steps == 0 && spec_.timesteps != 0))
      throw InvalidArgument("Reshape: expected values for " +
                            text_of(spec_.timesteps, spec_.features) + ", got " +
                            text_of(timesteps, features_));
    return {steps, spec_.features};
  }
}

template <class T, class Spec>
const Index* ShapeLayer<T, Spec>::output_lengths(std::size_t, const Batch<T>* in,
                                                 Workspace& workspace) const {
  if (!in[0].lengths || parts() == 0) return nullptr;
  Index* found = workspace.take<Index>(in[0].samples);
  for (Index i = 0; i < in[0].samples; ++i) found[i] = in[0].lengths[i] * parts();
  return found;
}

template <class T, class Spec>
class ShapeLayer<T, Spec>::ReshapeTape final : public SequenceTape<T> {
 public:
  explicit ReshapeTape(const Batch<T>& x) : x_(x) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    std::copy_n(dy, rows_of(x_.samples, x_.timesteps) * x_.features, dx);
    TrueSteps{x_.samples, x_.timesteps, x_.lengths}.clear_padding(dx, x_.features);
  }

 private:
  Batch<T> x_;
};

template <class T, class Spec>
std::unique_ptr<SequenceTape<T>> ShapeLayer<T, Spec>::forward(const Batch<T>& x, T* y,
                                                              const States<T>&,
                                                              const Pass& pass) const {
  std::copy_n(x.values, rows_of(x.samples, x.timesteps) * x.features, y);
  TrueSteps{x.samples, x.timesteps, x.lengths}.clear_padding(y, x.features);
  if (!pass.remember) return nullptr;
  return std::make_unique<ReshapeTape>(x);
}

template <class T, class Spec>
std::unique_ptr<LayerStream<T>> ShapeLayer<T, Spec>::stream(Index) const {
  if (parts() == 1) return pass_through_stream<T>(features_);
  throw InvalidArgument(std::string(kFlattens<Spec> ? "Flatten" : "Reshape") +
                        ": cannot be streamed: it changes the number of steps");
}

template class ShapeLayer<float, ReshapeSpec>;
template class ShapeLayer<double, ReshapeSpec>;
template class ShapeLayer<float, FlattenSpec>;
template class ShapeLayer<double, FlattenSpec>;

}  // namespace lstm_native
