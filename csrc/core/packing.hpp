// Weights laid out as the kernels read them: panels of vectors, k innermost but for the vector.
#pragma once

#include "kernels/kernel_table.hpp"

namespace lstm_native {

inline Index round_up(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

/// Values needed for pack_columns.
inline Index packed_size(Index cols, Index depth, Index lanes) {
  return round_up(cols, lanes) * depth;
}

/// depth x cols into panels of up to 4 vectors of columns. at(k, col) gives a value.
template <class T, class At>
void pack_columns(Index depth, Index cols, Index lanes, const At& at, T* out) {
  const Index width = 4 * lanes;
  for (Index col = 0; col < cols; col += width) {
    const Index panel = round_up(cols - col < width ? cols - col : width, lanes);
    for (Index k = 0; k < depth; ++k)
      for (Index j = col; j < col + panel; ++j) *out++ = j < cols ? at(k, j) : T(0);
  }
}

/// Where gate g of hidden unit u stands in gate-panel order: panels of `lanes` units, each with
/// its G gates side by side, so that one tile holds all gates of its units.
struct GateOrder {
  Index gates, hidden_size, lanes;

  Index padded() const { return round_up(hidden_size, lanes); }
  Index columns() const { return gates * padded(); }
  Index column(Index gate, Index unit) const {
    return (unit / lanes * gates + gate) * lanes + unit % lanes;
  }

  /// Calls body(gate, unit, column) for every real column; padding is left out.
  template <class Body>
  void for_each(const Body& body) const {
    for (Index g = 0; g < gates; ++g)
      for (Index u = 0; u < hidden_size; ++u) body(g, u, column(g, u));
  }
};

/// W (gates * H) x depth, as PyTorch has it, into gate panels: depth x columns.
template <class T>
void pack_gates(const GateOrder& order, Index depth, const T* w, T* out) {
  const Index width = order.gates * order.lanes;
  for (Index i = 0; i < order.columns() * depth; ++i) out[i] = T(0);
  order.for_each([&](Index g, Index u, Index column) {
    const T* row = w + (g * order.hidden_size + u) * depth;
    T* panel = out + column / width * width * depth + column % width;
    for (Index k = 0; k < depth; ++k) panel[k * width] = row[k];
  });
}

/// The transpose, for gradients: columns x depth, its rows in gate-panel order.
template <class T>
void pack_gates_transposed(const GateOrder& order, Index depth, const T* w, T* out) {
  const Index width = 4 * order.lanes, rows = order.columns();
  for (Index i = 0; i < packed_size(depth, rows, order.lanes); ++i) out[i] = T(0);
  order.for_each([&](Index g, Index u, Index row) {
    const T* values = w + (g * order.hidden_size + u) * depth;
    for (Index col = 0; col < depth; col += width) {
      const Index end = depth - col < width ? depth - col : width;
      T* to = out + col * rows + row * round_up(end, order.lanes);
      for (Index j = 0; j < end; ++j) to[j] = values[col + j];
    }
  });
}

/// Adds a gradient held as depth x columns (gate-panel order) to one held as W is.
template <class T>
void add_unpacked_gates(const GateOrder& order, Index depth, const T* packed, T* gradient) {
  order.for_each([&](Index g, Index u, Index column) {
    T* row = gradient + (g * order.hidden_size + u) * depth;
    for (Index k = 0; k < depth; ++k) row[k] += packed[k * order.columns() + column];
  });
}

}  // namespace lstm_native
