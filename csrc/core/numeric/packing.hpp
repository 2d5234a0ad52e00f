// Weights laid out as the kernels read them: panels of vectors, k innermost but for the vector.
#pragma once

#include <algorithm>

#include "core/base/rows.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/product_args.hpp"

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

/// The same of rows that lie in memory: depth x cols.
template <class T>
void pack_rows(Index depth, Index cols, Index lanes, Rows<const T> from, T* out) {
  const Index width = 4 * lanes;
  for (Index col = 0; col < cols; col += width) {
    const Index count = std::min(cols - col, width), panel = round_up(count, lanes);
    for (Index k = 0; k < depth; ++k, out += panel) {
      copy_row(from.data + k * from.stride + col, count, out);
      std::fill(out + count, out + panel, T(0));
    }
  }
}

/// And of their transpose: `from` has cols rows of depth values.
template <class T>
void pack_rows_transposed(const KernelTable<T>& k, Index depth, Index cols, Rows<const T> from,
                          T* out) {
  const Index width = 4 * k.lanes;
  for (Index col = 0; col < cols; col += width) {
    const Index count = std::min(cols - col, width), panel = round_up(count, k.lanes);
    if (count < panel) std::fill_n(out, depth * panel, T(0));
    k.transpose({count, depth, from.data + col * from.stride, from.stride, out, panel, false});
    out += depth * panel;
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

/// Calls body(gate, first unit, count) for the units of each block.
template <class Body>
void for_each_block(const GateOrder& order, const Body& body) {
  for (Index g = 0; g < order.gates; ++g)
    for (Index u = 0; u < order.hidden_size; u += order.block)
      body(g, u, std::min(order.block, order.hidden_size - u));
}

/// W (gates * H) x depth, as PyTorch has it, packed as depth x columns for a product.
template <class T>
void pack_gates(const KernelTable<T>& k, const GateOrder& order, Index depth, const T* w, T* out) {
  const Index width = 4 * k.lanes, columns = order.columns();
  if (order.padded() != order.hidden_size) std::fill_n(out, columns * depth, T(0));
  for_each_block(order, [&](Index g, Index u, Index count) {
    const T* from = w + (g * order.hidden_size + u) * depth;
    // A panel holds whole blocks.
    const Index column = order.column(g, u), panel = column / width * width;
    k.transpose({count, depth, from, depth, out + panel * depth + column % width,
                 std::min(columns - panel, width), false});
  });
}

/// W (gates * H) x depth for a step: panels of `lanes` units, in each `depth` rows of (gate, unit),
/// so that one tile holds all gates of its units. Values: step_packed_size.
template <class T>
void pack_step(const KernelTable<T>& k, const GateOrder& order, Index depth, const T* w, T* out) {
  const Index H = order.hidden_size, lanes = k.lanes, width = order.gates * lanes;
  if (H % lanes != 0) std::fill_n(out, round_up(H, lanes) * order.gates * depth, T(0));
  for (Index g = 0; g < order.gates; ++g)
    for (Index u = 0; u < H; u += lanes)
      k.transpose({std::min(lanes, H - u), depth, w + (g * H + u) * depth, depth,
                   out + u * order.gates * depth + g * lanes, width, false});
}

inline Index step_packed_size(const GateOrder& order, Index depth, Index lanes) {
  return order.gates * round_up(order.hidden_size, lanes) * depth;
}

/// The transpose, for gradients: columns x depth, its rows in gate order.
template <class T>
void pack_gates_transposed(const KernelTable<T>& k, const GateOrder& order, Index depth, const T* w,
                           T* out) {
  const Index lanes = k.lanes, width = 4 * lanes, rows = order.columns();
  if (order.padded() != order.hidden_size || depth % lanes != 0)
    std::fill_n(out, packed_size(depth, rows, lanes), T(0));
  order.for_each([&](Index g, Index u, Index row) {
    const T* values = w + (g * order.hidden_size + u) * depth;
    for (Index col = 0; col < depth; col += width) {
      const Index end = depth - col < width ? depth - col : width;
      copy_row(values + col, end, out + col * rows + row * round_up(end, lanes));
    }
  });
}

/// Adds the columns [begin, end), whole gate blocks, of a gradient held as depth x columns (gate
/// order) to one held as W is. `packed` is where column `begin` is.
template <class T>
void add_unpacked_gates(const KernelTable<T>& k, const GateOrder& order, Index depth, Index begin,
                        Index end, const T* packed, Index packed_stride, T* gradient) {
  for (Index column = begin; column < end; column += order.block) {
    const Index gate = column / order.block % order.gates;
    const Index unit = column / (order.block * order.gates) * order.block;
    const Index count = std::min(order.block, order.hidden_size - unit);
    k.transpose({depth, count, packed + (column - begin), packed_stride,
                 gradient + (gate * order.hidden_size + unit) * depth, depth, true});
  }
}

}  // namespace lstm_native
