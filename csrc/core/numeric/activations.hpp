// Activation functions on whole rows, in terms of the kernels.
#pragma once

#include "kernels/kernel_table.hpp"
#include "lstm_native/activation.hpp"

namespace lstm_native {

/// In place on rows x features, contiguous.
template <class T>
void activate(Activation kind, Index rows, Index features, T* values);

/// In place on rows x features, on the caller's thread and with the kernels given.
template <class T>
void activate_rows(const KernelTable<T>& k, Activation kind, Index rows, Index features, T* values);

/// dx = dy * activation'; y is the activation's output; dx may be dy.
template <class T>
void activate_backward(Activation kind, Index rows, Index features, const T* y, const T* dy, T* dx);

/// Softmax of one row; returns log(sum(exp(x))). out may be x.
template <class T>
double softmax(const KernelTable<T>& k, Index features, const T* x, T* out);

}  // namespace lstm_native
