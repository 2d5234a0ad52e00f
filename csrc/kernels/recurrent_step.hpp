// One time step of a gated cell: recurrent product and pointwise cell in one pass, so that the
// gates never leave the registers before they are applied.
#pragma once

#include "kernels/lstm_cell.hpp"
#include "kernels/tile.hpp"

namespace lstm_native {
namespace LN_ISA {

/// R rows x P panels (lanes hidden units each). Several panels at once give a single row enough
/// independent sums to hide the latency of the multiply-adds.
template <class Cell, class T, int R, int P>
LN_INLINE void step_tile(const LstmStepArgs<T>& s, Index padded, Index row, Index panel) {
  constexpr Index L = kLanes<T>;
  constexpr int G = Cell::kGates;
  const Index depth = s.hidden_size;
  Packet<T> sum[R][P][G];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p)
      for (int g = 0; g < G; ++g)
        sum[r][p][g] = load(s.projected + (row + r) * G * padded + ((panel + p) * G + g) * L);

  const T* h = s.h_prev + row * padded;
  const T* w = s.recurrent + panel * depth * G * L;
  for (Index k = 0; k < depth; ++k) {
    Packet<T> x[R];
    for (int r = 0; r < R; ++r) x[r] = broadcast(h[r * padded + k]);
    for (int p = 0; p < P; ++p)
      for (int g = 0; g < G; ++g) {
        const Packet<T> weight = load(w + p * depth * G * L + g * L);
        for (int r = 0; r < R; ++r) sum[r][p][g] = ei::pmadd(weight, x[r], sum[r][p][g]);
      }
    w += G * L;
  }

  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) {
      const Index unit = (panel + p) * L;
      const Index at = (row + r) * padded + unit;
      Packet<T> c;
      const Packet<T> out = Cell::forward(sum[r][p], load(s.c_prev + at), c);
      store(s.c + at, c);
      store(s.h + at, out);
      if (s.gates)
        for (int g = 0; g < G; ++g)
          store(s.gates + (row + r) * G * padded + (panel + p) * G * L + g * L, sum[r][p][g]);
      if (s.y) store_partial(s.y + (row + r) * s.y_stride + unit, out, s.hidden_size - unit);
    }
}

template <class Cell, class T>
void recurrent_step(const LstmStepArgs<T>& s) {
  constexpr Index L = kLanes<T>;
  const Index panels = (s.hidden_size + L - 1) / L, padded = panels * L;
  if (s.rows == 1) {
    Index panel = 0;
    for (; panel + 2 <= panels; panel += 2) step_tile<Cell, T, 1, 2>(s, padded, 0, panel);
    if (panel < panels) step_tile<Cell, T, 1, 1>(s, padded, 0, panel);
    return;
  }
  for (Index panel = 0; panel < panels; ++panel)
    for_row_tiles<kMaxRows>(s.rows, [&](auto size, Index row) __attribute__((always_inline)) {
      step_tile<Cell, T, decltype(size)::value, 1>(s, padded, row, panel);
    });
}

template <class Cell, class T>
void recurrent_step_backward(const LstmStepBackwardArgs<T>& s) {
  constexpr Index L = kLanes<T>;
  constexpr int G = Cell::kGates;
  const Index panels = (s.hidden_size + L - 1) / L, padded = panels * L;
  for (Index row = 0; row < s.rows; ++row)
    for (Index panel = 0; panel < panels; ++panel) {
      const Index unit = panel * L, at = row * padded + unit;
      T* gates = s.gates + row * G * padded + panel * G * L;
      Packet<T> gate[G];
      for (int g = 0; g < G; ++g) gate[g] = load(gates + g * L);
      Packet<T> dh = load(s.dh + at);
      if (s.dy)
        dh = ei::padd(dh, load_partial(s.dy + row * s.dy_stride + unit, s.hidden_size - unit));
      const Packet<T> dc =
          Cell::backward(gate, load(s.c_prev + at), load(s.c + at), dh, load(s.dc + at));
      store(s.dc + at, dc);
      for (int g = 0; g < G; ++g) store(gates + g * L, gate[g]);
    }
}

}  // namespace LN_ISA
}  // namespace lstm_native
