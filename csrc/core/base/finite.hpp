// Whether numbers are numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Neither NaN nor infinity in any of them: those, and they alone, have all bits of the exponent
/// set. On integers, in blocks without a branch, it is as fast as memory.
template <class T>
bool all_finite(const T* values, Index count) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits exponent = sizeof(T) == 4 ? Bits{0x7f800000} : static_cast<Bits>(0x7ffULL << 52);
  constexpr Index kBlock = 64 / sizeof(T);
  // Adding one to the exponent's lowest bit carries out of a full exponent into the sign's place.
  constexpr Bits one = exponent & ~(exponent << 1), sign = exponent + one;
  Bits found[kBlock] = {};
  Index i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    Bits bits[kBlock];
    std::memcpy(bits, values + i, sizeof(bits));
    for (Index j = 0; j < kBlock; ++j) found[j] |= (bits[j] & exponent) + one;
  }
  for (; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, values + i, sizeof(bits));
    found[0] |= (bits & exponent) + one;
  }
  Bits any = 0;
  for (const Bits f : found) any |= f;
  return (any & sign) == 0;
}

/// Whether all are finite of the first lengths[n] of the `steps` steps of each sample, `width`
/// values each.
template <class T>
bool all_finite(const T* values, const Index* lengths, Index samples, Index steps, Index width) {
  for (Index n = 0; n < samples; ++n, values += steps * width)
    if (!all_finite(values, std::clamp<Index>(lengths[n], 0, steps) * width)) return false;
  return true;
}

}  // namespace lstm_native
