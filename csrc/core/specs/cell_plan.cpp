#include "core/specs/cell_plan.hpp"

namespace lstm_native {
namespace {

CellActivationArgs<double> args_of(const CellActivation& a) {
  return {a.function, a.alpha, a.beta};
}

bool is(const CellActivation& a, CellFunction function) { return a.function == function; }

CellPlan common(const RecurrentOptions& spec, Index gates) {
  CellPlan plan;
  plan.gates = gates;
  plan.hidden_size = spec.hidden_size;
  plan.bias = spec.bias;
  plan.zoneout_h = spec.zoneout;
  plan.options.gate_clip = spec.gate_clip;
  return plan;
}

/// What needs a general cell, whatever its gates are.
bool general(const RecurrentOptions& spec) {
  return spec.zoneout > 0 || spec.gate_clip > 0 || spec.recurrent_dropout > 0;
}

}  // namespace

CellPlan plan_of(const LSTMSpec& spec) {
  const bool has[4] = {spec.input_gate, spec.forget_gate && !spec.coupled_gates, true,
                       spec.output_gate};
  CellPlan plan = common(spec, 0);
  for (int k = 0; k < 4; ++k) {
    plan.options.column[k] = has[k] ? static_cast<int>(plan.gates) : -1;
    plan.gates += has[k] ? 1 : 0;
    if (spec.peephole && has[k] && k != 2) ++plan.peepholes;
  }
  plan.forget_gate = plan.options.column[1];
  plan.forget_bias = spec.forget_bias;
  plan.proj_size = spec.proj_size;
  plan.cell_state = plan.keeps_c = true;
  plan.layer_norm = plan.split = spec.layer_norm;
  plan.zoneout_c = spec.cell_zoneout;
  plan.options.gate = args_of(spec.gate_activation);
  plan.options.input = args_of(spec.cell_activation);
  plan.options.output = args_of(spec.output_activation);
  plan.options.coupled = spec.coupled_gates;
  plan.options.cell_clip = spec.cell_clip;
  const bool vanilla = plan.gates == 4 && !general(spec) && !spec.peephole && !spec.layer_norm &&
                       spec.cell_zoneout == 0 && spec.cell_clip == 0 &&
                       is(spec.gate_activation, CellFunction::sigmoid) &&
                       is(spec.cell_activation, CellFunction::tanh) &&
                       is(spec.output_activation, CellFunction::tanh);
  constexpr CellKind kGeneral[] = {CellKind::lstm_one, CellKind::lstm_two, CellKind::lstm_three,
                                   CellKind::lstm_general};
  plan.phases[0] = {vanilla ? CellKind::lstm : kGeneral[plan.gates - 1], plan.gates, 0};
  return plan;
}

CellPlan plan_of(const GRUSpec& spec) {
  CellPlan plan = common(spec, 3);
  plan.keeps_c = plan.split = true;
  plan.options.gate = args_of(spec.gate_activation);
  plan.options.input = args_of(spec.candidate_activation);
  if (spec.reset_after) {
    const bool plain = !general(spec) && is(spec.gate_activation, CellFunction::sigmoid) &&
                       is(spec.candidate_activation, CellFunction::tanh);
    plan.candidate_bias_apart = true;
    plan.phases[0] = {plain ? CellKind::gru : CellKind::gru_general, 3, 0};
  } else {
    plan.phase_count = 2;
    plan.phases[0] = {CellKind::gru_reset, 2, 0};
    plan.phases[1] = {CellKind::gru_candidate, 1, 2};
  }
  return plan;
}

CellPlan plan_of(const RNNSpec& spec) {
  CellPlan plan = common(spec, 1);
  plan.identity_init = spec.identity_init;
  plan.options.input = args_of(spec.activation);
  plan.phases[0] = {general(spec)                             ? CellKind::rnn_general
                    : is(spec.activation, CellFunction::tanh) ? CellKind::rnn_tanh
                    : is(spec.activation, CellFunction::relu) ? CellKind::rnn_relu
                                                              : CellKind::rnn_general,
                    1, 0};
  return plan;
}

CellPlan plan_of(const MinLSTMSpec& spec) {
  CellPlan plan = common(spec, 3);
  plan.recurrent = false;
  plan.phases[0] = {CellKind::min_lstm, 3, 0};
  return plan;
}

CellPlan plan_of(const MinGRUSpec& spec) {
  CellPlan plan = common(spec, 2);
  plan.recurrent = false;
  plan.phases[0] = {CellKind::min_gru, 2, 0};
  return plan;
}

}  // namespace lstm_native
