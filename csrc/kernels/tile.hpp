// The micro-kernel of the products: a tile of rows x vectors of sums over k, held in registers.
#pragma once

#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Vectors per panel of packed weights.
inline constexpr int kPanelVectors = 4;

/// Rows a tile may hold: as many as leave registers for one row of weights and a broadcast.
inline constexpr int kMaxRows = kRegisters >= 32 ? 6 : 3;

template <class T, int R, int V>
struct Tile {
  Packet<T> sum[R][V];

  /// sum[r][v] += a(r, k) * b(k, v) for k = 0 .. depth-1, in this order.
  /// a(r, k) is a[r * a_row + k * a_k]; b(k, v) is the v-th vector at b + k * b_k.
  LN_INLINE void multiply_add(Index depth, const T* a, Index a_row, Index a_k, const T* b,
                              Index b_k) {
    for (Index k = 0; k < depth; ++k) {
      Packet<T> w[V];
      for (int v = 0; v < V; ++v) w[v] = load(b + v * kLanes<T>);
      for (int r = 0; r < R; ++r) {
        const Packet<T> x = broadcast(a[r * a_row]);
        for (int v = 0; v < V; ++v) sum[r][v] = ei::pmadd(w[v], x, sum[r][v]);
      }
      a += a_k;
      b += b_k;
    }
  }
};

/// Calls body(std::integral_constant-like R, first_row) so that tiles of at most MaxRows rows
/// cover `rows`, as even as can be: 32 rows are 6 6 5 5 5 5, not 6 6 6 6 6 2.
template <int R>
struct Rows {
  static constexpr int value = R;
};

template <int MaxRows, class Body>
LN_INLINE void for_row_tiles(Index rows, const Body& body) {
  static_assert(MaxRows <= 6, "add cases below");
  Index tiles = (rows + MaxRows - 1) / MaxRows;
  for (Index row = 0; row < rows; --tiles) {
    const int size = static_cast<int>((rows - row + tiles - 1) / tiles);
    switch (size) {
      case 1: body(Rows<1>{}, row); break;
      case 2: body(Rows<(MaxRows >= 2 ? 2 : 1)>{}, row); break;
      case 3: body(Rows<(MaxRows >= 3 ? 3 : 1)>{}, row); break;
      case 4: body(Rows<(MaxRows >= 4 ? 4 : 1)>{}, row); break;
      case 5: body(Rows<(MaxRows >= 5 ? 5 : 1)>{}, row); break;
      default: body(Rows<(MaxRows >= 6 ? 6 : 1)>{}, row); break;
    }
    row += size;
  }
}

}  // namespace LN_ISA
}  // namespace lstm_native
