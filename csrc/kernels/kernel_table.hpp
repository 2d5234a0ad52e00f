// What a compiled instruction set offers: plain functions over plain memory, in a table.
//
// Conventions shared by every kernel:
//   lanes      values per SIMD register of this set and dtype
//   padded(n)  n rounded up to a multiple of lanes; padding lanes hold zeros
//   P          hidden_size rounded up to gate blocks, the same for every instruction set
//   gate order columns of gates come in blocks of kGateBlock hidden units, each block with its
//              gates side by side: (block, gate, unit). Sums over gates so run in the same order
//              on every set.
//   stride     distance between two rows, in values
//   rows never overlap; no two arguments alias unless the comment says so
// Each output value is one sum over k in ascending order, whatever the tile it is computed in, or
// one of four such sums (ProductArgs::quarters): a row's result does not depend on the rows beside
// it.
#pragma once

#include <cstdint>

#include "lstm_native/cell_function.hpp"

namespace lstm_native {

using Index = std::int64_t;

/// Hidden units per gate block: as many as the widest register (64 bytes) holds.
template <class T>
inline constexpr Index kGateBlock = 64 / sizeof(T);

enum class Pointwise { relu, sigmoid, tanh };

/// out = bias + a * packed, or out += a * packed.
template <class T>
struct ProductArgs {
  Index rows = 0, depth = 0, cols = 0;
  const T* a = nullptr;  // rows x depth
  Index a_stride = 0;
  const T* packed = nullptr;  // depth x cols in panels, see packing.hpp
  const T* bias = nullptr;    // padded(cols), or null for zeros; unused when accumulating
  T* out = nullptr;           // rows x cols; only the first cols values of a row are written
  Index out_stride = 0;
  bool accumulate = false;
  // cols <= kGateBlock: the sum over k is made of those over its four quarters (depth is a multiple
  // of four). A single long sum would wait for each of its multiply-adds.
  bool quarters = false;
};

/// out += a^T b over samples that lie in memory as `per_step` rows at each of some steps.
template <class T>
struct GradientLeft {
  Index cols = 0;
  const T* a =
      nullptr;  // the row of sample s: a + s / per_step * time_stride + s % per_step * row_stride
  Index time_stride = 0, row_stride = 0;
  T* out = nullptr;  // cols x padded(b columns), rows out_stride apart
};

/// For the columns [begin, end) of b and one or two left operands; sums += column sums of b.
template <class T>
struct GradientProductArgs {
  Index samples = 0, per_step = 1;
  GradientLeft<T> left[2];  // the second may have no columns
  const T* b = nullptr;     // samples x b columns
  Index b_stride = 0;
  Index begin = 0, end = 0;  // begin is a multiple of 4 * lanes
  Index out_stride = 0;
  T* sums = nullptr;     // padded(b columns), or null
  T* scratch = nullptr;  // gradient_scratch(samples, all cols) values
  // The call before had the same samples and left operands, no more than gradient_block of them,
  // and scratch is as it left it.
  bool packed_before = false;
};

/// to(c, r) = from(r, c), or += it.
template <class T>
struct TransposeArgs {
  Index rows = 0, cols = 0;  // of from
  const T* from = nullptr;
  Index from_stride = 0;
  T* to = nullptr;
  Index to_stride = 0;
  bool add = false;
};

/// scores[j] = v tanh(query + keys[j]). What is behind the true width holds zeros.
template <class T>
struct AdditiveScoresArgs {
  Index keys_count = 0, width = 0;  // width: a multiple of kGateBlock
  const T* query = nullptr;         // width
  const T* keys = nullptr;          // keys_count x width
  Index key_stride = 0;
  const T* v = nullptr;  // width
  T* scores = nullptr;   // keys_count
};

template <class T>
struct AdditiveScoresBackwardArgs {
  Index keys_count = 0, width = 0;
  const T* query = nullptr;
  const T* keys = nullptr;
  Index key_stride = 0;  // of d_keys, too
  const T* v = nullptr;
  const T* d_scores = nullptr;  // keys_count
  T* d_query = nullptr;         // width: written
  T* d_keys = nullptr;          // keys_count x width: added to
  T* d_v = nullptr;             // width: added to
};

/// What a recurrent cell does between the products. The first ones are the cells most networks
/// have; the `general` ones read CellOptions.
enum class CellKind {
  lstm,           // gates i, f, g, o
  gru,            // gates r, z, n; the reset gate acts behind the recurrent product
  rnn_tanh,       // one gate: the sum before activation
  rnn_relu,       //
  min_lstm,       // gates i, f, g from the input alone
  min_gru,        // gates z, n from the input alone
  lstm_general,   // as lstm
  lstm_three,     // the same with fewer gates, see CellOptions::column
  lstm_two,       //
  lstm_one,       //
  gru_general,    // as gru
  gru_reset,      // gates r, z of r, z, n: the first half of a step of a GRU whose reset gate acts
  gru_candidate,  // before the recurrent product; the second half: gate n
  rnn_general,    //
};
inline constexpr int kCellKinds = 14;

template <class T>
struct CellActivationArgs {
  CellFunction function = CellFunction::sigmoid;
  T alpha = 0, beta = 0;
};

/// What the general cells need to know beyond the pointers of a step.
template <class T>
struct CellOptions {
  CellActivationArgs<T> gate{CellFunction::sigmoid, 0, 0};  // i, f, o; r, z
  CellActivationArgs<T> input{CellFunction::tanh, 0, 0};    // g; n; the sum of an RNN
  CellActivationArgs<T> output{CellFunction::tanh, 0, 0};   // of the cell state
  int column[4] = {0, 1, 2, 3};  // LSTM: which gate stands where i, f, g, o do; -1: none, it is 1
  bool coupled = false;          // f = 1 - i
  const T* peephole[3] = {nullptr, nullptr, nullptr};  // P each, of i, f, o
  T gate_clip = 0, cell_clip = 0;                      // 0: none
};

/// Which part of an LSTM's step: with layer normalisation the cell state is normalised between
/// them.
enum class StepPart { all, cell, output };

/// Time steps of a cell for some rows and the hidden units [unit_begin, unit_end): recurrent
/// product, gates, new state and output. unit_begin is a multiple of kGateBlock; unit_end too, or
/// hidden_size. Pointers are to unit 0 whatever the range. G: the cell's gates.
template <class T>
struct StepArgs {
  Index rows = 0, hidden_size = 0, unit_begin = 0, unit_end = 0;
  Index depth = 0;               // values of h_prev; 0: no recurrent product
  const T* recurrent = nullptr;  // depth x G gates, see pack_step in packing.hpp
  T* gates = nullptr;            // rows x GP: in b + W x, in gate order; out what backward reads
  // Where inputs are few, the step makes b + W x by itself: then x is not null, and what gates
  // holds does not matter.
  const T* x = nullptr;  // rows x inputs
  Index x_stride = 0, inputs = 0;
  const T* input = nullptr;           // inputs x G gates, packed as recurrent is
  const T* bias = nullptr;            // GP, in gate order
  const T* recurrent_bias = nullptr;  // P; gru: of the candidate's recurrent sum
  bool remember = false;              // otherwise gates holds nothing of use afterwards
  const T* h_prev = nullptr;          // rows x h_stride: what the product reads
  Index h_stride = 0;
  const T* h_old = nullptr;  // rows x P: what the cell itself reads of the last output; most do not
  const T* c_prev = nullptr;  // rows x P, of the LSTMs
  T* h = nullptr;             // rows x P; may not alias h_prev
  // rows x P. LSTM: the new cell state, may alias c_prev. gru: receives the candidate's recurrent
  // sum. gru_reset: receives r * h, which gru_candidate's product reads.
  T* c = nullptr;
  T* y = nullptr;  // rows x H, or null
  Index y_stride = 0;
  // Last panel first. Steps that take turns find in the cache what the one before read last.
  bool last_first = false;
  // So many steps one after another, of which the pointers are the first one's: each reads what the
  // one before wrote, and finds the rest this far behind. More than one needs a cell that is not
  // general, and all hidden units.
  Index steps = 1;
  Index gates_step = 0, x_step = 0, y_step = 0, c_step = 0;
  Index h_step = 0;  // 0: h_prev and h change places
  // One row's recurrent product waits for the weights to come through the caches. Meanwhile the
  // multiply-add units do a part of the projection of rows to come: of `ahead`, whose columns are
  // those of `gates`, the groups [ahead_begin, ahead_begin + ahead_share), but none from ahead_end
  // on; the next step goes on behind them. A group has CellKernels::ahead_columns columns. Needs
  // rows == 1 and CellKernels::ahead_rows rows of ahead; no rows: nothing to do.
  ProductArgs<T> ahead;
  Index ahead_begin = 0, ahead_end = 0, ahead_share = 0;

