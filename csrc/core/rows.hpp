// A table in memory.
#pragma once

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Rows of values, each `stride` values after the one before.
template <class V>
struct Rows {
  V* data;
  Index stride;
};

}  // namespace lstm_native
