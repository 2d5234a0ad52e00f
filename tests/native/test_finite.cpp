// NaN and infinity are found wherever they are, and nothing else is taken for them.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/base/finite.hpp"

using namespace lstm_native;

TEST_CASE_TEMPLATE("finite: every position of every length", T, float, double) {
  using Limits = std::numeric_limits<T>;
  const T good[] = {
      0, -T(0), 1, Limits::max(), Limits::lowest(), Limits::min(), Limits::denorm_min()};
  const T bad[] = {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                   -Limits::quiet_NaN(), Limits::signaling_NaN()};
  CHECK(all_finite<T>(nullptr, 0));
  for (Index count = 1; count < 70; ++count) {
    std::vector<T> values;
    for (Index i = 0; i < count; ++i) values.push_back(good[i % 7]);
    REQUIRE(all_finite(values.data(), count));
    for (Index i = 0; i < count; ++i) {
      const T before = values[static_cast<std::size_t>(i)];
      values[static_cast<std::size_t>(i)] = bad[i % 5];
      REQUIRE_FALSE(all_finite(values.data(), count));
      values[static_cast<std::size_t>(i)] = before;
    }
  }
}
