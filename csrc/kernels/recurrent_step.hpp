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

/// Rows of a projection that fit into the registers beside one row of a step, where a panel of the
/// product holds the columns of one panel of units.
template <class T>
inline constexpr int kAheadRows = kRegisters >= 32 && kLanes<T> == kGateBlock<T> ? 5 : 0;

/// From the sums of one row and panel to its gates, cell and output.
template <class Cell, class T>
LN_INLINE void apply_cell(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                          Index panel, Packet<T>* gate) {
  const Index unit = panel * kLanes<T>, at = row * layout.padded + unit;
  Packet<T> c;
  const Packet<T> h = Cell::forward(gate, load(s.c_prev + at), c);
  store(s.c + at, c);
  store(s.h + at, h);
  if (s.y) store_partial(s.y + row * s.y_stride + unit, h, s.hidden_size - unit);
  if (!s.remember) return;
  T* to = s.gates + row * layout.columns + gate_offset<Cell, T>(panel);
  for (int g = 0; g < Cell::kGates; ++g) store(to + g * kGateBlock<T>, gate[g]);
}

/// Sums of R rows x V panels x gates.
template <class Cell, class T, int R, int V>
struct StepTile {
  static constexpr Index L = kLanes<T>;
  static constexpr int G = Cell::kGates;
  Packet<T> sum[R][V][G];

  LN_INLINE StepTile(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                     Index panel) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) {
        const T* start = s.x ? s.bias : s.gates + (row + r) * layout.columns;
        for (int g = 0; g < G; ++g)
          sum[r][v][g] = load(start + gate_offset<Cell, T>(panel + v) + g * kGateBlock<T>);
        // What the sums will end in is on its way while they run.
        const Index unit = (panel + v) * L, at = (row + r) * layout.padded + unit;
        __builtin_prefetch(s.h + at, 1);
        __builtin_prefetch(s.c + at, 1);
        if (s.y) __builtin_prefetch(s.y + (row + r) * s.y_stride + unit, 1);
      }
  }

  /// w: k-th row of the first panel; h: k-th value of the first row.
  LN_INLINE void multiply_add(const T* w, Index depth, const T* h, Index h_stride) {
    Packet<T> x[R];
    for (int r = 0; r < R; ++r) x[r] = broadcast(h[r * h_stride]);
    for (int v = 0; v < V; ++v)
      for (int g = 0; g < G; ++g) {
        const Packet<T> weight = load(w + v * depth * G * L + g * L);
        for (int r = 0; r < R; ++r) sum[r][v][g] = ei::pmadd(weight, x[r], sum[r][v][g]);
      }
  }

  LN_INLINE void finish(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                        Index panel) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) apply_cell<Cell, T>(s, layout, row + r, panel + v, sum[r][v]);
  }

  /// The sums alone, for apply_cell to take up later.
  LN_INLINE void keep(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                      Index panel) {
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v)
        for (int g = 0; g < G; ++g)
          store(s.gates + (row + r) * layout.columns + gate_offset<Cell, T>(panel + v) +
                    g * kGateBlock<T>,
                sum[r][v][g]);
  }
};

/// R rows x V panels. Several panels at once give a single row enough independent sums to hide
/// the latency of the multiply-adds.
template <class Cell, class T, int R, int V, bool Finish = true>
LN_INLINE void step_tile(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout, Index row,
                         Index panel) {
  constexpr Index width = Cell::kGates * kLanes<T>;
  const Index depth = s.hidden_size;
  StepTile<Cell, T, R, V> tile(s, layout, row, panel);
  if (s.x) {
    const T* x = s.x + row * s.x_stride;
    const T* w = s.input + panel * s.inputs * width;
    for (Index k = 0; k < s.inputs; ++k, w += width)
      tile.multiply_add(w, s.inputs, x + k, s.x_stride);
  }
  const T* h = s.h_prev + row * layout.padded;
  const T* w = s.recurrent + panel * depth * width;
  for (Index k = 0; k < depth; ++k, w += width) tile.multiply_add(w, depth, h + k, layout.padded);
  if constexpr (Finish)
    tile.finish(s, layout, row, panel);
  else
    tile.keep(s, layout, row, panel);
}

