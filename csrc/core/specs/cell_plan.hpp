// What the options of a recurrent layer mean to the time loop.
#pragma once

#include "kernels/cell_kinds.hpp"
#include "kernels/cell_options.hpp"
#include "lstm_native/recurrent_layers.hpp"

namespace lstm_native {

/// A time step's kernels run one after another. The gates of a phase are those its recurrent
/// product adds to: `gates` of them, from `first_gate` on.
struct CellPhase {
  CellKind kind = CellKind::lstm;
  Index gates = 0, first_gate = 0;
};

/// How the cell of a layer computes; one for all its stacked layers and directions.
struct CellPlan {
  CellPhase phases[2];
  Index phase_count = 1;
  Index gates = 0;        // that have weights
  Index hidden_size = 0;  // H
  Index proj_size = 0;    // R, or 0
  bool recurrent = true;  // there are recurrent weights
  bool cell_state = false;
  bool keeps_c = false;  // TimeLoop::c is in use: as cell state, or for what backward needs
  bool split = false;    // the recurrent sums' gradients are not those of the inputs' sums
  bool candidate_bias_apart = false;  // the last gate's recurrent bias stays in the recurrent sum
  bool layer_norm = false;
  bool bias = true;             // false: no parameter is added, that of a norm neither
  Index peepholes = 0;          // gates with peephole weights
  Index forget_gate = -1;       // which gate it is, if there is one
  CellOptions<double> options;  // peepholes aside
  bool identity_init = false;
  double forget_bias = 0.0;
  double zoneout_h = 0.0, zoneout_c = 0.0;

  Index output_size() const { return proj_size ? proj_size : hidden_size; }
  Index states() const { return cell_state ? 2 : 1; }
  bool zones_out() const { return zoneout_h > 0 || zoneout_c > 0; }
  /// Whether the output's way back skips the recurrent product.
  bool keeps_candidate() const { return layer_norm || zoneout_c > 0; }
};

CellPlan plan_of(const LSTMSpec& spec);
CellPlan plan_of(const GRUSpec& spec);
CellPlan plan_of(const RNNSpec& spec);
CellPlan plan_of(const MinLSTMSpec& spec);
CellPlan plan_of(const MinGRUSpec& spec);

/// CellOptions in another type, without peepholes.
template <class T>
CellOptions<T> options_in(const CellOptions<double>& from) {
  CellOptions<T> to;
  const auto convert = [](const CellActivationArgs<double>& f) {
    return CellActivationArgs<T>{f.function, static_cast<T>(f.alpha), static_cast<T>(f.beta)};
  };
  to.gate = convert(from.gate);
  to.input = convert(from.input);
  to.output = convert(from.output);
  for (int i = 0; i < 4; ++i) to.column[i] = from.column[i];
  to.coupled = from.coupled;
  to.gate_clip = static_cast<T>(from.gate_clip);
  to.cell_clip = static_cast<T>(from.cell_clip);
  return to;
}

}  // namespace lstm_native
