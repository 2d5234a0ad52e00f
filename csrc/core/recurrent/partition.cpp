#include "core/recurrent/partition.hpp"

#include <algorithm>

namespace lstm_native {
namespace {

// Orders of magnitude of today's cores; only the ratios matter. In nanoseconds and bytes.
constexpr double kMultiplyAddsPerNs = 55, kBarrierNs = 1000;
constexpr double kFirstLevel = 24e3, kSecondLevel = 800e3;
constexpr double kFirstLevelPerNs = 200, kSecondLevelPerNs = 105, kBeyondPerNs = 60;
constexpr Index kRowsPerTile = 6;  // each tile of rows reads the weights once

}  // namespace

double modelled_step(const StepSize& s, const Partition& p) {
  const double rows = static_cast<double>((s.samples + p.row_parts - 1) / p.row_parts);
  const Index slices = (s.hidden_size + s.unit_multiple - 1) / s.unit_multiple;
  const double units =
      static_cast<double>((slices + p.unit_parts - 1) / p.unit_parts * s.unit_multiple);
  const double columns = units * static_cast<double>(s.gates);
  const double projection = rows * columns * static_cast<double>(s.inputs) / kMultiplyAddsPerNs;
  const double recurrent = rows * columns * static_cast<double>(s.hidden_size) / kMultiplyAddsPerNs;
  const double bytes = columns * static_cast<double>(s.hidden_size * s.value_bytes);
  const double per_ns = bytes < kFirstLevel    ? kFirstLevelPerNs
                        : bytes < kSecondLevel ? kSecondLevelPerNs
                                               : kBeyondPerNs;
  const double tiles = (rows + kRowsPerTile - 1) / kRowsPerTile;
  return projection + std::max(recurrent, tiles * bytes / per_ns) +
         (p.unit_parts > 1 ? kBarrierNs : 0);
}

// What all at once must save: it is the better use of threads that idle, and not worth having when
// it only fills them differently, for each core then works on more memory.
constexpr double kClearlyLess = 0.9;

Partition choose_partition(Index threads, const StepSize& s) {
  Partition best;
  double least = modelled_step(s, best);
  const Index slices = (s.hidden_size + s.unit_multiple - 1) / s.unit_multiple;
  for (Index units = 1; units <= std::min(threads, slices); ++units) {
    const Partition p{std::min(threads / units, s.samples), units};
    if (const double ns = modelled_step(s, p); ns < least) {
      least = ns;
      best = p;
    }
  }
  return best;
}

Schedule choose_schedule(Index loops, Index threads, Index alone, const StepSize& s) {
  if (threads == 1) return {1, {}};
  const Schedule in_turn{1, choose_partition(std::min(alone, threads), s)};
  if (loops == 1 || threads < loops) return in_turn;
  const Schedule at_once{loops, choose_partition(threads / loops, s)};
  const double turns_ns = static_cast<double>(loops) * modelled_step(s, in_turn.grid);
  return modelled_step(s, at_once.grid) < kClearlyLess * turns_ns ? at_once : in_turn;
}

}  // namespace lstm_native
