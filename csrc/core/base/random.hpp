// Random numbers that are a function of (seed, index): no state, the same on any thread.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace lstm_native {

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014).
inline std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// A seed of its own for the `index`-th consumer of `seed`.
inline std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t index) {
  return mix_bits(mix_bits(seed) ^ mix_bits(~index));
}

/// Where initial weights come from. None: they stay zero, for a loader that will set them.
using WeightSeed = std::optional<std::uint64_t>;

inline WeightSeed derive_seed(WeightSeed seed, std::uint64_t index) {
  if (!seed) return std::nullopt;
  return derive_seed(*seed, index);
}

/// Uniform in [0, 1), 53 bits.
inline double uniform(std::uint64_t seed, std::uint64_t index) {
  return static_cast<double>(mix_bits(seed + index * 0xD1B54A32D192ED03u) >> 11) * 0x1p-53;
}

/// Standard normal (Box & Muller 1958).
inline double normal(std::uint64_t seed, std::uint64_t index) {
  const double u = 1.0 - uniform(seed, 2 * index), v = uniform(seed, 2 * index + 1);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
}

}  // namespace lstm_native
