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

}  // namespace LN_ISA
}  // namespace lstm_native
