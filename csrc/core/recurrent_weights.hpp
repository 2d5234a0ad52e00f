// The weights of one recurrent layer as the kernels read them.
#pragma once

#include "core/aligned.hpp"
#include "core/packing.hpp"

namespace lstm_native {

template <class T>
struct RecurrentWeights {
  RecurrentWeights() = default;
  RecurrentWeights(RecurrentWeights&&) = default;  // the memory stays where it is
  RecurrentWeights(const RecurrentWeights&) = delete;
  RecurrentWeights& operator=(const RecurrentWeights&) = delete;

  const KernelTable<T>* kernels = nullptr;  // packed for these, to be run by these
  GateOrder order{};
  Index inputs = 0;
  const T* input = nullptr;                 // inputs x columns, as products read it
  const T* input_of_steps = nullptr;        // the same as steps read it
  const T* recurrent = nullptr;             // hidden_size x columns, as steps read it
  const T* bias = nullptr;                  // columns
  const T* input_transposed = nullptr;      // columns x inputs, as products read it
  const T* recurrent_transposed = nullptr;  // columns x hidden_size, the same

  /// w_input (4H, F), w_recurrent (4H, H), two biases (4H), in PyTorch's layout.
  void pack(const GateOrder& gate_order, Index input_size, const KernelTable<T>& table,
            const T* w_input, const T* w_recurrent, const T* bias_input, const T* bias_recurrent);

 private:
  AlignedVector<T> memory_;  // of all of them: together they may fill huge pages
};

}  // namespace lstm_native
