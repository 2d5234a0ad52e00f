#include "core/recurrent_weights.hpp"

#include <iterator>

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
  // A panel of a product is four registers wide; a step's holds all gates of a register of units.
  const bool same = lanes == order.block && order.gates == 4;
  const Index sizes[] = {columns * inputs,
                         same ? 0 : step_packed_size(order, inputs, lanes),
                         step_packed_size(order, H, lanes),
                         columns,
                         packed_size(inputs, columns, lanes),
                         packed_size(H, columns, lanes)};
  T* parts[std::size(sizes)];
  Index total = 0;
  const Index line = static_cast<Index>(kCacheLine / sizeof(T));
  for (const Index size : sizes) total += round_up(size, line);
  memory_.resize(static_cast<std::size_t>(total));
  T* next = memory_.data();
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    parts[i] = next;
    next += round_up(sizes[i], line);
  }
  const auto [in, in_steps, rec, b, in_transposed, rec_transposed] = parts;
  pack_gates(table, order, inputs, w_input, in);
  if (!same) pack_step(table, order, inputs, w_input, in_steps);
  pack_step(table, order, H, w_recurrent, rec);
  pack_gates_transposed(table, order, inputs, w_input, in_transposed);
  pack_gates_transposed(table, order, H, w_recurrent, rec_transposed);
  std::fill_n(b, columns, T(0));
  order.for_each([&, to = b](Index g, Index u, Index column) {
    to[column] = bias_input[g * H + u] + bias_recurrent[g * H + u];
  });
  input = in;
  input_of_steps = same ? in : in_steps;
  recurrent = rec;
  bias = b;
  input_transposed = in_transposed;
  recurrent_transposed = rec_transposed;
}

template struct RecurrentWeights<float>;
template struct RecurrentWeights<double>;

}  // namespace lstm_native
