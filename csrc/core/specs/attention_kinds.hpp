// The kinds of layers that look at a memory: their fields, and what is known of them.
#pragma once

#include "core/specs/cell_plan.hpp"
#include "core/specs/layer_kind.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/attention_layers.hpp"

namespace lstm_native {

inline constexpr NamedValue<AttentionScore> kAttentionScores[] = {
    {"dot", AttentionScore::dot},
    {"general", AttentionScore::general},
    {"scaled_dot", AttentionScore::scaled_dot},
    {"additive", AttentionScore::additive}};
static_assert(in_order(kAttentionScores));

inline constexpr NamedValue<StepAttention> kStepAttentions[] = {
    {"bahdanau", StepAttention::bahdanau},
    {"luong", StepAttention::luong},
    {"window", StepAttention::window}};
static_assert(in_order(kStepAttentions));

/// Features of the memory. Throws InvalidArgument when there is none.
Index memory_features(const InputFeatures& in);

/// What a score adds, for queries and memories of so many features; `output_features` is not said.
LayerCount count_score(AttentionScore score, Index units, Index queries, Index memory);

template <class Visitor>
void fields(Visitor& v, const AttentionSpec&) {
  v.always("score", &AttentionSpec::score, kAttentionScores);
  v.optional("units", &AttentionSpec::units, integers(0, kMaxWidth));
  v.optional("num_heads", &AttentionSpec::num_heads, integers(1, kMaxWidth));
  v.optional("bias", &AttentionSpec::bias);
  v.optional("causal", &AttentionSpec::causal);
}

template <>
struct LayerKind<AttentionSpec> : CommonKind {
  static constexpr const char* type = "attention";
  static constexpr const char* name = "Attention";
  static constexpr OverTime over_time = OverTime::sees_all;

  static void check(const AttentionSpec& spec, const LayerPlace& place);
  static LayerCount count(const AttentionSpec& spec, const InputFeatures& in);
};

/// The fields of AttentionRecurrentOptions.
template <class Visitor>
void attention_fields(Visitor& v) {
  using Spec = AttentionRecurrentOptions;
  v.required("hidden_size", &Spec::hidden_size, integers(1, kMaxWidth));
  v.always("attention", &Spec::attention, kStepAttentions);
  v.always("score", &Spec::score, kAttentionScores);
  v.optional("units", &Spec::units, integers(0, kMaxWidth));
  v.optional("output_size", &Spec::output_size, integers(0, kMaxWidth));
  v.optional("components", &Spec::components, integers(1, kMaxWidth / 3));
  v.optional("window_step", &Spec::window_step, positive());
}

CellPlan plan_of(const AttentionLSTMSpec& spec);
CellPlan plan_of(const AttentionGRUSpec& spec);

LayerCount count_attending(const AttentionRecurrentOptions& spec, const CellPlan& plan,
                           const InputFeatures& in);

struct AttendingKind : CommonKind {
  static constexpr OverTime over_time = OverTime::carries_state;

  static void check(const AttentionRecurrentOptions& spec, const LayerPlace& place);
  template <class Spec>
  static LayerCount count(const Spec& spec, const InputFeatures& in) {
    return count_attending(spec, plan_of(spec), in);
  }
};

template <class Visitor>
void fields(Visitor& v, const AttentionLSTMSpec&) {
  attention_fields(v);
  v.always("forget_bias", &AttentionLSTMSpec::forget_bias, finite_numbers());
}

template <>
struct LayerKind<AttentionLSTMSpec> : AttendingKind {
  static constexpr const char* type = "attention_lstm";
  static constexpr const char* name = "AttentionLSTM";
};

template <class Visitor>
void fields(Visitor& v, const AttentionGRUSpec&) {
  attention_fields(v);
}

template <>
struct LayerKind<AttentionGRUSpec> : AttendingKind {
  static constexpr const char* type = "attention_gru";
  static constexpr const char* name = "AttentionGRU";
};

/// Features of what luong and window hand to the next step, and bahdanau to the same.
inline Index fed_features(const AttentionRecurrentOptions& spec, Index memory) {
  if (spec.attention != StepAttention::luong) return memory;
  return spec.output_size ? spec.output_size : spec.hidden_size;
}

}  // namespace lstm_native
