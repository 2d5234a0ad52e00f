// Threads for large work. Small work stays on the caller's thread.
#pragma once

#include <functional>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Splits [0, count) into contiguous parts and runs body(begin, end) on each, in parallel when
/// `work` (multiply-adds, or values touched) is worth it. Which thread runs which part must not
/// matter to the result. body may not throw.
void parallel_for(Index count, double work, const std::function<void(Index, Index)>& body);

/// Parts that parallel_for would use: 1 when the work stays on the caller's thread.
Index parallel_parts(Index count, double work);

}  // namespace lstm_native
