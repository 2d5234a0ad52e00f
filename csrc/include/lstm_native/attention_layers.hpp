// Layers that look at a memory, as plain data.
#pragma once

#include "lstm_native/types.hpp"

namespace lstm_native {

/// How well a query q goes with a row m of the memory. W, U and v are weights.
enum class AttentionScore {
  dot,         // q m (Luong et al. 2015): as many features each
  general,     // q W m (Luong et al. 2015)
  scaled_dot,  // (W q) (U m) / sqrt(d), in several heads (Vaswani et al. 2017)
  additive     // v tanh(W q + U m) (Bahdanau et al. 2015)
};

/// Queries (N, Tq, Fq) or (N, Fq) look at a memory (N, Tm, Fm). The weights of each query's look
/// are the softmax of its scores over the true steps of the memory, and zero behind them; its
/// context is the sum of the memory's rows by these weights, zeros where the memory has no step.
///
/// Input ports: "query", "memory". Output ports: "y", the contexts, with Fm features (scaled_dot:
/// Fq, behind the output projection) and the queries' lengths; and "weights" (N, Tq, Tm), the mean
/// over heads, which are computed where something reads them.
///
/// Parameters: general has weight (Fq, Fm); additive query_weight (units, Fq), memory_weight
/// (units, Fm), v (units); scaled_dot those of torch.nn.MultiheadAttention with embed_dim Fq and
/// kdim and vdim Fm.
struct AttentionSpec {
  AttentionScore score = AttentionScore::additive;
  Index units = 0;      // of additive scores; 0: as many as the query has features
  Index num_heads = 1;  // of scaled_dot, a divisor of Fq
  bool bias = true;     // of scaled_dot's projections
  // Query t sees the memory up to its step t. Both have as many steps.
  bool causal = false;
};

/// Where in a recurrent step the attention stands. x is the input, h the output of the cell.
enum class StepAttention {
  // Bahdanau et al. 2015: query h_{t-1}; the cell's input is (x_t, context_t); y_t = h_t
  bahdanau,
  // Luong et al. 2015 with input feeding: the cell's input is (x_t, a_{t-1}), the query h_t;
  // y_t = a_t = tanh(W (context_t, h_t))
  luong,
  // Graves 2013: the cell's input is (x_t, context_{t-1}); h_t moves Gaussians over the positions
  // u = 1, 2, ... of the memory, (a, b, k) = exp(W h_t + w), kappa_t = kappa_{t-1} + k:
  // weight of u = sum a exp(-b (kappa_t - u)^2); y_t = h_t
  window
};

/// What the recurrent layers that attend at each step have in common.
///
/// Input ports: "x" (N, T, F), "memory" (N, Tm, Fm), then states, which may be left out: "h", of an
/// LSTM "c", of luong and window "context" (what is fed to the next step), of window "kappa".
/// Output ports: "y", the states at the end, then "contexts" (N, T, Fm) and "weights" (N, T, Tm),
/// which are given where something reads them.
///
/// Parameters: those of the cell over its whole input, weight_ih_l0 (G H, F + fed), weight_hh_l0,
/// bias_ih_l0, bias_hh_l0; then those of the score as AttentionSpec has them; of luong
/// output_weight (output_size, Fm + H); of window window_weight (3 components, H), window_bias.
struct AttentionRecurrentOptions {
  Index hidden_size = 0;  // H
  StepAttention attention = StepAttention::bahdanau;
  AttentionScore score = AttentionScore::additive;  // not scaled_dot; of window additive
  Index units = 0;                                  // of additive scores; 0: H
  Index output_size = 0;                            // of luong's output; 0: H
  Index components = 10;                            // Gaussians of window
  double window_step = 0.1;  // of window: how many positions it moves in a step, before training
};

struct AttentionLSTMSpec : AttentionRecurrentOptions {
  double forget_bias = 1.0;
};

/// The reset gate acts behind the recurrent product, as in PyTorch.
struct AttentionGRUSpec : AttentionRecurrentOptions {};

}  // namespace lstm_native
