// What a layer is, as plain data. A network is built from a list of these.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "lstm_native/activation.hpp"
#include "lstm_native/attention_layers.hpp"
#include "lstm_native/composed_layers.hpp"
#include "lstm_native/conv_lstm.hpp"
#include "lstm_native/merging_layers.hpp"
#include "lstm_native/recurrent_layers.hpp"
#include "lstm_native/simple_layers.hpp"
#include "lstm_native/step_layers.hpp"

namespace lstm_native {

namespace detail {
template <class T, class Variant>
struct is_one_of;
template <class T, class... Known>
struct is_one_of<T, std::variant<Known...>> : std::disjunction<std::is_same<T, Known>...> {};
}  // namespace detail

/// Any layer; made of one of them, as in Network<float>({lstm, dense}, 1).
struct LayerSpec {
  using Options = std::variant<
      LSTMSpec, GRUSpec, RNNSpec, MinLSTMSpec, MinGRUSpec, DenseSpec, EmbeddingSpec, DropoutSpec,
      LayerNormSpec, ActivationSpec, HighwaySpec, ActivityRegularizationSpec, ResidualSpec,
      ConvLSTMSpec, Conv1DSpec, MaxPool1DSpec, MeanPool1DSpec, LastSpec, MaxPoolSpec, MeanPoolSpec,
      RepeatSpec, ReshapeSpec, FlattenSpec, BatchNormSpec, MaskingSpec, ConcatSpec, AddSpec,
      MultiplySpec, AverageSpec, DotSpec, ReverseSpec, BidirectionalSpec, AttentionSpec,
      AttentionLSTMSpec, AttentionGRUSpec, GaussianSampleSpec, ScaleSpec>;
  Options options;

  LayerSpec() = default;
  LayerSpec(Options any) : options(std::move(any)) {}
  template <class Spec, class = std::enable_if_t<detail::is_one_of<Spec, Options>::value>>
  LayerSpec(Spec spec) : options(std::move(spec)) {}
};

}  // namespace lstm_native
