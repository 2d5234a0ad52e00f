// What one row's step does beside its own sums: the projection of rows to come.
//
// The step of a single row reads each weight once, and waits for it to come through the caches.
// Between its multiply-adds there is room for those of a product that reads each weight for several
// rows. The row has its sums in registers, and so have, beside it, kAheadRows rows of the product.
#pragma once

#include "kernels/step_tile.hpp"

namespace lstm_native {
namespace LN_ISA {

/// A product of R rows, some vectors of columns after the other, to be taken up a piece at a time.
template <class T, int R>
class ProductAhead {
 public:
  /// So many groups of columns from the first one on.
  LN_INLINE ProductAhead(const ProductArgs<T>& p, Index group, Index groups)
      : p_(p), group_(group), left_(groups) {
    begin();
  }

  /// Multiply-adds of one k, if there are any left.
  LN_INLINE void advance() {
    if (left_ <= 0) return;
    Packet<T> w[V];
    LN_UNROLL for (int v = 0; v < V; ++v) w[v] = load(b_ + v * next_);
    LN_UNROLL for (int r = 0; r < R; ++r) {
      const Packet<T> x = broadcast(a_[r * p_.a_stride]);
      LN_UNROLL for (int v = 0; v < V; ++v) sum_[r][v] = ei::pmadd(w[v], x, sum_[r][v]);
    }
    ++a_;
    b_ += b_step_;
    if (a_ == a_end_) end();
  }
  LN_INLINE void finish() {
    while (left_ > 0) advance();
  }

 private:
  static constexpr Index L = kLanes<T>;
  static constexpr int V = kAheadVectors;
  static_assert(V == 2, "next_ is the distance of the second");

  LN_INLINE void begin() {
    if (left_ <= 0) return;
    const Index vector = V * group_, vectors = (p_.cols + L - 1) / L;
    const Index panel = vector / kPanelVectors;
    const Index rest = vectors - panel * kPanelVectors;
    b_step_ = (rest < kPanelVectors ? rest : kPanelVectors) * L;
    b_ = p_.packed + panel * kPanelVectors * L * p_.depth + vector % kPanelVectors * L;
    next_ = vector + 1 < vectors ? L : 0;  // a last one without a partner is its own
    a_ = p_.a;
    a_end_ = p_.a + p_.depth;
    col_ = vector * L;
    LN_UNROLL for (int v = 0; v < V; ++v) {
      const Packet<T> bias = load(p_.bias + col_ + v * next_);
      LN_UNROLL for (int r = 0; r < R; ++r) sum_[r][v] = bias;
    }
  }
  LN_INLINE void end() {
    LN_UNROLL for (int r = 0; r < R; ++r) LN_UNROLL for (int v = 0; v < V; ++v)
        store(p_.out + r * p_.out_stride + col_ + v * next_, sum_[r][v]);
    ++group_;
    --left_;
    begin();
  }

  const ProductArgs<T>& p_;
  Index group_, left_, b_step_ = 0, next_ = 0, col_ = 0;
  const T *a_ = nullptr, *a_end_ = nullptr, *b_ = nullptr;
  Packet<T> sum_[R][V];
};

/// How a product is mixed in: `extra` of its pieces for `every` multiply-adds of a panel.
struct Mixture {
  Index every, extra, due = 0;

  /// So many multiply-adds of a panel later.
  template <class Ahead>
  LN_INLINE void after(Index done, Ahead& ahead) {
    for (due += extra * done; due >= every; due -= every) ahead.advance();
  }
};

/// Sums of V panels, with a product evenly mixed in.
template <class Cell, class T, int V, class Ahead>
LN_INLINE void step_tile_beside(const StepArgs<T>& s, const StepLayout<Cell, T>& layout,
                                Index panel, Mixture& mixture, Ahead& ahead) {
  constexpr Index width = Cell::kGates * kLanes<T>, unrolled = 4;
  StepTile<Cell, T, 1, V> tile(s, layout, 0, panel);
  const T* w = s.recurrent + panel * s.depth * width;
  const T* h = s.h_prev;
  const T* const end = h + s.depth;
  for (; h + unrolled <= end; h += unrolled, w += unrolled * width) {
    for (Index k = 0; k < unrolled; ++k)
      tile.template multiply_add<true>(w + k * width, s.depth, h + k, 0);
    mixture.after(unrolled * V, ahead);
  }
  for (; h < end; ++h, w += width) tile.template multiply_add<true>(w, s.depth, h, 0);
  tile.keep(s, layout, 0, panel);
}

/// One row: its sums, beside them this step's share of s.ahead, then its cells.
template <class Cell, class T>
LN_NOINLINE void step_and_ahead(const StepArgs<T>& args, const StepLayout<Cell, T>& where) {
  const StepArgs<T> s = args;  // see step_of_rows
  const StepLayout<Cell, T> layout = where;
  const Index panels = layout.panel_end - layout.panel_begin;
  const Index rest = s.ahead_end - s.ahead_begin;
  const Index groups = s.ahead_share < rest ? s.ahead_share : rest;
  ProductAhead<T, kAheadRows<Cell>> ahead(s.ahead, s.ahead_begin, groups);
  Mixture mixture{panels * s.depth, groups > 0 ? groups * s.ahead.depth : 0};
  for_panel_groups<kPanels<Cell>>(layout.panel_begin, layout.panel_end, s.last_first,
                                  [&](auto size, Index panel) __attribute__((always_inline)) {
                                    step_tile_beside<Cell, T, decltype(size)::value>(
                                        s, layout, panel, mixture, ahead);
                                  });
  ahead.finish();
  for (Index panel = layout.panel_begin; panel < layout.panel_end; ++panel)
    finish_kept<Cell, T>(s, layout, panel);
}

}  // namespace LN_ISA
}  // namespace lstm_native
