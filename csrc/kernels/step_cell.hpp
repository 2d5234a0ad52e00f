// From the sums of a tile to its gates, cell and output.
#pragma once

#include "kernels/step_layout.hpp"

namespace lstm_native {
namespace LN_ISA {

/// From the sums of one row and panel to its gates, cell and output.
template <class Cell, class T, class Layout>
LN_INLINE void apply_cell(const StepArgs<T>& s, const Layout& layout, Index row, Index panel,
                          Packet<T>* sum) {
  const Index unit = panel * kLanes<T>, at = row * layout.padded + unit;
  const StepSite<T> site{s, row, unit, at};
  T* to = s.gates + row * layout.columns + panel_offset<Cell, T>(panel);
  const auto keep_gates = [&]() __attribute__((always_inline)) {
    for (int g = 0; g < Cell::kGates; ++g) store(to + g * kGateBlock<T>, sum[g]);
  };
  if constexpr (kFirstHalf<Cell>) {
    Cell::forward_half(site, sum);
    return keep_gates();
  } else {
    Packet<T> h = Cell::forward(site, sum);
    bool keep = s.remember;
    if constexpr (Cell::kGeneral) {
      keep = keep || s.part == StepPart::cell;
      if (s.part == StepPart::cell) return keep_gates();
      if (s.keep_h) h = zoned_out(load(s.keep_h + site.kept_at()), site.h_old(), h);
      if (s.mask) store(s.recur + at, Packet<T>(ei::pmul(h, load(s.mask + at))));
    }
    store(s.h + at, h);
    if (s.y) store_partial(s.y + row * s.y_stride + unit, h, s.hidden_size - unit);
    if (keep) keep_gates();
  }
}

/// From the sums of some rows x panels to their gates, cells and outputs.
template <class Cell, class T, class Layout>
void call_cell(const StepArgs<T>& s, const Layout& layout, Index row, Index rows, Index panel,
               Index panels, Packet<T>* sum) {
  for (Index r = 0; r < rows; ++r)
    for (Index v = 0; v < panels; ++v, sum += Cell::kSums)
      apply_cell<Cell, T>(s, layout, row + r, panel + v, sum);
}

/// The layout of a step of this cell as the tiles that it shares see it.
template <class Cell, class T>
LN_INLINE auto called_layout(const StepArgs<T>& s) {
  using Called = CalledCell<Cell::kGates, Cell::kSums>;
  constexpr int last = Cell::kGates - 1;
  static_assert(Called::recurrent_sum(last) == Cell::recurrent_sum(last));
  const StepLayout<Cell, T> layout(s);
  return StepLayout<Called, T>{layout.panel_begin,
                               layout.panel_end,
                               layout.padded,
                               layout.columns,
                               RowGates<Cell>::count,
                               RowGates<Cell>::first,
                               &call_cell<Cell, T, StepLayout<Called, T>>};
}

}  // namespace LN_ISA
}  // namespace lstm_native
