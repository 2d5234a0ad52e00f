// How the gates of a step lie, and which cells share their tiles.
#pragma once

#include "kernels/cell_site.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Gates that a row has; half a step of a cell may compute some of them only.
template <class Cell, class = void>
struct RowGates {
  static constexpr int count = Cell::kGates, first = 0;
};
template <class Cell>
struct RowGates<Cell, std::void_t<decltype(Cell::kRowGates)>> {
  static constexpr int count = Cell::kRowGates, first = Cell::kFirstGate;
};
template <class Cell>
inline constexpr bool kHalfStep = RowGates<Cell>::count != Cell::kGates;
/// The first half of a step has no output, and its sums are read by the second.
template <class Cell>
inline constexpr bool kFirstHalf = kHalfStep<Cell> && RowGates<Cell>::first == 0;

/// Rows of the product whose sums fit into the registers beside those of the step.
template <class Cell>
inline constexpr int kAheadRows = !Cell::kGeneral && kRegisters >= 32 ? 8 : 0;

/// Vectors of columns that the product takes up together.
inline constexpr int kAheadVectors = 2;

/// Where this cell's gates of a panel (lanes hidden units) begin in a row.
template <class Cell, class T>
LN_INLINE Index panel_offset(Index panel) {
  return gate_offset<T>(RowGates<Cell>::count, panel * kLanes<T>) +
         RowGates<Cell>::first * kGateBlock<T>;
}

/// How the rows of a step lie: panels that hold its units, P, and values per row of gates.
template <class Cell, class T>
struct StepLayout {
  Index panel_begin, panel_end, padded, columns;

  template <class Args>
  explicit StepLayout(const Args& s)
      : panel_begin(s.unit_begin / kLanes<T>),
        panel_end((s.unit_end + kLanes<T> - 1) / kLanes<T>),
        padded(padded_units<T>(s.hidden_size)),
        columns(RowGates<Cell>::count * padded) {}

  LN_INLINE Index offset(Index panel) const { return panel_offset<Cell, T>(panel); }
};

/// Cells that are called are one to the tiles: they differ in what is called, and in how many gates
/// a row has. So the tiles are compiled once for all that have as many sums.
template <int Gates, int Sums>
struct CalledCell : CellTraits {
  static constexpr int kGates = Gates, kSums = Sums;
  static constexpr bool kExtraSum = Sums > Gates;
  /// The last gate's recurrent sum is the extra one.
  static constexpr int recurrent_sum(int g) { return kExtraSum && g == Gates - 1 ? Gates : g; }
};

template <int Gates, int Sums, class T>
struct StepLayout<CalledCell<Gates, Sums>, T> {
  Index panel_begin, panel_end, padded, columns;
  int row_gates, first_gate;
  void (*finish)(const StepArgs<T>&, const StepLayout&, Index row, Index rows, Index panel,
                 Index panels, Packet<T>* sum);

  LN_INLINE Index offset(Index panel) const {
    return gate_offset<T>(row_gates, panel * kLanes<T>) + first_gate * kGateBlock<T>;
  }
};

}  // namespace LN_ISA
}  // namespace lstm_native
