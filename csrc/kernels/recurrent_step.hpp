// One time step of a gated cell: recurrent product and pointwise cell in one pass, so that the
// gates never leave the registers before they are applied.
#pragma once

#include "kernels/lstm_cell.hpp"
#include "kernels/tile.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Where the gates of a panel (lanes hidden units) begin in a row in gate order; gate g follows
/// g * kGateBlock behind.
template <class Cell, class T>
LN_INLINE Index gate_offset(Index panel) {
  const Index unit = panel * kLanes<T>, block = unit / kGateBlock<T>;
  return block * Cell::kGates * kGateBlock<T> + unit % kGateBlock<T>;
}

/// How the rows of a step lie: panels that hold its units, P, and values per row of gates.
template <class Cell, class T>
struct StepLayout {
  Index panel_begin, panel_end, padded, columns;

  template <class Args>
  explicit StepLayout(const Args& s)
      : panel_begin(s.unit_begin / kLanes<T>),
        panel_end((s.unit_end + kLanes<T> - 1) / kLanes<T>),
        padded((s.hidden_size + kGateBlock<T> - 1) / kGateBlock<T> * kGateBlock<T>),
        columns(Cell::kGates * padded) {}
};

/// R rows x V panels. Several panels at once give a single row enough independent sums to hide
/// the latency of the multiply-adds.
template <class Cell, class T, int R, int V>
LN_INLINE void step_tile(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                         Index panel) {
  constexpr Index L = kLanes<T>;
  constexpr int G = Cell::kGates;
  const Index depth = s.hidden_size;
  Packet<T> sum[R][V][G];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v)
      for (int g = 0; g < G; ++g)
        sum[r][v][g] = load(s.projected + (row + r) * layout.columns +
                            gate_offset<Cell, T>(panel + v) + g * kGateBlock<T>);

  // What the sums will end in is on its way while they run.
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      const Index unit = (panel + v) * L, at = (row + r) * layout.padded + unit;
      __builtin_prefetch(s.h + at, 1);
      __builtin_prefetch(s.c + at, 1);
      if (s.y) __builtin_prefetch(s.y + (row + r) * s.y_stride + unit, 1);
    }
  const T* h = s.h_prev + row * layout.padded;
  const T* w = s.recurrent + panel * depth * G * L;
  for (Index k = 0; k < depth; ++k) {
    Packet<T> x[R];
    for (int r = 0; r < R; ++r) x[r] = broadcast(h[r * layout.padded + k]);
    for (int v = 0; v < V; ++v)
      for (int g = 0; g < G; ++g) {
        const Packet<T> weight = load(w + v * depth * G * L + g * L);
        for (int r = 0; r < R; ++r) sum[r][v][g] = ei::pmadd(weight, x[r], sum[r][v][g]);
      }
    w += G * L;
  }

  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      const Index unit = (panel + v) * L;
      const Index at = (row + r) * layout.padded + unit;
      Packet<T> c;
      const Packet<T> out = Cell::forward(sum[r][v], load(s.c_prev + at), c);
      store(s.c + at, c);
      store(s.h + at, out);
      if (s.gates)
        for (int g = 0; g < G; ++g)
          store(s.gates + (row + r) * layout.columns + gate_offset<Cell, T>(panel + v) +
                    g * kGateBlock<T>,
                sum[r][v][g]);
      if (s.y) store_partial(s.y + (row + r) * s.y_stride + unit, out, s.hidden_size - unit);
    }
}

template <class Cell, class T>
void recurrent_step(const LstmStepArgs<T>& s) {
  const StepLayout<Cell, T> layout(s);
  if (s.rows == 1) {
    Index panel = layout.panel_begin;
    for (; panel + 2 <= layout.panel_end; panel += 2) step_tile<Cell, T, 1, 2>(s, layout, 0, panel);
    if (panel < layout.panel_end) step_tile<Cell, T, 1, 1>(s, layout, 0, panel);
    return;
  }
  for (Index panel = layout.panel_begin; panel < layout.panel_end; ++panel)
    for_row_tiles<kMaxRows>(s.rows, [&](auto size, Index row) __attribute__((always_inline)) {
      step_tile<Cell, T, decltype(size)::value, 1>(s, layout, row, panel);
    });
}

template <class Cell, class T>
void recurrent_step_backward(const LstmStepBackwardArgs<T>& s) {
  constexpr Index L = kLanes<T>;
  constexpr int G = Cell::kGates;
  const StepLayout<Cell, T> layout(s);
  for (Index row = 0; row < s.rows; ++row)
    for (Index panel = layout.panel_begin; panel < layout.panel_end; ++panel) {
      const Index unit = panel * L, at = row * layout.padded + unit;
      const Index gates_at = row * layout.columns + gate_offset<Cell, T>(panel);
      T* gates = s.gates + gates_at;
      if (s.next_gates) {
        for (int g = 0; g < G; ++g) __builtin_prefetch(s.next_gates + gates_at + g * kGateBlock<T>);
        __builtin_prefetch(s.next_c + at);
        if (s.next_dy) __builtin_prefetch(s.next_dy + row * s.dy_stride + unit);
      }
      Packet<T> gate[G];
      for (int g = 0; g < G; ++g) gate[g] = load(gates + g * kGateBlock<T>);
      Packet<T> dh = load(s.dh + at);
      if (s.dy)
        dh = ei::padd(dh, load_partial(s.dy + row * s.dy_stride + unit, s.hidden_size - unit));
      const Packet<T> dc =
          Cell::backward(gate, load(s.c_prev + at), load(s.c + at), dh, load(s.dc + at));
      store(s.dc + at, dc);
      for (int g = 0; g < G; ++g) store(gates + g * kGateBlock<T>, gate[g]);
    }
}

}  // namespace LN_ISA
}  // namespace lstm_native
