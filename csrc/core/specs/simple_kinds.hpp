// The kinds of layers without recurrence: their fields, and what is known of them.
#pragma once

#include "core/specs/activation_names.hpp"
#include "core/specs/layer_kind.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/simple_layers.hpp"

namespace lstm_native {

template <class Visitor>
void fields(Visitor& v, const DenseSpec&) {
  v.required("units", &DenseSpec::units, integers(1, kMaxWidth));
  v.always("activation", &DenseSpec::activation, kActivations);
  v.always("bias", &DenseSpec::bias);
  v.always("tied", &DenseSpec::tied);
}

template <>
struct LayerKind<DenseSpec> : CommonKind {
  static constexpr const char* type = "dense";
  static constexpr const char* name = "Dense";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static void check(const DenseSpec& spec, const LayerPlace& place) {
    if (spec.tied && place.depth > 0)
      refuse(place.path + ".tied", "false inside another layer", "true");
  }
  static LayerCount count(const DenseSpec& spec, const InputFeatures& in) {
    const Index weights = spec.tied ? 0 : multiply_sizes(spec.units, in[0]);
    return {add_sizes(weights, spec.bias ? spec.units : 0),
            (spec.tied ? 0 : 1) + (spec.bias ? 1 : 0), spec.units};
  }
};

template <class Visitor>
void fields(Visitor& v, const EmbeddingSpec&) {
  v.required("vocabulary", &EmbeddingSpec::vocabulary, integers(1, kMaxVocabulary));
  v.required("features", &EmbeddingSpec::features, integers(1, kMaxWidth));
}

template <>
struct LayerKind<EmbeddingSpec> : CommonKind {
  static constexpr const char* type = "embedding";
  static constexpr const char* name = "Embedding";
  static constexpr OverTime over_time = OverTime::step_by_step;
  static constexpr bool takes_tokens = true;

  static LayerCount count(const EmbeddingSpec& spec, const InputFeatures&) {
    return {multiply_sizes(spec.vocabulary, spec.features), 1, spec.features};
  }
};

template <class Visitor>
void fields(Visitor& v, const DropoutSpec&) {
  v.required("rate", &DropoutSpec::rate, fractions());
}

template <>
struct LayerKind<DropoutSpec> : CommonKind {
  static constexpr const char* type = "dropout";
  static constexpr const char* name = "Dropout";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static LayerCount count(const DropoutSpec&, const InputFeatures& in) { return {0, 0, in[0]}; }
};

template <class Visitor>
void fields(Visitor&, const GaussianSampleSpec&) {}

template <>
struct LayerKind<GaussianSampleSpec> : CommonKind {
  static constexpr const char* type = "gaussian_sample";
  static constexpr const char* name = "GaussianSample";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static LayerCount count(const GaussianSampleSpec&, const InputFeatures& in) {
    return {0, 0, in[0] / 2};
  }
};

template <class Visitor>
void fields(Visitor& v, const LayerNormSpec&) {
  v.always("epsilon", &LayerNormSpec::epsilon, positive());
}

template <>
struct LayerKind<LayerNormSpec> : CommonKind {
  static constexpr const char* type = "layer_norm";
  static constexpr const char* name = "LayerNorm";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static LayerCount count(const LayerNormSpec&, const InputFeatures& in) {
    return {multiply_sizes(2, in[0]), 2, in[0]};
  }
};

template <class Visitor>
void fields(Visitor& v, const ActivationSpec&) {
  v.required("activation", &ActivationSpec::activation, kActivations);
}

template <>
struct LayerKind<ActivationSpec> : CommonKind {
  static constexpr const char* type = "activation";
  static constexpr const char* name = "Activation";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static LayerCount count(const ActivationSpec&, const InputFeatures& in) { return {0, 0, in[0]}; }
};

template <class Visitor>
void fields(Visitor& v, const ScaleSpec&) {
  v.always("factor", &ScaleSpec::factor, finite_numbers());
  v.always("offset", &ScaleSpec::offset, finite_numbers());
}

template <>
struct LayerKind<ScaleSpec> : CommonKind {
  static constexpr const char* type = "scale";
  static constexpr const char* name = "Scale";
  static constexpr OverTime over_time = OverTime::step_by_step;

  static LayerCount count(const ScaleSpec&, const InputFeatures& in) { return {0, 0, in[0]}; }
};

template <class Visitor>
void fields(Visitor& v, const ActivityRegularizationSpec&) {
  v.always("activity", &ActivityRegularizationSpec::activity, not_negative());
  v.always("temporal", &ActivityRegularizationSpec::temporal, not_negative());
}

template <>
struct LayerKind<ActivityRegularizationSpec> : CommonKind {
  static constexpr const char* type = "activity_regularization";
  static constexpr const char* name = "ActivityRegularization";
  // The output's; that the penalty looks at differences of steps changes nothing of it.
  static constexpr OverTime over_time = OverTime::step_by_step;

  static LayerCount count(const ActivityRegularizationSpec&, const InputFeatures& in) {
    return {0, 0, in[0]};
  }
};

}  // namespace lstm_native
