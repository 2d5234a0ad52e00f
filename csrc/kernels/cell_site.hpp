// What a cell is, and what it sees: one vector of hidden units of one row, forward or back.
//
// A cell is a policy: a struct that derives from CellTraits and has
//   forward(site, sum)           sums in, out what `backward` reads; returns the output h
//   backward(site, dh, gate)     `gate` in as forward left it, out the gradients of the sums
// The step, of one row or many, is made of it in cell_kernels.hpp.
//
// A kind of layer has
//   one policy     if its gates follow from x and h at once: LSTM, GRU as PyTorch has it, minGRU;
//   one more       if it has options: the plain one has its functions compiled in and keeps the
//                  gates; the general one (kGeneral) reads CellOptions, keeps the sums, makes the
//                  gates again on the way back and returns what reaches the old h past the product.
//                  plan_of (core/specs/cell_plan.cpp) chooses the plain one where it will do;
//   two halves     if a gate of all units must be known before another gate's recurrent product: a
//                  GRU whose reset gate acts before it. Each half is a policy with some of the
//                  row's gates (kRowGates, kFirstGate) and a phase of the plan with a product of
//                  its own. Forward, the half with the first gates runs first (forward_half) and
//                  leaves in StepArgs::c what the second one's product reads. Back, the second half
//                  runs first, then its product (StepBackwardArgs::d_reset), then the first half
//                  (backward_half). What the second half finds for a gate of the first goes through
//                  a slot of its own: `hand_on`, `handed_on`. So a gate that both halves use keeps
//                  its sum beside the part of its gradient that is known already.
#pragma once

#include "kernels/simd.hpp"
#include "kernels/step_args.hpp"

namespace lstm_native {
namespace LN_ISA {

/// P, for so many hidden units.
template <class T>
LN_INLINE Index padded_units(Index hidden_size) {
  return (hidden_size + kGateBlock<T> - 1) / kGateBlock<T> * kGateBlock<T>;
}

/// Where the gates of a hidden unit, the first of a register, begin in a row in gate order; gate g
/// follows g * kGateBlock behind.
template <class T>
LN_INLINE Index gate_offset(int row_gates, Index unit) {
  return unit / kGateBlock<T> * (row_gates * kGateBlock<T>)+unit % kGateBlock<T>;
}

/// What most cells have in common; each derives from it and says what differs.
struct CellTraits {
  /// Sum that gate g of the recurrent weights adds to; the input's gate g adds to sum g.
  static constexpr int recurrent_sum(int g) { return g; }
  /// Whether there is one more sum than gates: it starts from StepArgs::recurrent_bias and is kept
  /// in StepArgs::c.
  static constexpr bool kExtraSum = false;
  /// Whether it leads a gradient past the recurrent product (StepBackwardArgs::dh).
  static constexpr bool kDirect = false;
  /// Whether it reads CellOptions.
  static constexpr bool kGeneral = false;
  /// Whether the tiles are compiled for this cell alone, with the cell in them. Otherwise it shares
  /// them and is called once a tile, see CalledCell: a third of the code for next to no time.
  static constexpr bool kInline = false;
};

template <class T>
struct StepSite {
  const StepArgs<T>& step;
  Index row, unit, at;  // at: of this site in rows x P

  LN_INLINE Packet<T> h_old() const { return load(step.h_old + at); }
  LN_INLINE Packet<T> c_prev() const { return load(step.c_prev + at); }
  LN_INLINE void set_c(const Packet<T>& c) const { store(step.c + at, c); }
  LN_INLINE Index kept_at() const { return row * step.keep_stride + unit; }
};

template <class T>
struct BackwardSite {
  const StepBackwardArgs<T>& step;
  Index row, unit, at;
  T* recurrent_gates;  // of gate 0 of this site

  LN_INLINE Packet<T> h_old() const { return load(step.h_old + at); }
  LN_INLINE Packet<T> c_prev() const { return load(step.c_prev + at); }
  LN_INLINE Packet<T> c() const { return load(step.c + at); }
  LN_INLINE Packet<T> dc() const { return load(step.dc + at); }
  LN_INLINE void set_dc(const Packet<T>& v) const { store(step.dc + at, v); }
  LN_INLINE void set_dh(const Packet<T>& v) const { store(step.dh + at, v); }
  LN_INLINE void set_recurrent_gate(int g, const Packet<T>& v) const {
    store(recurrent_gates + g * kGateBlock<T>, v);
  }
  LN_INLINE Index kept_at() const { return row * step.keep_stride + unit; }
  /// In the second half of a step: its part of the gradient of the first half's gate g.
  template <int FirstHalfGates>
  LN_INLINE void hand_on(int g, const Packet<T>& v) const {
    store(step.handed_on + row * step.recurrent_stride + gate_offset<T>(FirstHalfGates, unit) +
              g * kGateBlock<T>,
          v);
  }
  /// In the first half: what the second one handed on. It stands where this half's own gradients of
  /// recurrent sums will: read it before set_recurrent_gate(g).
  LN_INLINE Packet<T> handed_on(int g) const { return load(recurrent_gates + g * kGateBlock<T>); }
};

/// k old + (1 - k) fresh (Krueger et al. 2017).
template <class P>
LN_INLINE P zoned_out(const P& k, const P& old, const P& fresh) {
  using T = typename ei::unpacket_traits<P>::type;
  return ei::pmadd(k, old, ei::pmul(ei::psub(ei::pset1<P>(T(1)), k), fresh));
}

}  // namespace LN_ISA
}  // namespace lstm_native
