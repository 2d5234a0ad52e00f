// SIMD vocabulary of the kernels: a thin layer over Eigen's packet operations.
//
// Kernel sources are compiled once per instruction set. LN_ISA names the set and is the
// namespace of all they define; the build also renames Eigen per set, so that no two objects
// share a weak symbol and the linker cannot mix instruction sets.
#pragma once

// Otherwise square roots on AVX-512 are an approximation that other sets do not share.
#define EIGEN_FAST_MATH 0

#include <Eigen/Core>
#include <type_traits>

#include "kernels/kernel_table.hpp"

#ifndef LN_ISA
#error "kernel headers are compiled per instruction set: define LN_ISA"
#endif

#define LN_INLINE inline __attribute__((always_inline))
#define LN_NOINLINE __attribute__((noinline))
// In front of a loop over registers that live as long as an object: unrolled late, it would find
// them in memory.
#ifdef __clang__
#define LN_UNROLL _Pragma("unroll")
#else
#define LN_UNROLL _Pragma("GCC unroll 16")
#endif

namespace lstm_native {
namespace LN_ISA {

namespace ei = Eigen::internal;

template <class T>
using Packet = typename ei::packet_traits<T>::type;

template <class T>
inline constexpr Index kLanes = ei::unpacket_traits<Packet<T>>::size;

inline constexpr int kRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;

template <class T>
LN_INLINE Packet<T> load(const T* p) {
  return ei::ploadu<Packet<T>>(p);
}

template <class T>
LN_INLINE void store(T* p, const Packet<T>& v) {
  ei::pstoreu<T, Packet<T>>(p, v);
}

/// The lowest `count` lanes, 0 <= count < lanes.
template <class T>
LN_INLINE auto first_lanes(Index count) {
  using Mask = typename ei::unpacket_traits<Packet<T>>::mask_t;
  return static_cast<Mask>((1u << count) - 1);
}

/// The first `count` values, zeros behind; 0 <= count <= lanes. Touches no memory beyond them.
template <class T>
LN_INLINE Packet<T> load_partial(const T* p, Index count) {
  if (count >= kLanes<T>) return load(p);
  if constexpr (ei::unpacket_traits<Packet<T>>::masked_load_available) {
    return ei::ploadu<Packet<T>>(p, first_lanes<T>(count));
  } else {
    alignas(64) T buffer[kLanes<T>] = {};
    for (Index i = 0; i < count; ++i) buffer[i] = p[i];
    return ei::pload<Packet<T>>(buffer);
  }
}

template <class T>
LN_INLINE void store_partial(T* p, const Packet<T>& v, Index count) {
  if (count >= kLanes<T>) return store(p, v);
  if constexpr (ei::unpacket_traits<Packet<T>>::masked_store_available) {
    ei::pstoreu<T, Packet<T>>(p, v, first_lanes<T>(count));
  } else {
    alignas(64) T buffer[kLanes<T>];
    ei::pstore<T, Packet<T>>(buffer, v);
    for (Index i = 0; i < count; ++i) p[i] = buffer[i];
  }
}

template <class T>
LN_INLINE Packet<T> broadcast(T value) {
  return ei::pset1<Packet<T>>(value);
}

// Eigen's pexp and ptanh clamp their argument so that NaN stays NaN; tests hold them to it.

/// NaN where x is NaN, else v.
template <class P>
LN_INLINE P keep_nan(const P& x, const P& v) {
  return ei::pselect(ei::pcmp_eq(x, x), v, x);
}

/// 1 / (1 + exp(-x)). Unlike exp(x) / (1 + exp(x)) it needs no case for large x, and keeps the
/// relative accuracy of exp for very negative x.
template <class P>
LN_INLINE P sigmoid(const P& x) {
  using T = typename ei::unpacket_traits<P>::type;
  const P one = ei::pset1<P>(T(1));
  if constexpr (std::is_same_v<T, float>) {
    // exp(-x) = 2^n exp(-r) with x = r - n ln 2 and |r| <= ln 2 / 2. The sum that rounds n to an
    // integer leaves n + 127, the exponent's bits of 2^n, in its lowest bits. The clamps keep n in
    // -127 .. 128, where these bits mean 0 and infinity: sigmoid saturates to exactly 1 and 0.
    using Bits = typename ei::unpacket_traits<P>::integer_packet;
    const P y = ei::pmax(ei::pmin(x, ei::pset1<P>(88.0f)), ei::pset1<P>(-88.5f));
    const P rounder = ei::pset1<P>(0x1.8p23f + 127);
    const P shifted = ei::pmadd(y, ei::pset1<P>(-0x1.715476p0f), rounder);  // 1 / ln 2
    const P n = ei::psub(shifted, rounder);
    P r = ei::pmadd(n, ei::pset1<P>(0.693359375f), y);   // ln 2 in two parts; the first has few
    r = ei::pmadd(n, ei::pset1<P>(-2.12194440e-4f), r);  // bits: exact without fusing too
    const P scale =
        ei::preinterpret<P>(ei::plogical_shift_left<23>(ei::preinterpret<Bits>(shifted)));
    // exp(-r): the polynomial of degree 5 of least relative error, 1.1e-7, that begins 1 - r.
    const P square = ei::pmul(r, r);
    const P low = ei::pmadd(r, ei::pset1<P>(-0.166671167f), ei::pset1<P>(0.499992281f));
    const P high = ei::pmadd(r, ei::pset1<P>(-0.0083124669f), ei::pset1<P>(0.0418906513f));
    const P power = ei::pmadd(ei::pmadd(high, square, low), square, ei::psub(one, r));
    return ei::pdiv(one, ei::pmadd(power, scale, one));
  } else {
    return ei::pdiv(one, ei::padd(one, ei::pexp(ei::pnegate(x))));
  }
}

template <class P>
LN_INLINE P tanh(const P& x) {
  return ei::ptanh(x);
}

template <class P>
LN_INLINE P exponential(const P& x) {
  return ei::pexp(x);
}

/// Runs body(offset, count) over n values in full registers, then once for the tail. The tail
/// goes through the same packet code, so a value's bits do not depend on its position.
template <class T, class Body>
LN_INLINE void for_each_packet(Index n, const Body& body) {
  Index i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) body(i, kLanes<T>);
  if (i < n) body(i, n - i);
}

}  // namespace LN_ISA
}  // namespace lstm_native
