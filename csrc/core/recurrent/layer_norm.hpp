// Layer normalisation of the values of one row (Ba et al. 2016).
#pragma once

#include <cmath>

#include "core/numeric/packing.hpp"

namespace lstm_native {

/// Normalised rows hold (v - mean) / sqrt(variance + epsilon) at the columns that `order` has, and
/// zeros where it pads.
inline constexpr double kNormEpsilon = 1e-5;

/// values: a row of order.columns(), in and out. Returns 1 / sqrt(variance + epsilon).
template <class T>
T normalise(const GateOrder& order, T* values) {
  const double count = static_cast<double>(order.gates * order.hidden_size);
  double mean = 0, square = 0;
  order.for_each([&](Index, Index, Index column) { mean += static_cast<double>(values[column]); });
  mean /= count;
  order.for_each([&](Index, Index, Index column) {
    const double d = static_cast<double>(values[column]) - mean;
    square += d * d;
  });
  const double scale = 1.0 / std::sqrt(square / count + kNormEpsilon);
  order.for_each([&](Index, Index, Index column) {
    values[column] = static_cast<T>((static_cast<double>(values[column]) - mean) * scale);
  });
  return static_cast<T>(scale);
}

/// values = normalise(values) * gain + bias, the normalised row also to `normal` unless null.
template <class T>
T scale_normal(const GateOrder& order, const T* gain, const T* bias, T* values,
               T* normal = nullptr) {
  const T scale = normalise(order, values);
  if (normal) std::copy_n(values, order.columns(), normal);
  for (Index i = 0; i < order.columns(); ++i) values[i] = gain[i] * values[i] + bias[i];
  return scale;
}

/// d: in the gradient of the normalised row, out that of the row before. May be a row of its own
/// for in and out: `from` is read, `to` written.
template <class T>
void normalise_backward(const GateOrder& order, const T* normal, T scale, const T* from, T* to) {
  const double count = static_cast<double>(order.gates * order.hidden_size);
  double mean = 0, along = 0;
  order.for_each([&](Index, Index, Index column) {
    mean += static_cast<double>(from[column]);
    along += static_cast<double>(from[column]) * static_cast<double>(normal[column]);
  });
  mean /= count;
  along /= count;
  order.for_each([&](Index, Index, Index column) {
    to[column] =
        static_cast<T>(static_cast<double>(scale) * (static_cast<double>(from[column]) - mean -
                                                     static_cast<double>(normal[column]) * along));
  });
}

}  // namespace lstm_native