  // The rest is read by general cells alone.
  const CellOptions<T>* options = nullptr;
  StepPart part = StepPart::all;
  T* candidate = nullptr;  // rows x P: receives the cell state before zoneout; or null
  // Part output: the output is made of shown * shown_scale + shown_bias (rows x P, P, P).
  const T* shown = nullptr;
  const T* shown_scale = nullptr;
  const T* shown_bias = nullptr;
  // Zoneout: how much of the old value stays, rows x P each, keep_stride apart; or null.
  const T* keep_h = nullptr;
  const T* keep_c = nullptr;
  Index keep_stride = 0;
  // Recurrent dropout: h times mask (rows x P) goes to `recur` (rows x P); or null.
  const T* mask = nullptr;
  T* recur = nullptr;
};

/// The pointwise half of one step backward; the product with the recurrent weights follows it.
template <class T>
struct StepBackwardArgs {
  Index rows = 0, hidden_size = 0, unit_begin = 0, unit_end = 0;  // as in StepArgs
  const T* h_old = nullptr;                                       // rows x P
  const T* c_prev = nullptr;                                      // rows x P
  const T* c = nullptr;                                           // rows x P
  // rows x P: in from the step after, to which the product's result was added; out what reaches
  // the output of the step before past the recurrent product. LSTMs without zoneout leave it.
  T* dh = nullptr;
  const T* dy = nullptr;  // rows x H: from the layer above, or null
  Index dy_stride = 0;
  T* dc = nullptr;  // rows x P, of the LSTMs: in for c, out for c_prev
  // gru_reset: in the gradient of r * h, rows x P.
  const T* d_reset = nullptr;
  T* gates = nullptr;  // rows x GP: in as the step left them, out gradients before activation
  // rows x recurrent_stride: receives, of the cells whose recurrent sums have other gradients than
  // their inputs, those of the recurrent sums; in gate order of the gates that this kind has.
  T* recurrent_gates = nullptr;
  Index recurrent_stride = 0;
  // What the next call will read, to be fetched into the cache: gates, c_prev, dy; or null.
  const T* next_gates = nullptr;
  const T* next_c = nullptr;
  const T* next_dy = nullptr;

