// The micro-kernel of a step: a tile of rows x panels of hidden units, with all sums of their gates
// in registers while k runs, and the cell behind them.
#pragma once

#include "kernels/row_tiles.hpp"
#include "kernels/step_cell.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Panels that a tile of several rows, or of one row, holds beside each other: as many as give
/// enough independent sums to hide the latency of the multiply-adds.
template <class Cell>
inline constexpr int kPanels = Cell::kSums >= 3 ? 1 : 4 / Cell::kSums;
template <class Cell>
inline constexpr int kPanelsOfOneRow = 2 * kPanels<Cell>;

template <class Cell, class T, int R, int V>
LN_INLINE void finish_tile(const StepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                           Index panel, Packet<T> (&sum)[R][V][Cell::kSums]) {
  if constexpr (Cell::kInline) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) apply_cell<Cell, T>(s, layout, row + r, panel + v, sum[r][v]);
  } else {
    // A copy: sums whose address others know would not stay in registers while they grow.
    Packet<T> passed[R][V][Cell::kSums];
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v)
        for (int i = 0; i < Cell::kSums; ++i) passed[r][v][i] = sum[r][v][i];
    layout.finish(s, layout, row, R, panel, V, passed[0][0]);
  }
}

/// Sums of R rows x V panels x gates.
template <class Cell, class T, int R, int V>
struct StepTile {
  static constexpr Index L = kLanes<T>;
  static constexpr int G = Cell::kGates;
  Packet<T> sum[R][V][Cell::kSums];

  LN_INLINE StepTile(const StepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                     Index panel) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) {
        const T* start = s.x ? s.bias : s.gates + (row + r) * layout.columns;
        for (int g = 0; g < G; ++g)
          sum[r][v][g] = load(start + layout.offset(panel + v) + g * kGateBlock<T>);
        // What the sums will end in is on its way while they run.
        const Index unit = (panel + v) * L, at = (row + r) * layout.padded + unit;
        if constexpr (Cell::kExtraSum) sum[r][v][G] = load(s.recurrent_bias + unit);
        __builtin_prefetch(s.h + at, 1);
        if (s.c) __builtin_prefetch(s.c + at, 1);
        if (s.y) __builtin_prefetch(s.y + (row + r) * s.y_stride + unit, 1);
      }
  }

  /// w: k-th row of the first panel; h: k-th value of the first row.
  template <bool Recurrent>
  LN_INLINE void multiply_add(const T* w, Index depth, const T* h, Index h_stride) {
    Packet<T> x[R];
    for (int r = 0; r < R; ++r) x[r] = broadcast(h[r * h_stride]);
    for (int v = 0; v < V; ++v)
      for (int g = 0; g < G; ++g) {
        const int to = Recurrent ? Cell::recurrent_sum(g) : g;
        const Packet<T> weight = load(w + v * depth * G * L + g * L);
        for (int r = 0; r < R; ++r) sum[r][v][to] = ei::pmadd(weight, x[r], sum[r][v][to]);
      }
  }

  LN_INLINE void finish(const StepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                        Index panel) {
    finish_tile<Cell, T>(s, layout, row, panel, sum);
  }

  /// The sums alone, for finish_kept to take up later.
  LN_INLINE void keep(const StepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                      Index panel) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) {
        T* to = s.gates + (row + r) * layout.columns + layout.offset(panel + v);
        for (int g = 0; g < G; ++g) store(to + g * kGateBlock<T>, sum[r][v][g]);
        if constexpr (Cell::kExtraSum)
          store(s.c + (row + r) * layout.padded + (panel + v) * L, sum[r][v][G]);
      }
  }
};

/// R rows x V panels.
template <class Cell, class T, int R, int V, bool Finish = true>
LN_INLINE void step_tile(const StepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                         Index panel) {
  constexpr Index width = Cell::kGates * kLanes<T>;
  const Index depth = s.depth;
  StepTile<Cell, T, R, V> tile(s, layout, row, panel);
  if (s.x) {
    const T* x = s.x + row * s.x_stride;
    const T* w = s.input + panel * s.inputs * width;
    for (Index k = 0; k < s.inputs; ++k, w += width)
      tile.template multiply_add<false>(w, s.inputs, x + k, s.x_stride);
  }
  const T* h = s.h_prev + row * s.h_stride;
  const T* w = s.recurrent + panel * depth * width;
  for (Index k = 0; k < depth; ++k, w += width)
    tile.template multiply_add<true>(w, depth, h + k, s.h_stride);
  if constexpr (Finish)
    tile.finish(s, layout, row, panel);
  else
    tile.keep(s, layout, row, panel);
}

/// The cell of a panel of the first row whose sums StepTile::keep has left.
template <class Cell, class T>
LN_INLINE void finish_kept(const StepArgs<T>& s, const StepLayout<Cell, T>& layout, Index panel) {
  Packet<T> sum[1][1][Cell::kSums];
  const T* from = s.gates + layout.offset(panel);
  for (int g = 0; g < Cell::kGates; ++g) sum[0][0][g] = load(from + g * kGateBlock<T>);
  if constexpr (Cell::kExtraSum) sum[0][0][Cell::kGates] = load(s.c + panel * kLanes<T>);
  finish_tile<Cell, T>(s, layout, 0, panel, sum);
}

/// Calls body(panels-like V, first panel) so that groups of at most V panels cover all of them.
template <int V, class Body>
LN_INLINE void for_panel_groups(Index begin, Index end, bool last_first, const Body& body) {
  const Index groups = (end - begin) / V;
  for (Index i = 0; i < groups; ++i) body(Rows<V>{}, begin + V * (last_first ? groups - 1 - i : i));
  if constexpr (V > 1) for_panel_groups<V / 2>(begin + groups * V, end, last_first, body);
}

}  // namespace LN_ISA
}  // namespace lstm_native
