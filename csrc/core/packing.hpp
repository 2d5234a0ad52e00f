// Weights laid out as the kernels read them: panels of vectors, k innermost but for the vector.
#pragma once

#include <algorithm>

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

/// Where gate g of hidden unit u stands in gate order (see kernel_table.hpp).
struct GateOrder {
  Index gates, hidden_size, block;

  Index padded() const { return round_up(hidden_size, block); }
  Index columns() const { return gates * padded(); }
  Index column(Index gate, Index unit) const {
    return (unit / block * gates + gate) * block + unit % block;
  }

  /// Calls body(gate, unit, column) for every real column; padding is left out.
  template <class Body>
  void for_each(const Body& body) const {
    for (Index g = 0; g < gates; ++g)
      for (Index u = 0; u < hidden_size; ++u) body(g, u, column(g, u));
  }
};

/// W (gates * H) x depth, as PyTorch has it, packed as depth x columns for a product.
template <class T>
void pack_gates(const GateOrder& order, Index depth, Index lanes, const T* w, T* out) {
  const Index width = 4 * lanes, columns = order.columns();
  for (Index i = 0; i < columns * depth; ++i) out[i] = T(0);
  order.for_each([&](Index g, Index u, Index column) {
    const T* row = w + (g * order.hidden_size + u) * depth;
    const Index panel = column / width * width;
    const Index panel_width = columns - panel < width ? columns - panel : width;
    T* to = out + panel * depth + column % width;
    for (Index k = 0; k < depth; ++k) to[k * panel_width] = row[k];
  });
}

/// U (gates * H) x H for the recurrent step: panels of `lanes` units, in each H rows of
/// (gate, unit), so that one tile holds all gates of its units.
template <class T>
void pack_recurrent(const GateOrder& order, Index lanes, const T* w, T* out) {
  const Index H = order.hidden_size, width = order.gates * lanes;
  for (Index i = 0; i < round_up(H, lanes) * order.gates * H; ++i) out[i] = T(0);
  for (Index g = 0; g < order.gates; ++g)
    for (Index u = 0; u < H; ++u) {
      T* to = out + u / lanes * width * H + g * lanes + u % lanes;
      for (Index k = 0; k < H; ++k) to[k * width] = w[(g * H + u) * H + k];
    }
}

/// The transpose, for gradients: columns x depth, its rows in gate order.
template <class T>
void pack_gates_transposed(const GateOrder& order, Index depth, Index lanes, const T* w, T* out) {
  const Index width = 4 * lanes, rows = order.columns();
  for (Index i = 0; i < packed_size(depth, rows, lanes); ++i) out[i] = T(0);
  order.for_each([&](Index g, Index u, Index row) {
    const T* values = w + (g * order.hidden_size + u) * depth;
    for (Index col = 0; col < depth; col += width) {
      const Index end = depth - col < width ? depth - col : width;
      T* to = out + col * rows + row * round_up(end, lanes);
      for (Index j = 0; j < end; ++j) to[j] = values[col + j];
    }
  });
}

/// Adds a gradient held as depth x columns (gate order) to one held as W is. In blocks, for both
/// sides cannot be read along their rows at once.
template <class T>
void add_unpacked_gates(const GateOrder& order, Index depth, const T* packed, T* gradient) {
  const Index columns = order.columns();
  for (Index g = 0; g < order.gates; ++g)
    for (Index u0 = 0; u0 < order.hidden_size; u0 += order.block) {
      const Index units = std::min(order.block, order.hidden_size - u0);
      const T* from = packed + order.column(g, u0);
      T* to = gradient + (g * order.hidden_size + u0) * depth;
      for (Index k0 = 0; k0 < depth; k0 += order.block)
        for (Index u = 0; u < units; ++u)
          for (Index k = k0; k < std::min(k0 + order.block, depth); ++k)
            to[u * depth + k] += from[k * columns + u];
    }
}

}  // namespace lstm_native
