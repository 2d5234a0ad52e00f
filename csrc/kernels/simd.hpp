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

#include "kernels/conventions.hpp"

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
