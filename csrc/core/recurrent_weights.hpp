// The weights of one recurrent layer as the kernels read them.
#pragma once

#include "core/aligned.hpp"
#include "core/packing.hpp"

namespace lstm_native {

template <class T>
struct RecurrentWeights {
  const KernelTable<T>* kernels = nullptr;  // packed for these, to be run by these
  GateOrder order{};
  Index inputs = 0;
  // inputs x columns, packed for a product or, when the step is to make the projection itself,
  // as hidden_size x columns is for a step
  AlignedVector<T> input;
  bool projects_in_step = false;
  AlignedVector<T> recurrent;                               // hidden_size x columns
  AlignedVector<T> bias;                                    // columns
  AlignedVector<T> input_transposed, recurrent_transposed;  // columns x inputs, x hidden_size

  /// w_input (4H, F), w_recurrent (4H, H), two biases (4H), in PyTorch's layout.
  void pack(const GateOrder& gate_order, Index input_size, const KernelTable<T>& table,
            const T* w_input, const T* w_recurrent, const T* bias_input, const T* bias_recurrent);
};

}  // namespace lstm_native
