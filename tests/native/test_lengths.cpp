// Sequences of different lengths: what the door refuses, and what padding may hold.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/layer.hpp"
#include "lstm_native/error.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

TEST_CASE("lengths: what does not fit is refused, with what was expected and what came") {
  const auto dense = make_layer<double>(dense_layer(1), 1, 1);
  const std::vector<double> x(6);
  std::vector<Index> lengths{3, 0};
  const auto message = [&](Index timesteps) -> std::string {
    try {
      check_shape<double>(*dense, {x.data(), nullptr, 2, timesteps, 1, lengths.data()});
    } catch (const InvalidArgument& e) {
      return e.what();
    }
    return "";
  };
  CHECK(message(3).empty());
  CHECK(message(2) == "lengths: expected 0 to 2 (the timesteps of x), got 3 for sequence 0");
  lengths = {3, -1};
  CHECK(message(3) == "lengths: expected 0 to 3 (the timesteps of x), got -1 for sequence 1");
  CHECK(message(0) == "lengths: expected an input with a time axis, got one without");
}
