// The kinds of cells that there are kernels for.
#pragma once

#include "kernels/kernel_table.hpp"

namespace lstm_native {

/// What a recurrent cell does between the products. The first ones are the cells most networks
/// have; the `general` ones read CellOptions. table.cpp says which policy computes each.
enum class CellKind {
  lstm,           // gates i, f, g, o
  gru,            // gates r, z, n; the reset gate acts behind the recurrent product
  rnn_tanh,       // one gate: the sum before activation
  rnn_relu,       //
  min_lstm,       // gates i, f, g from the input alone
  min_gru,        // gates z, n from the input alone
  lstm_general,   // gates i, f, g, o
  lstm_three,     // with fewer gates, see CellOptions::column
  lstm_two,       //
  lstm_one,       //
  gru_general,    // gates r, z, n; the reset gate acts behind the recurrent product
  gru_reset,      // gates r, z of r, z, n: the first half of a step of a GRU whose reset gate acts
  gru_candidate,  // before the recurrent product; the second half: gate n
  rnn_general,    // one gate: the sum before activation
  end             // how many there are: stays the last
};
inline constexpr int kCellKinds = static_cast<int>(CellKind::end);

template <class T>
const CellKernels<T>& cell_kernels(const KernelTable<T>& k, CellKind kind) {
  return *k.cells[static_cast<int>(kind)];
}

}  // namespace lstm_native
