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
// Each output value is one sum over k in ascending order, whatever the tile it is computed in:
// a row's result does not depend on the rows beside it.
#pragma once

#include <cstdint>

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

/// One time step of an LSTM for some rows and the hidden units [unit_begin, unit_end): recurrent
/// product, gates, new cell and output. unit_begin is a multiple of kGateBlock; unit_end too, or
/// hidden_size. Pointers are to unit 0 whatever the range.
template <class T>
struct LstmStepArgs {
  Index rows = 0, hidden_size = 0, unit_begin = 0, unit_end = 0;
  const T* recurrent = nullptr;  // hidden_size x 4 gates, see pack_step in packing.hpp
  T* gates = nullptr;            // rows x 4P: in b + W x, in gate order; out the activated gates
  // Where inputs are few, the step makes b + W x by itself: then x is not null, and what gates
  // holds does not matter.
  const T* x = nullptr;  // rows x inputs
  Index x_stride = 0, inputs = 0;
  const T* input = nullptr;   // inputs x 4 gates, packed as recurrent is
  const T* bias = nullptr;    // 4P, in gate order
  bool remember = false;      // otherwise gates holds nothing of use afterwards
  const T* h_prev = nullptr;  // rows x P
  const T* c_prev = nullptr;  // rows x P
  T* h = nullptr;             // rows x P; may not alias h_prev
  T* c = nullptr;             // rows x P; may alias c_prev
  T* y = nullptr;             // rows x H, or null
  Index y_stride = 0;
  // Last panel first. Steps that take turns find in the cache what the one before read last.
  bool last_first = false;
  // One row's recurrent product waits for the weights to come through the caches. Meanwhile the
  // multiply-add units do a part of the projection of rows to come: of `ahead`, whose columns are
  // those of `gates`, the products of k in [ahead_begin, ahead_end). Needs rows == 1 and at
  // most KernelTable::ahead_rows rows of ahead; no rows: nothing to do.
  ProductArgs<T> ahead;
  Index ahead_begin = 0, ahead_end = 0;
};

/// The pointwise half of one step backward; the product with the recurrent weights follows it.
template <class T>
struct LstmStepBackwardArgs {
  Index rows = 0, hidden_size = 0, unit_begin = 0, unit_end = 0;  // as in LstmStepArgs
  const T* c_prev = nullptr;                                      // rows x P
  const T* c = nullptr;                                           // rows x P
  const T* dh = nullptr;                                          // rows x P: from the step after
  const T* dy = nullptr;  // rows x H: from the layer above, or null
  Index dy_stride = 0;
  T* dc = nullptr;     // rows x P: in for c, out for c_prev
  T* gates = nullptr;  // rows x 4P: in activated, out gradients before activation
  // What the next call will read, to be fetched into the cache: gates, c_prev, dy; or null.
  const T* next_gates = nullptr;
  const T* next_c = nullptr;
  const T* next_dy = nullptr;
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
struct KernelTable {
  Index lanes;
  Index ahead_rows;  // see LstmStepArgs; 0: this set has too few registers
  Index (*gradient_scratch)(Index samples, Index cols);  // values, cols of both left operands
  void (*product)(const ProductArgs<T>&);
  void (*gradient_product)(const GradientProductArgs<T>&);
  void (*transpose)(const TransposeArgs<T>&);
  void (*lstm_step)(const LstmStepArgs<T>&);
  void (*lstm_step_backward)(const LstmStepBackwardArgs<T>&);
  void (*pointwise)(Pointwise, Index n, T* values);                                // in place
  void (*pointwise_backward)(Pointwise, Index n, const T* y, const T* dy, T* dx);  // dx may be dy
  void (*exponentials)(Index n, const T* x, T shift, T* out);  // exp(x - shift); out may be x
  void (*sgd)(const UpdateArgs<T>&);
  void (*adam)(const UpdateArgs<T>&);
  void (*rmsprop)(const UpdateArgs<T>&);
  ProbeResult<T> (*probe_multiply_add)(Index iterations);
  ProbeResult<T> (*probe_read)(const T* values, Index n, Index repetitions);  // aligned to 64
};

struct KernelSet {
  KernelTable<float> f32;
  KernelTable<double> f64;
};

}  // namespace lstm_native
