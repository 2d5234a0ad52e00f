// What a compiled instruction set offers: plain functions over plain memory, in a table.
//
// The arguments stand in files of their own, so that a change of one does not compile everything.
#pragma once

#include "kernels/conventions.hpp"

namespace lstm_native {

template <class T>
struct AdditiveScoresArgs;
template <class T>
struct AdditiveScoresBackwardArgs;
template <class T>
struct CellKernels;
template <class T>
struct GradientProductArgs;
template <class T>
struct ProductArgs;
template <class T>
struct TransposeArgs;
template <class T>
struct UpdateArgs;

/// Values that exponential_sum finds one maximum of.
inline constexpr Index kMaximaBlock = 64;

enum class Pointwise { relu, sigmoid, tanh };

/// What a probe did: floating-point operations or bytes, and a sum that keeps its work alive.
template <class T>
struct ProbeResult {
  double amount = 0;
  T sum = 0;
};

template <class T>
struct KernelTable {
  Index lanes;
  Index (*gradient_block)(Index cols);  // samples packed at once, cols of both left operands
  Index (*gradient_scratch)(Index samples, Index cols);  // values
  void (*product)(const ProductArgs<T>&);
  void (*gradient_product)(const GradientProductArgs<T>&);
  void (*transpose)(const TransposeArgs<T>&);
  const CellKernels<T>* const* cells;                // by CellKind, see cell_kernels
  void (*pointwise)(Pointwise, Index n, T* values);  // in place
  void (*pointwise_backward)(Pointwise, Index n, const T* y, const T* dy, T* dx);  // dx may be dy
  void (*additive_scores)(const AdditiveScoresArgs<T>&);
  void (*additive_scores_backward)(const AdditiveScoresBackwardArgs<T>&);
  void (*exponentials)(Index n, const T* x, T shift, T* out);  // exp(x - shift); out may be x
  /// sum(exp(x - largest)); also writes the largest value, and of each kMaximaBlock values of x
  /// theirs. Not finite where x holds NaN or +infinity, or nothing but -infinity.
  double (*exponential_sum)(Index n, const T* x, T* largest, T* maxima);
  void (*sgd)(const UpdateArgs<T>&);
  void (*adam)(const UpdateArgs<T>&);
  void (*amsgrad)(const UpdateArgs<T>&);
  void (*nadam)(const UpdateArgs<T>&);
  void (*adagrad)(const UpdateArgs<T>&);
  void (*rmsprop)(const UpdateArgs<T>&);
  ProbeResult<T> (*probe_multiply_add)(Index iterations);
  ProbeResult<T> (*probe_read)(const T* values, Index n, Index repetitions);  // aligned to 64
};

struct KernelSet {
  KernelTable<float> f32;
  KernelTable<double> f64;
};

}  // namespace lstm_native
