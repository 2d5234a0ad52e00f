// The micro-kernel of the products: a tile of rows x vectors of sums over k, held in registers.
#pragma once

#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

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

}  // namespace LN_ISA
}  // namespace lstm_native
