// Random numbers, comparisons and central differences for numeric tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lstm_native/types.hpp"

using lstm_native::Index;

/// Uniform in [-scale, scale], the same on every machine.
template <class T>
std::vector<T> random_values(Index count, std::uint64_t seed, double scale = 1.0) {
  std::mt19937_64 generator(seed * 7919 + 1);
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& v : values)
    v = static_cast<T>(scale * (static_cast<double>(generator() >> 11) * 0x1p-52 - 1.0));
  return values;
}

template <class T>
std::vector<double> to_double(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

template <class T>
bool same_bits(const T* a, const T* b, Index count) {
  return count == 0 || std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(T)) == 0;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), static_cast<Index>(a.size()));
}

/// Largest difference, as a part of the largest wanted value; infinite when sizes differ or
/// anything is not finite.
template <class T>
double relative_error(const std::vector<T>& got, const std::vector<double>& wanted) {
  if (got.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double error = 0, size = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - wanted[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    error = std::max(error, difference);
    size = std::max(size, std::abs(wanted[i]));
  }
  return error == 0 ? 0 : error / size;
}

/// What the design promises of a forward pass.
template <class T>
constexpr double kForwardTolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;

/// And of gradients in double against central differences.
constexpr double kGradientTolerance = 1e-7;

/// Derivatives of loss() by each of `values`, which loss() reads: fourth-order central
/// differences, so that the step can be large enough for rounding not to matter.
template <class Loss>
std::vector<double> central_differences(std::vector<double>& values, const Loss& loss) {
  constexpr double h = 1e-3;
  std::vector<double> gradient;
  for (double& v : values) {
    const double at = v;
    const auto with = [&](double step) {
      v = at + step;
      return loss();
    };
    const double near = with(h) - with(-h), far = with(2 * h) - with(-2 * h);
    gradient.push_back((8 * near - far) / (12 * h));
    v = at;
  }
  return gradient;
}

/// Sum of a[i] * b[i].
template <class T>
double dot(const std::vector<T>& a, const std::vector<T>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}
