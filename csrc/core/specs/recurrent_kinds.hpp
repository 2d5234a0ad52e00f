// The kinds of recurrent layers: their fields, and what is known of them. Which gates, states and
// parameters a cell has stands in cell_plan.cpp, from which they are counted.
#pragma once

#include "core/specs/activation_names.hpp"
#include "core/specs/cell_plan.hpp"
#include "core/specs/layer_kind.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/recurrent_layers.hpp"

namespace lstm_native {

inline constexpr NamedValue<Merge> kMerges[] = {{"concat", Merge::concat}, {"sum", Merge::sum}};
static_assert(in_order(kMerges));

/// The fields of RecurrentOptions.
template <class Visitor>
void common_fields(Visitor& v, const RecurrentOptions& s) {
  using Spec = RecurrentOptions;
  const auto sizes = [&s] {
    const bool both = s.bidirectional && s.merge == Merge::concat;
    return integers(1, both ? kMaxWidth / 2 : kMaxWidth);
  };
  v.required("hidden_size", &Spec::hidden_size, sizes);
  v.always("num_layers", &Spec::num_layers, integers(1, kMaxStackedLayers));
  v.always("return_sequences", &Spec::return_sequences);
  v.always("dropout", &Spec::dropout, fractions());
  v.always("bidirectional", &Spec::bidirectional);
  v.always("reverse", &Spec::reverse);
  v.optional("merge", &Spec::merge, kMerges);
  v.optional("residual", &Spec::residual);
  v.optional("input_dropout", &Spec::input_dropout, fractions());
  v.optional("recurrent_dropout", &Spec::recurrent_dropout, fractions());
  v.optional("weight_drop", &Spec::weight_drop, fractions());
  v.optional("zoneout", &Spec::zoneout, fractions());
  v.optional("gate_clip", &Spec::gate_clip, not_negative());
  v.optional("stateful", &Spec::stateful);
  v.optional("checkpoint", &Spec::checkpoint);
  v.optional("bias", &Spec::bias);
}

/// The rules of RecurrentOptions that concern several fields.
void check_options(const RecurrentOptions& spec, const LayerPlace& place);

LayerCount count_recurrent(const RecurrentOptions& spec, const CellPlan& plan, Index inputs);

struct RecurrentKind : CommonKind {
  static constexpr OverTime over_time = OverTime::carries_state;
  static bool runs_backward(const RecurrentOptions& spec) {
    return spec.reverse || spec.bidirectional;
  }
  static void check(const RecurrentOptions& spec, const LayerPlace& place) {
    check_options(spec, place);
  }
  template <class Spec>
  static LayerCount count(const Spec& spec, const InputFeatures& in) {
    return count_recurrent(spec, plan_of(spec), in[0]);
  }
  /// C++ once took a dropout with one layer, and wrote it to files: it acts between layers, so that
  /// it never had an effect.
  static void mend(RecurrentOptions& spec) {
    if (spec.num_layers == 1 && spec.dropout > 0 && spec.dropout < 1) spec.dropout = 0;
  }
};

template <class Visitor>
void fields(Visitor& v, const LSTMSpec& s) {
  using Spec = LSTMSpec;
  common_fields(v, s);
  v.always("forget_bias", &Spec::forget_bias, finite_numbers());
  v.optional("proj_size", &Spec::proj_size, [&s] { return integers(0, s.hidden_size - 1); });
  v.optional("peephole", &Spec::peephole);
  v.optional("coupled_gates", &Spec::coupled_gates);
  v.optional("input_gate", &Spec::input_gate);
  v.optional("forget_gate", &Spec::forget_gate);
  v.optional("output_gate", &Spec::output_gate);
  v.optional("layer_norm", &Spec::layer_norm);
  v.optional("cell_zoneout", &Spec::cell_zoneout, fractions());
  v.optional("cell_clip", &Spec::cell_clip, not_negative());
  v.optional("gate_activation", &Spec::gate_activation, kCellFunctions);
  v.optional("cell_activation", &Spec::cell_activation, kCellFunctions);
  v.optional("output_activation", &Spec::output_activation, kCellFunctions);
}

template <>
struct LayerKind<LSTMSpec> : RecurrentKind {
  static constexpr const char* type = "lstm";
  static constexpr const char* name = "LSTM";
  static void check(const LSTMSpec& spec, const LayerPlace& place);
};

template <class Visitor>
void fields(Visitor& v, const GRUSpec& s) {
  common_fields(v, s);
  v.optional("reset_after", &GRUSpec::reset_after);
  v.optional("gate_activation", &GRUSpec::gate_activation, kCellFunctions);
  v.optional("candidate_activation", &GRUSpec::candidate_activation, kCellFunctions);
}

template <>
struct LayerKind<GRUSpec> : RecurrentKind {
  static constexpr const char* type = "gru";
  static constexpr const char* name = "GRU";
};

template <class Visitor>
void fields(Visitor& v, const RNNSpec& s) {
  common_fields(v, s);
  v.optional("activation", &RNNSpec::activation, kCellFunctions);
  v.optional("identity_init", &RNNSpec::identity_init);
}

template <>
struct LayerKind<RNNSpec> : RecurrentKind {
  static constexpr const char* type = "rnn";
  static constexpr const char* name = "RNN";
};

/// Cells whose gates see the input alone.
struct InputAloneKind : RecurrentKind {
  static void check(const RecurrentOptions& spec, const LayerPlace& place);
};

template <class Visitor>
void fields(Visitor& v, const MinLSTMSpec& s) {
  common_fields(v, s);
}

template <>
struct LayerKind<MinLSTMSpec> : InputAloneKind {
  static constexpr const char* type = "min_lstm";
  static constexpr const char* name = "MinLSTM";
};

template <class Visitor>
void fields(Visitor& v, const MinGRUSpec& s) {
  common_fields(v, s);
}

template <>
struct LayerKind<MinGRUSpec> : InputAloneKind {
  static constexpr const char* type = "min_gru";
  static constexpr const char* name = "MinGRU";
};

}  // namespace lstm_native
