// What the options of a general cell are to its kernels.
#pragma once

#include "kernels/conventions.hpp"
#include "lstm_native/cell_function.hpp"

namespace lstm_native {

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

}  // namespace lstm_native
