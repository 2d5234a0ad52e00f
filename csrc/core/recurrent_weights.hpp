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
  AlignedVector<T> input;      // inputs x columns, as products read it
  AlignedVector<T> recurrent;  // hidden_size x columns, as steps read it
  AlignedVector<T> bias;       // columns
  AlignedVector<T> input_transposed, recurrent_transposed;  // columns x inputs, x hidden_size

  /// `input` as steps read it.
  const T* input_of_steps() const {
    return own_input_of_steps.empty() ? input.data() : own_input_of_steps.data();
  }

  /// w_input (4H, F), w_recurrent (4H, H), two biases (4H), in PyTorch's layout.
  void pack(const GateOrder& gate_order, Index input_size, const KernelTable<T>& table,
            const T* w_input, const T* w_recurrent, const T* bias_input, const T* bias_recurrent);

 private:
  AlignedVector<T> own_input_of_steps;  // empty where it would equal `input`
};

}  // namespace lstm_native
