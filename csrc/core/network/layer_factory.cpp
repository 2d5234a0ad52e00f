// From specs to layers, and the checks at a layer's door.
#include "core/network/layer_factory.hpp"

#include <tuple>
#include <type_traits>
#include <variant>

#include "core/base/float_mode.hpp"
#include "core/conv_lstm/conv_lstm.hpp"
#include "core/layers/activation.hpp"
#include "core/layers/activity_regularization.hpp"
#include "core/layers/batch_normalization.hpp"
#include "core/layers/convolution.hpp"
#include "core/layers/dense.hpp"
#include "core/layers/dropout.hpp"
#include "core/layers/embedding.hpp"
#include "core/layers/layer_normalization.hpp"
#include "core/layers/masking.hpp"
#include "core/layers/repeat.hpp"
#include "core/layers/reshape.hpp"
#include "core/layers/time_pooling.hpp"
#include "core/layers/window_pooling.hpp"
#include "core/network/highway.hpp"
#include "core/network/residual.hpp"
#include "core/recurrent/recurrent_layer.hpp"
#include "core/specs/layer_kinds.hpp"
#include "core/specs/parameter_count.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

namespace {

template <class Spec, template <class> class Layer>
struct Runs {};

/// Which class runs the layers of a spec: one line for each. Those that begin with RecurrentOptions
/// need none, for RecurrentLayer runs whatever cell plan_of describes.
using LayerClasses =
    std::tuple<Runs<DenseSpec, DenseLayer>, Runs<EmbeddingSpec, EmbeddingLayer>,
               Runs<DropoutSpec, DropoutLayer>, Runs<LayerNormSpec, LayerNormLayer>,
               Runs<ActivationSpec, ActivationLayer>,
               Runs<ActivityRegularizationSpec, ActivityRegularizationLayer>,
               Runs<Conv1DSpec, Conv1DLayer>, Runs<MaxPool1DSpec, MaxPool1DLayer>,
               Runs<MeanPool1DSpec, MeanPool1DLayer>, Runs<LastSpec, LastLayer>,
               Runs<MaxPoolSpec, MaxPoolLayer>, Runs<MeanPoolSpec, MeanPoolLayer>,
               Runs<RepeatSpec, RepeatLayer>, Runs<ReshapeSpec, ReshapeLayer>,
               Runs<FlattenSpec, FlattenLayer>, Runs<BatchNormSpec, BatchNormLayer>,
               Runs<MaskingSpec, MaskingLayer>, Runs<ConvLSTMSpec, ConvLSTMLayer>,
               Runs<HighwaySpec, HighwayLayer>, Runs<ResidualSpec, ResidualLayer>>;

/// Entry::Class<T> for a spec, or a failure to compile.
template <class Spec, class List>
struct EntryOf {
  static constexpr bool found = false;
};
template <class Spec, template <class> class Layer, class... Rest>
struct EntryOf<Spec, std::tuple<Runs<Spec, Layer>, Rest...>> {
  static constexpr bool found = true;
  template <class T>
  using Class = Layer<T>;
};
template <class Spec, class First, class... Rest>
struct EntryOf<Spec, std::tuple<First, Rest...>> : EntryOf<Spec, std::tuple<Rest...>> {};

template <class Spec>
using Entry =
    EntryOf<Spec, std::conditional_t<std::is_base_of_v<RecurrentOptions, Spec>,
                                     std::tuple<Runs<Spec, RecurrentLayer>>, LayerClasses>>;

template <class T, class Spec>
std::shared_ptr<SequenceLayer<T>> make(const Spec& spec, Index input_features, WeightSeed seed) {
  if constexpr (std::is_base_of_v<MergingKind, LayerKind<Spec>>)
    throw InvalidArgument("several inputs");
  else {
    static_assert(Entry<Spec>::found, "a spec of LayerSpec::Options has no line in LayerClasses");
    using Class = typename Entry<Spec>::template Class<T>;
    // What a layer does not need, its constructor does not ask for.
    if constexpr (std::is_constructible_v<Class, const Spec&, Index, WeightSeed>)
      return std::make_shared<Class>(spec, input_features, seed);
    else if constexpr (LayerKind<Spec>::takes_tokens)
      return std::make_shared<Class>(spec, seed);
    else
      return std::make_shared<Class>(spec, input_features);
  }
}

}  // namespace

template <class T>
std::shared_ptr<SequenceLayer<T>> make_layer(const LayerSpec& spec, Index input_features,
                                             WeightSeed seed) {
  const FloatMode mode;  // weights are drawn
  validate(spec);
  count_layer(spec, {input_features});  // refuses sizes whose product overflows
  return std::visit([&](const auto& s) { return make<T>(s, input_features, seed); }, spec.options);
}

namespace {

void check_lengths(Index samples, Index timesteps, const Index* lengths) {
  if (!lengths) return;
  if (timesteps == 0)
    throw InvalidArgument("lengths: expected an input with a time axis, got one without");
  for (Index i = 0; i < samples; ++i)
    if (lengths[i] < 0 || lengths[i] > timesteps)
      throw InvalidArgument("lengths: expected 0 to " + std::to_string(timesteps) +
                            " (the timesteps of x), got " + std::to_string(lengths[i]) +
                            " for sequence " + std::to_string(i));
}

}  // namespace

template <class T>
void check_shape(const SequenceLayer<T>& layer, const Batch<T>& x) {
  if (x.samples < 1) throw InvalidArgument("x: expected at least one sample, got none");
  if (x.timesteps < 0)
    throw InvalidArgument("x: expected timesteps >= 0, got " + std::to_string(x.timesteps));
  check_lengths(x.samples, x.timesteps, x.lengths);
  if (layer.takes_tokens()) {
    if (!x.tokens) throw InvalidArgument("x: expected token indices, got values");
    return;
  }
  if (!x.values) throw InvalidArgument("x: expected values, got token indices");
  if (x.features != layer.input_features())
    throw InvalidArgument("x: expected " + std::to_string(layer.input_features()) +
                          " features, got " + std::to_string(x.features));
}

template <class T>
void check_input(const SequenceLayer<T>& layer, const Batch<T>& x) {
  check_shape(layer, x);
  if (!layer.takes_tokens()) return;
  const Index vocabulary = dynamic_cast<const EmbeddingLayer<T>&>(layer).vocabulary();
  const Index steps = rows_of(1, x.timesteps);
  for (Index i = 0; i < x.samples * steps; ++i) {
    if (x.lengths && i % steps >= x.lengths[i / steps]) continue;  // padding may hold anything
    if (x.tokens[i] < 0 || x.tokens[i] >= vocabulary)
      throw InvalidArgument("x: expected tokens from 0 to " + std::to_string(vocabulary - 1) +
                            ", got " + std::to_string(x.tokens[i]) + " at position " +
                            std::to_string(i));
  }
}

template std::shared_ptr<SequenceLayer<float>> make_layer(const LayerSpec&, Index, WeightSeed);
template std::shared_ptr<SequenceLayer<double>> make_layer(const LayerSpec&, Index, WeightSeed);
template void check_shape(const SequenceLayer<float>&, const Batch<float>&);
template void check_shape(const SequenceLayer<double>&, const Batch<double>&);
template void check_input(const SequenceLayer<float>&, const Batch<float>&);
template void check_input(const SequenceLayer<double>&, const Batch<double>&);

}  // namespace lstm_native