/// One row x one panel, and beside it the part of s.ahead for R rows and the same columns.
template <class Cell, class T, int R>
LN_INLINE void step_tile_ahead(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout,
                               Index panel) {
  constexpr Index L = kLanes<T>, width = Cell::kGates * L;
  static_assert(Cell::kGates == kPanelVectors, "a panel of gates is a panel of the product");
  const ProductArgs<T>& ahead = s.ahead;
  const Index depth = s.hidden_size, count = s.ahead_end - s.ahead_begin;
  StepTile<Cell, T, 1, 1> tile(s, layout, 0, panel);
  const T* w = s.recurrent + panel * depth * width;
  const Index col = panel * width;
  T* out = ahead.out + col;
  Tile<T, R, kPanelVectors> other;
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < kPanelVectors; ++v)
      other.sum[r][v] =
          load(s.ahead_begin == 0 ? ahead.bias + col + v * L : out + r * ahead.out_stride + v * L);
  const T* a = ahead.a + s.ahead_begin;
  const T* b = ahead.packed + (panel * ahead.depth + s.ahead_begin) * width;
  // `depth` iterations of this product and `count` of the other, evenly mixed.
  Index k = 0;
  for (Index i = 0, due = depth; i < count; ++i, due += depth, ++a, b += width) {
    for (; k * count < due; ++k, w += width) tile.multiply_add(w, depth, s.h_prev + k, 0);
    other.multiply_add(1, a, ahead.a_stride, 1, b, width);
  }
  for (; k < depth; ++k, w += width) tile.multiply_add(w, depth, s.h_prev + k, 0);
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < kPanelVectors; ++v)
      store(out + r * ahead.out_stride + v * L, other.sum[r][v]);
  tile.keep(s, layout, 0, panel);
}

/// One row: all sums first. The cell's long chain of operations then runs for many panels at once,
/// instead of holding up the sums of the next panel.
template <class Cell, class T>
LN_INLINE void step_one_row(const LstmStepArgs<T>& s, const StepLayout<Cell, T>& layout) {
  const Index panels = layout.panel_end - layout.panel_begin;
  const auto panel_at = [&](Index i) {
    return s.last_first ? layout.panel_end - 1 - i : layout.panel_begin + i;
  };
  if (s.ahead.rows > 0) {
    if constexpr (kAheadRows<T> > 0)
      for_row_tiles<kAheadRows<T>>(
          s.ahead.rows, [&](auto size, Index) __attribute__((always_inline)) {
            for (Index i = 0; i < panels; ++i)
              step_tile_ahead<Cell, T, decltype(size)::value>(s, layout, panel_at(i));
          });
  } else if (panels <= 2) {
    if (panels == 2) return step_tile<Cell, T, 1, 2>(s, layout, 0, layout.panel_begin);
    return step_tile<Cell, T, 1, 1>(s, layout, 0, layout.panel_begin);
  } else {
    for (Index i = 0; i + 2 <= panels; i += 2)
      step_tile<Cell, T, 1, 2, false>(s, layout, 0, s.last_first ? panel_at(i + 1) : panel_at(i));
    if (panels % 2) step_tile<Cell, T, 1, 1, false>(s, layout, 0, panel_at(panels - 1));
  }
  for (Index panel = layout.panel_begin; panel < layout.panel_end; ++panel) {
    Packet<T> gate[Cell::kGates];
    for (int g = 0; g < Cell::kGates; ++g)
      gate[g] = load(s.gates + gate_offset<Cell, T>(panel) + g * kGateBlock<T>);
    apply_cell<Cell, T>(s, layout, 0, panel, gate);
  }
}

template <class Cell, class T>
void recurrent_step(const LstmStepArgs<T>& s) {
  const StepLayout<Cell, T> layout(s);
  if (s.rows == 1) return step_one_row<Cell, T>(s, layout);
  for (Index i = layout.panel_begin; i < layout.panel_end; ++i) {
    const Index panel = s.last_first ? layout.panel_end - 1 - (i - layout.panel_begin) : i;
    for_row_tiles<kMaxRows>(s.rows, [&](auto size, Index row) __attribute__((always_inline)) {
      step_tile<Cell, T, decltype(size)::value, 1>(s, layout, row, panel);
    });
  }
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
