// From specs to layers, and the checks at a layer's door.
#include "core/network/layer_factory.hpp"

#include <tuple>
#include <type_traits>
#include <variant>

#include "core/attention/attending_layer.hpp"
#include "core/attention/attention_layer.hpp"
#include "core/base/float_mode.hpp"
#include "core/conv_lstm/conv_lstm.hpp"
#include "core/layers/activation.hpp"
#include "core/layers/activity_regularization.hpp"
#include "core/layers/batch_normalization.hpp"
#include "core/layers/convolution.hpp"
#include "core/layers/dense.hpp"
#include "core/layers/dot.hpp"
#include "core/layers/dropout.hpp"
#include "core/layers/embedding.hpp"
#include "core/layers/gaussian_sample.hpp"
#include "core/layers/layer_normalization.hpp"
#include "core/layers/masking.hpp"
#include "core/layers/merge.hpp"
#include "core/layers/repeat.hpp"
#include "core/layers/reshape.hpp"
#include "core/layers/reverse.hpp"
#include "core/layers/scale.hpp"
#include "core/layers/time_pooling.hpp"
#include "core/layers/window_pooling.hpp"
#include "core/network/bidirectional.hpp"
#include "core/network/highway.hpp"
#include "core/network/residual.hpp"
#include "core/recurrent/recurrent_layer.hpp"
#include "core/specs/layer_kinds.hpp"
#include "core/specs/parameter_count.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class Spec, template <class> class Class>
struct RunBy {};

/// Which class runs the layers of a spec: one line for each. Those that begin with RecurrentOptions
/// need none, for RecurrentLayer runs whatever cell plan_of describes.
using LayerClasses = std::tuple<                                     //
    RunBy<DenseSpec, DenseLayer>,                                    //
    RunBy<EmbeddingSpec, EmbeddingLayer>,                            //
    RunBy<DropoutSpec, DropoutLayer>,                                //
    RunBy<GaussianSampleSpec, GaussianSampleLayer>,                  //
    RunBy<LayerNormSpec, LayerNormLayer>,                            //
    RunBy<ActivationSpec, ActivationLayer>,                          //
    RunBy<ScaleSpec, ScaleLayer>,                                    //
    RunBy<ActivityRegularizationSpec, ActivityRegularizationLayer>,  //
    RunBy<Conv1DSpec, Conv1DLayer>,                                  //
    RunBy<MaxPool1DSpec, MaxPool1DLayer>,                            //
    RunBy<MeanPool1DSpec, MeanPool1DLayer>,                          //
    RunBy<LastSpec, LastLayer>,                                      //
    RunBy<MaxPoolSpec, MaxPoolLayer>,                                //
    RunBy<MeanPoolSpec, MeanPoolLayer>,                              //
    RunBy<RepeatSpec, RepeatLayer>,                                  //
    RunBy<ReshapeSpec, ReshapeLayer>,                                //
    RunBy<FlattenSpec, FlattenLayer>,                                //
    RunBy<BatchNormSpec, BatchNormLayer>,                            //
    RunBy<MaskingSpec, MaskingLayer>,                                //
    RunBy<ConcatSpec, ConcatLayer>,                                  //
    RunBy<AddSpec, AddLayer>,                                        //
    RunBy<MultiplySpec, MultiplyLayer>,                              //
    RunBy<AverageSpec, AverageLayer>,                                //
    RunBy<DotSpec, DotLayer>,                                        //
    RunBy<ReverseSpec, ReverseLayer>,                                //
    RunBy<BidirectionalSpec, BidirectionalLayer>,                    //
    RunBy<ConvLSTMSpec, ConvLSTMLayer>,                              //
    RunBy<AttentionSpec, AttentionLayer>,                            //
    RunBy<AttentionLSTMSpec, AttendingLayer>,                        //
    RunBy<AttentionGRUSpec, AttendingLayer>,                         //
    RunBy<HighwaySpec, HighwayLayer>,                                //
    RunBy<ResidualSpec, ResidualLayer>>;

