// One vector of hidden units of one row, as a cell sees it on its way forward or back.
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
};

/// k old + (1 - k) fresh (Krueger et al. 2017).
template <class P>
LN_INLINE P zoned_out(const P& k, const P& old, const P& fresh) {
  using T = typename ei::unpacket_traits<P>::type;
  return ei::pmadd(k, old, ei::pmul(ei::psub(ei::pset1<P>(T(1)), k), fresh));
}

}  // namespace LN_ISA
}  // namespace lstm_native
