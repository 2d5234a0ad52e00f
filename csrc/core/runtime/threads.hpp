// Threads for large work. Small work stays on the caller's thread.
#pragma once

#include <functional>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Whether the number of threads is of our own choosing: then fewer are used for a while where
/// other programs want the same processors. What the user has asked for is kept.
bool may_use_fewer_threads();
void take_threads(int threads);  // of our own choosing, for tests

/// Into how many parts work should be cut: 1 when it should stay on the caller's thread.
/// `work`: multiply-adds, or values touched.
Index parallel_parts(Index count, double work);

/// Cuts [0, count) into so many contiguous parts and runs body(part, begin, end) on each, in
/// parallel as far as threads are free (see team.hpp). Which thread runs which part must not matter
/// to the result. What a part throws is thrown here when all have ended; parts that its thread had
/// not begun by then are left out.
void run_parts(Index parts, Index count, const std::function<void(Index, Index, Index)>& body);

/// The two together, for bodies that need no memory of their part's own: body(begin, end).
template <class Body>
void parallel_for(Index count, double work, const Body& body) {
  run_parts(parallel_parts(count, work), count,
            [&body](Index, Index begin, Index end) { body(begin, end); });
}

}  // namespace lstm_native
