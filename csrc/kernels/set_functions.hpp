// The functions of one instruction set that its table holds. Each is defined in a file of its own,
// which is compiled for it alone and instantiates it for both types.
#pragma once

#include "kernels/kernel_table.hpp"

#ifndef LN_ISA
#error "compiled per instruction set: define LN_ISA"
#endif

namespace lstm_native {
namespace LN_ISA {

// products.cpp
Index gradient_block(Index cols);
template <class T>
Index gradient_scratch(Index samples, Index cols);
template <class T>
void product(const ProductArgs<T>& p);
template <class T>
void gradient_product(const GradientProductArgs<T>& p);

// transpose.cpp
template <class T>
void transpose(const TransposeArgs<T>& p);

// elementwise.cpp
template <class T>
void pointwise(Pointwise kind, Index n, T* values);
template <class T>
void pointwise_backward(Pointwise kind, Index n, const T* y, const T* dy, T* dx);
template <class T>
void exponentials(Index n, const T* x, T shift, T* out);
template <class T>
double exponential_sum(Index n, const T* x, T* largest, T* maxima);

// attention.cpp
template <class T>
void additive_scores(const AdditiveScoresArgs<T>& p);
template <class T>
void additive_scores_backward(const AdditiveScoresBackwardArgs<T>& p);

// updates.cpp
template <class T>
void sgd(const UpdateArgs<T>& u);
template <class T>
void adam(const UpdateArgs<T>& u);
template <class T>
void amsgrad(const UpdateArgs<T>& u);
template <class T>
void nadam(const UpdateArgs<T>& u);
template <class T>
void adagrad(const UpdateArgs<T>& u);
template <class T>
void rmsprop(const UpdateArgs<T>& u);

// probes.cpp
template <class T>
ProbeResult<T> probe_multiply_add(Index iterations);
template <class T>
ProbeResult<T> probe_read(const T* values, Index n, Index repetitions);

/// The kernels of a cell, from its policy (cell_kernels.hpp); each policy's file instantiates them.
template <class Cell, class T>
struct CellFunctions {
  static const CellKernels<T> kernels;
};

}  // namespace LN_ISA
}  // namespace lstm_native
