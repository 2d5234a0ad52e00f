// Time steps of a gated cell: recurrent product and pointwise cell in one pass, so that the gates
// never leave the registers before they are applied.
#pragma once

#include "kernels/step_ahead.hpp"

namespace lstm_native {
namespace LN_ISA {

/// One row: all sums first. The cell's long chain of operations then runs for many panels at once,
/// instead of holding up the sums of the next panel.
template <class Cell, class T>
LN_NOINLINE void step_many_panels(const StepArgs<T>& args, const StepLayout<Cell, T>& where) {
  // Of its own: what others see would be read again after every store.
  const StepArgs<T> s = args;
  const StepLayout<Cell, T> layout = where;
  for_panel_groups<kPanelsOfOneRow<Cell>>(
      layout.panel_begin, layout.panel_end, s.last_first,
      [&](auto size, Index panel) __attribute__((always_inline)) {
        step_tile<Cell, T, 1, decltype(size)::value, false>(s, layout, 0, panel);
      });
  for (Index panel = layout.panel_begin; panel < layout.panel_end; ++panel)
    finish_kept<Cell, T>(s, layout, panel);
}

/// One row whose panels all fit beside each other: sums and cell in one go.
template <class Cell, class T>
LN_INLINE void step_few_panels(const StepArgs<T>& s, const StepLayout<Cell, T>& layout) {
  for_panel_groups<kPanelsOfOneRow<Cell>>(
      layout.panel_begin, layout.panel_end, false,
      [&](auto size, Index panel) __attribute__((always_inline)) {
        step_tile<Cell, T, 1, decltype(size)::value>(s, layout, 0, panel);
      });
}

template <class Cell, class T>
LN_INLINE void step_of_rows(const StepArgs<T>& s, const StepLayout<Cell, T>& layout) {
  for_panel_groups<kPanels<Cell>>(
      layout.panel_begin, layout.panel_end, s.last_first,
      [&](auto panels, Index panel) __attribute__((always_inline)) {
        for_row_tiles<kMaxRows>(s.rows, [&](auto size, Index row) __attribute__((always_inline)) {
          step_tile<Cell, T, decltype(size)::value, decltype(panels)::value>(s, layout, row, panel);
        });
      });
}

/// On to the next of s.steps; false when there is none.
template <class T>
LN_INLINE bool next_step(StepArgs<T>& s) {
  if (--s.steps == 0) return false;
  T* const written = s.h;
  s.h = s.h_step ? written + s.h_step : const_cast<T*>(s.h_prev);
  s.h_prev = s.h_old = written;
  s.c_prev = s.c;
  s.c += s.c_step;
  s.gates += s.gates_step;
  if (s.x) s.x += s.x_step;
  if (s.y) s.y += s.y_step;
  s.ahead_begin += s.ahead_share;
  s.last_first = !s.last_first;
  return true;
}

template <class Cell, class T>
LN_INLINE void step_of_one_row(const StepArgs<T>& s, const StepLayout<Cell, T>& layout) {
  if constexpr (kAheadRows<Cell> > 0)
    if (s.ahead.rows > 0) return step_and_ahead<Cell, T>(s, layout);
  if (layout.panel_end - layout.panel_begin > kPanelsOfOneRow<Cell>)
    return step_many_panels<Cell, T>(s, layout);
  step_few_panels<Cell, T>(s, layout);
}

template <class Cell, class T>
LN_INLINE void run_steps(const StepArgs<T>& first, const StepLayout<Cell, T>& layout) {
  // A stream's step is too short to copy its arguments.
  if (first.rows == 1 && first.steps == 1) return step_of_one_row<Cell, T>(first, layout);
  StepArgs<T> s = first;
  do {
    if (s.rows > 1)
      step_of_rows<Cell, T>(s, layout);
    else
      step_of_one_row<Cell, T>(s, layout);
  } while (next_step(s));
}

/// One function for all cells that have this many sums.
template <class Called, class T>
LN_NOINLINE void run_called_steps(const StepArgs<T>& s, const StepLayout<Called, T>& layout) {
  run_steps(s, layout);
}

template <class Cell, class T>
void recurrent_step(const StepArgs<T>& s) {
  if constexpr (Cell::kInline)
    run_steps(s, StepLayout<Cell, T>(s));
  else
    run_called_steps(s, called_layout<Cell>(s));
}

template <class Cell, class T>
LN_INLINE void cell_backward(const BackwardSite<T>& site, Index hidden_size, Packet<T>* gate) {
  const StepBackwardArgs<T>& s = site.step;
  if constexpr (kFirstHalf<Cell>) {
    Cell::backward_half(site, gate);
  } else {
    Packet<T> dh = load(s.dh + site.at);
    if (s.dy)
      dh = ei::padd(
          dh, load_partial(s.dy + site.row * s.dy_stride + site.unit, hidden_size - site.unit));
    if constexpr (Cell::kGeneral) {
      if (s.part == StepPart::cell) {
        Cell::backward(site, dh, gate);
        return;
      }
      if (s.mask && s.d_recur)
        dh = ei::pmadd(load(s.d_recur + site.at), load(s.mask + site.at), dh);
      Packet<T> direct = broadcast(T(0));
      if (s.keep_h) {
        direct = ei::pmul(dh, load(s.keep_h + site.kept_at()));
        dh = ei::psub(dh, direct);
      }
      site.set_dh(ei::padd(direct, Cell::backward(site, dh, gate)));
    } else {
      Cell::backward(site, dh, gate);
    }
  }
}

template <class Cell, class T>
void recurrent_step_backward(const StepBackwardArgs<T>& s) {
  constexpr Index L = kLanes<T>;
  constexpr int G = Cell::kGates;
  const StepLayout<Cell, T> layout(s);
  for (Index row = 0; row < s.rows; ++row)
    for (Index panel = layout.panel_begin; panel < layout.panel_end; ++panel) {
      const Index unit = panel * L, at = row * layout.padded + unit;
      const Index gates_at = row * layout.columns + panel_offset<Cell, T>(panel);
      T* gates = s.gates + gates_at;
      if (s.next_gates) {
        for (int g = 0; g < G; ++g) __builtin_prefetch(s.next_gates + gates_at + g * kGateBlock<T>);
        if (s.next_c) __builtin_prefetch(s.next_c + at);
        if (s.next_dy) __builtin_prefetch(s.next_dy + row * s.dy_stride + unit);
      }
      Packet<T> gate[G];
      for (int g = 0; g < G; ++g) gate[g] = load(gates + g * kGateBlock<T>);
      T* const recurrent =
          s.recurrent_gates ? s.recurrent_gates + row * s.recurrent_stride + gate_offset<T>(G, unit)
                            : nullptr;
      const BackwardSite<T> site{s, row, unit, at, recurrent};
      cell_backward<Cell, T>(site, s.hidden_size, gate);
      for (int g = 0; g < G; ++g) store(gates + g * kGateBlock<T>, gate[g]);
    }
}

template <class Cell, class T>
constexpr CellKernels<T> cell_entry() {
  return {Cell::kGates,   kAheadRows<Cell>,         kAheadVectors * kLanes<T>,        Cell::kDirect,
          Cell::kGeneral, &recurrent_step<Cell, T>, &recurrent_step_backward<Cell, T>};
}

}  // namespace LN_ISA
}  // namespace lstm_native
