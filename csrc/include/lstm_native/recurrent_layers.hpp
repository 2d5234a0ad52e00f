// Recurrent layers as plain data: LSTM, GRU, RNN and their kin.
#pragma once

#include "lstm_native/cell_function.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// A function of the gates, with its parameters (cell_function.hpp).
struct CellActivation {
  CellFunction function = CellFunction::tanh;
  double alpha = 0.0, beta = 0.0;
};

/// What the outputs of two directions become: one behind the other, or their sum.
enum class Merge { concat, sum };

/// What all recurrent layers have in common.
/// (N, T, F) -> (N, T, H), or (N, H) of the last step when return_sequences is false. With two
/// directions that are not summed 2H instead of H: the forward one, then the reverse one, whose
/// last step is the first of the sequence.
struct RecurrentOptions {
  Index hidden_size = 0;
  Index num_layers = 1;
  bool return_sequences = true;
  double dropout = 0.0;  // between stacked layers, in [0, 1)
  // Each stacked layer runs in both directions and hands both on (Schuster & Paliwal 1997).
  bool bidirectional = false;
  bool reverse = false;  // runs from the end of the sequence; not with bidirectional
  Merge merge = Merge::concat;
  bool residual = false;  // stacked layers but the first add their input to their output
  // In training only, one mask per sequence (Gal & Ghahramani 2016): on the input of each stacked
  // layer, and on the output that recurs.
  double input_dropout = 0.0;
  double recurrent_dropout = 0.0;
  double weight_drop = 0.0;  // on the recurrent weights, in training only (Merity et al. 2018)
  double zoneout = 0.0;      // share of outputs that stay as they were (Krueger et al. 2017)
  double gate_clip = 0.0;    // 0: none. Sums are clipped before the gates' functions, as in ONNX
  bool stateful = false;     // a pass begins with the state that the last one ended with
  // A training pass keeps the state at some steps only and computes the others again on its way
  // back: memory of the order of the square root of the steps (Chen et al. 2016).
  bool checkpoint = false;
  bool bias = true;  // false: nothing is added to the sums, and there are no such parameters
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000).
struct LSTMSpec : RecurrentOptions {
  double forget_bias = 1.0;    // initial value of the forget gate's bias; as it is without bias
  Index proj_size = 0;         // 0: none. Size of the output, smaller than H (Sak et al. 2014)
  bool peephole = false;       // gates see the cell state (Gers & Schmidhuber 2000)
  bool coupled_gates = false;  // forget gate = 1 - input gate (Greff et al. 2017)
  bool input_gate = true, forget_gate = true, output_gate = true;  // false: always open
  bool layer_norm = false;    // Ba et al. 2016; without bias its gains stay
  double cell_zoneout = 0.0;  // zoneout of the cell state
  double cell_clip = 0.0;     // 0: none
  CellActivation gate_activation{CellFunction::sigmoid, 0.0, 0.0};
  CellActivation cell_activation{CellFunction::tanh, 0.0, 0.0};    // of the candidate
  CellActivation output_activation{CellFunction::tanh, 0.0, 0.0};  // of the cell state
};

/// Gated recurrent unit (Cho et al. 2014).
struct GRUSpec : RecurrentOptions {
  bool reset_after = true;  // the reset gate acts behind the recurrent product, or before it
  CellActivation gate_activation{CellFunction::sigmoid, 0.0, 0.0};
  CellActivation candidate_activation{CellFunction::tanh, 0.0, 0.0};
};

/// The plain recurrent network (Elman 1990).
struct RNNSpec : RecurrentOptions {
  CellActivation activation{CellFunction::tanh, 0.0, 0.0};
  bool identity_init = false;  // recurrent weights begin as the identity (Le et al. 2015)
};

/// The cells of Feng et al. 2024, whose gates see the input alone. They have no recurrent weights:
/// recurrent_dropout, weight_drop, zoneout and gate_clip must be 0.
struct MinLSTMSpec : RecurrentOptions {};
struct MinGRUSpec : RecurrentOptions {};

}  // namespace lstm_native
