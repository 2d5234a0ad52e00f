// The kinds of layers that move along the time axis or across it: their fields, and what is known
// of them.
#pragma once

#include "core/base/message_text.hpp"
#include "core/specs/activation_names.hpp"
#include "core/specs/layer_kind.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/step_layers.hpp"

namespace lstm_native {

inline constexpr NamedValue<Padding> kPaddings[] = {
    {"valid", Padding::valid}, {"same", Padding::same}, {"causal", Padding::causal}};
static_assert(in_order(kPaddings));

template <class Visitor>
void fields(Visitor& v, const Conv1DSpec&) {
  v.required("filters", &Conv1DSpec::filters, integers(1, kMaxWidth));
  v.required("kernel_size", &Conv1DSpec::kernel_size, integers(1, kMaxWidth));
  v.always("stride", &Conv1DSpec::stride, integers(1, kMaxWidth));
  v.always("dilation", &Conv1DSpec::dilation, integers(1, kMaxWidth));
  v.always("padding", &Conv1DSpec::padding, kPaddings);
  v.always("activation", &Conv1DSpec::activation, kActivations);
  v.always("bias", &Conv1DSpec::bias);
}

template <>
struct LayerKind<Conv1DSpec> : CommonKind {
  static constexpr const char* type = "conv1d";
  static constexpr const char* name = "Conv1D";
  static constexpr OverTime over_time = OverTime::sees_window;

  static LayerCount count(const Conv1DSpec& spec, const InputFeatures& in) {
    const Index weights = multiply_sizes(multiply_sizes(spec.filters, in[0]), spec.kernel_size);
    return {add_sizes(weights, spec.bias ? spec.filters : 0), 1 + (spec.bias ? 1 : 0),
            spec.filters};
  }
};

/// MaxPool1DSpec and MeanPool1DSpec.
template <class Visitor, class Spec>
void pool_fields(Visitor& v, const Spec&) {
  v.required("pool_size", &Spec::pool_size, integers(1, kMaxWidth));
  v.required("stride", &Spec::stride, integers(1, kMaxWidth));
  v.always("padding", &Spec::padding, kPaddings);
}
template <class Visitor>
void fields(Visitor& v, const MaxPool1DSpec& spec) {
  pool_fields(v, spec);
}
template <class Visitor>
void fields(Visitor& v, const MeanPool1DSpec& spec) {
  pool_fields(v, spec);
}

/// What holds for a layer without parameters that keeps the features.
struct PlainKind : CommonKind {
  template <class Spec>
  static LayerCount count(const Spec&, const InputFeatures& in) {
    return {0, 0, in[0]};
  }
};

/// The same of one that makes one step of several, or of all.
template <OverTime seen>
struct PooledKind : PlainKind {
  static constexpr OverTime over_time = seen;
};

template <>
struct LayerKind<MaxPool1DSpec> : PooledKind<OverTime::sees_window> {
  static constexpr const char* type = "max_pool1d";
  static constexpr const char* name = "MaxPool1D";
};

template <>
struct LayerKind<MeanPool1DSpec> : PooledKind<OverTime::sees_window> {
  static constexpr const char* type = "mean_pool1d";
  static constexpr const char* name = "MeanPool1D";
};

template <class Visitor>
void fields(Visitor&, const LastSpec&) {}
template <class Visitor>
void fields(Visitor&, const MaxPoolSpec&) {}
template <class Visitor>
void fields(Visitor&, const MeanPoolSpec&) {}

template <>
struct LayerKind<LastSpec> : PooledKind<OverTime::sees_all> {
  static constexpr const char* type = "last";
  static constexpr const char* name = "Last";
};

template <>
struct LayerKind<MaxPoolSpec> : PooledKind<OverTime::sees_all> {
  static constexpr const char* type = "max_pool";
  static constexpr const char* name = "MaxPool";
};

template <>
struct LayerKind<MeanPoolSpec> : PooledKind<OverTime::sees_all> {
  static constexpr const char* type = "mean_pool";
  static constexpr const char* name = "MeanPool";
};

template <class Visitor>
void fields(Visitor& v, const RepeatSpec&) {
  v.required("times", &RepeatSpec::times, integers(1, kMaxWidth));
}

template <>
struct LayerKind<RepeatSpec> : PlainKind {
  static constexpr const char* type = "repeat";
  static constexpr const char* name = "Repeat";
  static constexpr OverTime over_time = OverTime::sees_all;
};

template <class Visitor>
void fields(Visitor& v, const ReshapeSpec&) {
  v.required("timesteps", &ReshapeSpec::timesteps, integers(kOpenTimesteps, kMaxWidth));
  v.required("features", &ReshapeSpec::features, integers(1, kMaxWidth));
}

template <>
struct LayerKind<ReshapeSpec> : CommonKind {
  static constexpr const char* type = "reshape";
  static constexpr const char* name = "Reshape";
  static constexpr OverTime over_time = OverTime::sees_all;

  static LayerCount count(const ReshapeSpec& spec, const InputFeatures&) {
    return {0, 0, spec.features};
  }
};

template <class Visitor>
void fields(Visitor& v, const FlattenSpec&) {
  v.required("timesteps", &FlattenSpec::timesteps, integers(1, kMaxWidth));
}

template <>
struct LayerKind<FlattenSpec> : CommonKind {
  static constexpr const char* type = "flatten";
  static constexpr const char* name = "Flatten";
  static constexpr OverTime over_time = OverTime::sees_all;

  static LayerCount count(const FlattenSpec& spec, const InputFeatures& in) {
    return {0, 0, multiply_sizes(spec.timesteps, in[0])};
  }
};

template <class Visitor>
void fields(Visitor& v, const BatchNormSpec&) {
  v.always("momentum", &BatchNormSpec::momentum, not_negative());
  v.always("epsilon", &BatchNormSpec::epsilon, positive());
  v.always("scale", &BatchNormSpec::scale);
  v.always("center", &BatchNormSpec::center);
}

template <>
struct LayerKind<BatchNormSpec> : CommonKind {
  static constexpr const char* type = "batch_norm";
  static constexpr const char* name = "BatchNorm";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static void check(const BatchNormSpec& spec, const LayerPlace& place) {
    if (spec.momentum > 1.0)
      refuse(place.path + ".momentum", "0 <= value <= 1", number_text(spec.momentum));
  }
  static LayerCount count(const BatchNormSpec& spec, const InputFeatures& in) {
    const Index tensors = 2 + (spec.scale ? 1 : 0) + (spec.center ? 1 : 0);
    return {multiply_sizes(tensors, in[0]), tensors, in[0]};
  }
};

template <class Visitor>
void fields(Visitor& v, const MaskingSpec&) {
  v.always("value", &MaskingSpec::value, finite_numbers());
}

template <>
struct LayerKind<MaskingSpec> : PlainKind {
  static constexpr const char* type = "masking";
  static constexpr const char* name = "Masking";
  static constexpr OverTime over_time = OverTime::step_by_step;
};

template <class Visitor>
void fields(Visitor&, const ReverseSpec&) {}

template <>
struct LayerKind<ReverseSpec> : PlainKind {
  static constexpr const char* type = "reverse";
  static constexpr const char* name = "Reverse";
  static constexpr OverTime over_time = OverTime::sees_all;
};

}  // namespace lstm_native