  // The rest is read by general cells alone, as in StepArgs.
  const CellOptions<T>* options = nullptr;
  StepPart part = StepPart::all;
  const T* candidate = nullptr;  // the cell state before zoneout, or null: it is c
  const T* shown = nullptr;      // part output: as in StepArgs
  const T* shown_scale = nullptr;
  const T* shown_bias = nullptr;
  // rows x P, part output: receives the gradient of what the output was made of; part cell: in,
  // what it means for the cell state.
  T* d_candidate = nullptr;
  const T* keep_h = nullptr;
  const T* keep_c = nullptr;
  Index keep_stride = 0;
  const T* mask = nullptr;  // with it, d_recur (rows x P) times mask is added to dh
  const T* d_recur = nullptr;
};

/// The numbers of one optimiser update (training.hpp), bias corrections folded in.
template <class T>
struct UpdateArgs {
  Index size = 0;
  T* weight = nullptr;
  const T* gradient = nullptr;
  T* first = nullptr;   // momentum or exp_avg
  T* second = nullptr;  // exp_avg_sq or square_avg
  T gradient_scale = 1;
  T learning_rate = 0;                         // step size
  T decay = 0;                                 // L2 term added to the gradient
  T shrink = 1;                                // decoupled decay: weight *= shrink
  T beta1 = 0;                                 // or momentum
  T beta2 = 0;                                 // or the decay of the squared gradient
  T one_minus_beta1 = 1, one_minus_beta2 = 1;  // rounded from the difference of doubles
  T second_scale = 1;                          // sqrt(second) / second_scale
  T epsilon = 0;
  bool nesterov = false;
};

/// What a probe did: floating-point operations or bytes, and a sum that keeps its work alive.
template <class T>
struct ProbeResult {
  double amount = 0;
  T sum = 0;
};

template <class T>
struct CellKernels {
  Index gates;          // G
  Index ahead_rows;     // see StepArgs; 0: this set has too few registers
  Index ahead_columns;  // that a group has
  bool direct;          // whether it writes StepBackwardArgs::dh; else that is left as it was
  bool general;         // whether it reads CellOptions
  void (*step)(const StepArgs<T>&);
  void (*step_backward)(const StepBackwardArgs<T>&);
};

template <class T>
struct KernelTable {
  Index lanes;
  Index (*gradient_block)(Index cols);  // samples packed at once, cols of both left operands
  Index (*gradient_scratch)(Index samples, Index cols);  // values
  void (*product)(const ProductArgs<T>&);
  void (*gradient_product)(const GradientProductArgs<T>&);
  void (*transpose)(const TransposeArgs<T>&);
  CellKernels<T> cells[kCellKinds];
  void (*pointwise)(Pointwise, Index n, T* values);                                // in place
  void (*pointwise_backward)(Pointwise, Index n, const T* y, const T* dy, T* dx);  // dx may be dy
  void (*additive_scores)(const AdditiveScoresArgs<T>&);
  void (*additive_scores_backward)(const AdditiveScoresBackwardArgs<T>&);
  void (*exponentials)(Index n, const T* x, T shift, T* out);  // exp(x - shift); out may be x
  void (*sgd)(const UpdateArgs<T>&);
  void (*adam)(const UpdateArgs<T>&);
  void (*rmsprop)(const UpdateArgs<T>&);
  ProbeResult<T> (*probe_multiply_add)(Index iterations);
  ProbeResult<T> (*probe_read)(const T* values, Index n, Index repetitions);  // aligned to 64
};

template <class T>
const CellKernels<T>& cell_kernels(const KernelTable<T>& k, CellKind kind) {
  return k.cells[static_cast<int>(kind)];
}

struct KernelSet {
  KernelTable<float> f32;
  KernelTable<double> f64;
};

}  // namespace lstm_native
