// Tables in memory.
#pragma once

#include <cstring>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Rows of values, each `stride` values after the one before.
template <class V>
struct Rows {
  V* data;
  Index stride;
};

/// Rows are short: blocks of a fixed size are moves, where a copy of any size is a call.
template <class T>
void copy_row(const T* from, Index width, T* to) {
  constexpr Index block = 64 / sizeof(T);
  Index i = 0;
  for (; i + block <= width; i += block) std::memcpy(to + i, from + i, 64);
  for (; i < width; ++i) to[i] = from[i];
}

}  // namespace lstm_native
