#include "core/recurrent_weights.hpp"

namespace lstm_native {
template <class T>
void RecurrentWeights<T>::pack(const GateOrder& gate_order, Index input_size,
                               const KernelTable<T>& table, const T* w_input, const T* w_recurrent,
                               const T* bias_input, const T* bias_recurrent) {
  kernels = &table;
  order = gate_order;
  inputs = input_size;
  const Index lanes = table.lanes;
  const Index columns = order.columns(), H = order.hidden_size;
  const auto resize = [](AlignedVector<T>& v, Index n) { v.resize(static_cast<std::size_t>(n)); };
  resize(recurrent, step_packed_size(order, H, lanes));
  resize(input_transposed, packed_size(inputs, columns, lanes));
  resize(recurrent_transposed, packed_size(H, columns, lanes));
  resize(input, columns * inputs);
  pack_gates(table, order, inputs, w_input, input.data());
  // A panel of a product is four registers wide; a step's holds all gates of a register of units.
  if (lanes != order.block || order.gates != 4) {
    resize(own_input_of_steps, step_packed_size(order, inputs, lanes));
    pack_step(table, order, inputs, w_input, own_input_of_steps.data());
  }
  pack_step(table, order, H, w_recurrent, recurrent.data());
  pack_gates_transposed(table, order, inputs, w_input, input_transposed.data());
  pack_gates_transposed(table, order, H, w_recurrent, recurrent_transposed.data());
  bias.assign(static_cast<std::size_t>(columns), T(0));
  order.for_each([&](Index g, Index u, Index column) {
    bias[static_cast<std::size_t>(column)] = bias_input[g * H + u] + bias_recurrent[g * H + u];
  });
}

template struct RecurrentWeights<float>;
template struct RecurrentWeights<double>;

}  // namespace lstm_native
