// The kernels of a cell, made of its policy: one step, or many, and a step back.
#pragma once

#include "kernels/set_functions.hpp"
#include "kernels/step_cell.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Steps of all cells that have this many gates and sums (called_steps.cpp).
template <class Called, class T>
void run_called_steps(const StepArgs<T>& s, const StepLayout<Called, T>& layout);

/// A cell with tiles of its own (kInline) includes recurrent_step.hpp for them.
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
const CellKernels<T> CellFunctions<Cell, T>::kernels = {
    Cell::kGates,   kAheadRows<Cell>,         kAheadVectors * kLanes<T>,        Cell::kDirect,
    Cell::kGeneral, &recurrent_step<Cell, T>, &recurrent_step_backward<Cell, T>};

}  // namespace LN_ISA
}  // namespace lstm_native
