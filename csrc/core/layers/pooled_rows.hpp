// Many rows become one, feature by feature: the greatest value or the mean, and the way back.
#pragma once

#include <Eigen/Core>
#include <algorithm>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// The rows are `count` >= 1, `stride` values apart. y: features; which: features, or null: the
/// place of the value that was taken, the first of equal ones. A NaN counts as the greatest.
template <class T>
void max_of_rows(const T* rows, Index count, Index stride, Index features, T* y, Index* which) {
  if (!which) {
    std::copy_n(rows, features, y);
    Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>> best(y, features);
    for (Index r = 1; r < count; ++r) {
      const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> row(rows + r * stride, features);
      best = (row > best || (row != row && best == best)).select(row, best);
    }
    return;
  }
  std::copy_n(rows, features, y);
  std::fill_n(which, features, Index{0});
  for (Index r = 1; r < count; ++r)
    for (Index i = 0; i < features; ++i) {
      const T value = rows[r * stride + i];
      if (!(value > y[i] || (value != value && y[i] == y[i]))) continue;
      y[i] = value;
      which[i] = r;
    }
}

/// sums: `features` values of scratch. The sum is one in float64, in the order of the rows.
template <class T>
void mean_of_rows(const T* rows, Index count, Index stride, Index features, double* sums, T* y) {
  std::fill_n(sums, features, 0.0);
  for (Index r = 0; r < count; ++r)
    for (Index i = 0; i < features; ++i) sums[i] += static_cast<double>(rows[r * stride + i]);
  for (Index i = 0; i < features; ++i) y[i] = static_cast<T>(sums[i] / static_cast<double>(count));
}

}  // namespace lstm_native
