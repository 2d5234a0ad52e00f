// How the work of a recurrent layer is cut into parts that run at the same time.
#pragma once

#include "lstm_native/types.hpp"

namespace lstm_native {

/// A grid of parts: samples by hidden units. Parts of the same samples meet at a barrier after
/// every step, for each needs the hidden state of all units; parts of other samples never meet.
struct Partition {
  Index row_parts = 1, unit_parts = 1;

  Index parts() const { return row_parts * unit_parts; }
};

/// What one time step has to do.
struct StepSize {
  Index samples, inputs, hidden_size, gates, value_bytes;
  Index unit_multiple;  // units per slice are a multiple of this
};

/// The grid of at most `threads` parts in which a step takes the least time, by a model of the
/// machine: multiply-adds, weights read from the cache that holds them, and the barrier.
Partition choose_partition(Index threads, const StepSize& size);

/// What the model says of a step in such a grid: nanoseconds of today's cores, of which only ratios
/// mean anything.
double modelled_step(const StepSize& size, const Partition& grid);

/// How time loops of one size, none of which needs another's results, share the threads.
struct Schedule {
  Index at_once = 1;  // loops at the same time: one or all
  Partition grid;     // of each
};

/// One loop after another, each on at most `alone` of the threads, unless they take clearly less
/// time all at once, each on its share. One sequence, or a few, with few hidden units leave threads
/// without work; two of them side by side do not.
Schedule choose_schedule(Index loops, Index threads, Index alone, const StepSize& size);

/// Part `index` of `parts` of [0, count), in multiples of `multiple` but for the end.
struct Range {
  Index begin, end;

  Index size() const { return end - begin; }
};
inline Range part_of(Index count, Index parts, Index index, Index multiple = 1) {
  const Index blocks = (count + multiple - 1) / multiple;
  const Index begin = blocks * index / parts * multiple;
  const Index end = blocks * (index + 1) / parts * multiple;
  return {begin, end < count ? end : count};
}

}  // namespace lstm_native
