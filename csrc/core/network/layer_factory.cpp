// From specs to layers, and the checks at a layer's door.
#include "core/network/layer_factory.hpp"
#include "core/base/float_mode.hpp"
#include "core/conv_lstm/conv_lstm.hpp"
#include "core/layers/activation.hpp"
#include "core/layers/activity_regularization.hpp"
#include "core/layers/dense.hpp"
#include "core/layers/dropout.hpp"
#include "core/layers/embedding.hpp"
#include "core/layers/layer_normalization.hpp"
#include "core/network/highway.hpp"
#include "core/network/residual.hpp"
#include "core/recurrent/recurrent_layer.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
std::shared_ptr<Layer<T>> make_layer(const LayerSpec& spec, Index input_features, WeightSeed seed) {
  const FloatMode mode;  // weights are drawn
  validate(spec);
  if (const auto* s = std::get_if<EmbeddingSpec>(&spec.options))
    return std::make_shared<EmbeddingLayer<T>>(*s, seed);
  parameter_count({spec}, input_features);  // refuses sizes whose product overflows
  if (is_recurrent(spec)) return std::make_shared<RecurrentLayer<T>>(spec, input_features, seed);
  if (const auto* s = std::get_if<DenseSpec>(&spec.options))
    return std::make_shared<DenseLayer<T>>(*s, input_features, seed);
  if (const auto* s = std::get_if<DropoutSpec>(&spec.options))
    return std::make_shared<DropoutLayer<T>>(*s, input_features);
  if (const auto* s = std::get_if<LayerNormSpec>(&spec.options))
    return std::make_shared<LayerNormLayer<T>>(*s, input_features);
  if (const auto* s = std::get_if<ActivationSpec>(&spec.options))
    return std::make_shared<ActivationLayer<T>>(*s, input_features);
  if (const auto* s = std::get_if<ActivityRegularizationSpec>(&spec.options))
    return std::make_shared<ActivityRegularizationLayer<T>>(*s, input_features);
  if (const auto* s = std::get_if<ConvLSTMSpec>(&spec.options))
    return std::make_shared<ConvLSTMLayer<T>>(*s, input_features, seed);
  if (const auto* s = std::get_if<ResidualSpec>(&spec.options))
    return std::make_shared<ResidualLayer<T>>(*s, input_features, seed);
  return std::make_shared<HighwayLayer<T>>(std::get<HighwaySpec>(spec.options), input_features,
                                           seed);
}

template <class T>
std::shared_ptr<Layer<T>> make_layer(const LayerSpec& spec, const std::vector<Index>& features,
                                     WeightSeed seed) {
  return make_layer<T>(spec, features.front(), seed);
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

template std::shared_ptr<Layer<float>> make_layer(const LayerSpec&, Index, WeightSeed);
template std::shared_ptr<Layer<double>> make_layer(const LayerSpec&, Index, WeightSeed);
template std::shared_ptr<Layer<float>> make_layer(const LayerSpec&, const std::vector<Index>&,
                                                  WeightSeed);
template std::shared_ptr<Layer<double>> make_layer(const LayerSpec&, const std::vector<Index>&,
                                                   WeightSeed);
template void check_shape(const SequenceLayer<float>&, const Batch<float>&);
template void check_shape(const SequenceLayer<double>&, const Batch<double>&);
template void check_input(const SequenceLayer<float>&, const Batch<float>&);
template void check_input(const SequenceLayer<double>&, const Batch<double>&);

}  // namespace lstm_native