/// Looks a spec up in a list of RunBy.
template <class Spec, class List>
struct Find {
  static constexpr bool found = false;
};
template <class Spec, template <class> class Class, class... Rest>
struct Find<Spec, std::tuple<RunBy<Spec, Class>, Rest...>> {
  static constexpr bool found = true;
  template <class T>
  using ClassFor = Class<T>;
};
template <class Spec, class Other, class... Rest>
struct Find<Spec, std::tuple<Other, Rest...>> : Find<Spec, std::tuple<Rest...>> {};

template <class Spec>
using LayerClass = std::conditional_t<std::is_base_of_v<RecurrentOptions, Spec>,
                                      Find<Spec, std::tuple<RunBy<Spec, RecurrentLayer>>>,
                                      Find<Spec, LayerClasses>>;

/// A constructor asks for what the layer needs: the features of all inputs or of the only one, and
/// a seed where weights are drawn.
template <class T, class Spec>
std::shared_ptr<Layer<T>> make(const Spec& spec, const InputFeatures& in, WeightSeed seed) {
  static_assert(LayerClass<Spec>::found,
                "a spec of LayerSpec::Options has no line in LayerClasses");
  using Class = typename LayerClass<Spec>::template ClassFor<T>;
  if constexpr (std::is_constructible_v<Class, const Spec&, const InputFeatures&, WeightSeed>)
    return std::make_shared<Class>(spec, in, seed);
  else if constexpr (std::is_constructible_v<Class, const Spec&, const InputFeatures&>)
    return std::make_shared<Class>(spec, in);
  else if constexpr (std::is_constructible_v<Class, const Spec&, Index, WeightSeed>)
    return std::make_shared<Class>(spec, in[0], seed);
  else if constexpr (LayerKind<Spec>::takes_tokens)
    return std::make_shared<Class>(spec, seed);
  else
    return std::make_shared<Class>(spec, in[0]);
}

}  // namespace

template <class T>
std::shared_ptr<Layer<T>> make_layer(const LayerSpec& spec, const InputFeatures& input_features,
                                     WeightSeed seed) {
  const FloatMode mode;  // weights are drawn
  validate(spec);
  count_layer(spec, input_features);  // refuses sizes whose product overflows
  return std::visit([&](const auto& s) { return make<T>(s, input_features, seed); }, spec.options);
}

template <class T>
std::shared_ptr<SequenceLayer<T>> make_layer(const LayerSpec& spec, Index input_features,
                                             WeightSeed seed) {
  const auto layer = make_layer<T>(spec, InputFeatures{input_features}, seed);
  if (auto sequence = std::dynamic_pointer_cast<SequenceLayer<T>>(layer)) return sequence;
  throw InvalidArgument("layers: expected layers of one input and one output, got " +
                        std::string(layer_name(spec)));
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
  const Index vocabulary = layer.vocabulary();
  const Index steps = rows_of(1, x.timesteps);
  for (Index i = 0; i < x.samples * steps; ++i) {
    if (x.lengths && i % steps >= x.lengths[i / steps]) continue;  // padding may hold anything
    if (x.tokens[i] < 0 || x.tokens[i] >= vocabulary)
      throw InvalidArgument("x: expected tokens from 0 to " + std::to_string(vocabulary - 1) +
                            ", got " + std::to_string(x.tokens[i]) + " at position " +
                            std::to_string(i));
  }
}

template std::shared_ptr<Layer<float>> make_layer(const LayerSpec&, const InputFeatures&,
                                                  WeightSeed);
template std::shared_ptr<SequenceLayer<float>> make_layer(const LayerSpec&, Index, WeightSeed);
template std::shared_ptr<Layer<double>> make_layer(const LayerSpec&, const InputFeatures&,
                                                   WeightSeed);
template std::shared_ptr<SequenceLayer<double>> make_layer(const LayerSpec&, Index, WeightSeed);
template void check_shape(const SequenceLayer<float>&, const Batch<float>&);
template void check_shape(const SequenceLayer<double>&, const Batch<double>&);
template void check_input(const SequenceLayer<float>&, const Batch<float>&);
template void check_input(const SequenceLayer<double>&, const Batch<double>&);

}  // namespace lstm_native
