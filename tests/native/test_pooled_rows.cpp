#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/layers/pooled_rows.hpp"

using lstm_native::Index;

TEST_CASE("the greatest of rows is the same for inference as for training, a NaN above all") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const float columns[][3] = {{1, nan, 2},   {nan, 1, 2},     {1, 2, nan},      {nan, nan, 1},
                              {-inf, 0, -0}, {inf, nan, inf}, {-inf, nan, inf}, {3, 2, 1}};
  for (const Index features : {1, 4, 7, 8, 13}) {
    std::vector<float> rows(static_cast<std::size_t>(3 * features));
    for (Index i = 0; i < features; ++i)
      for (Index r = 0; r < 3; ++r) rows[r * features + i] = columns[i % 8][r];
    std::vector<float> run(features), trained(features);
    std::vector<Index> which(features);
    lstm_native::max_of_rows<float>(rows.data(), 3, features, features, run.data(), nullptr);
    lstm_native::max_of_rows(rows.data(), 3, features, features, trained.data(), which.data());
    for (Index i = 0; i < features; ++i) {
      bool has_nan = false;
      for (const float value : columns[i % 8]) has_nan = has_nan || std::isnan(value);
      CHECK(std::isnan(run[i]) == has_nan);
      CHECK(std::isnan(trained[i]) == has_nan);
      if (!has_nan) CHECK(run[i] == trained[i]);
      if (has_nan) CHECK(std::isnan(rows[which[i] * features + i]));
    }
  }
}
