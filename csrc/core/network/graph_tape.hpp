// What a pass through a graph leaves behind for the way back.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "core/layers/true_steps.hpp"
#include "core/network/graph_pass.hpp"

namespace lstm_native {

/// (runs, samples, features) to (samples, runs x features), and back.
template <class T>
void join_runs(const T* stacked, Index runs, Index samples, Index features, T* rows) {
  for (Index n = 0; n < samples; ++n)
    for (Index r = 0; r < runs; ++r)
      rows = std::copy_n(stacked + (r * samples + n) * features, features, rows);
}
template <class T>
void split_runs(const T* rows, Index runs, Index samples, Index features, T* stacked) {
  for (Index n = 0; n < samples; ++n)
    for (Index r = 0; r < runs; ++r, rows += features)
      std::copy_n(rows, features, stacked + (r * samples + n) * features);
}

/// What stands on an edge: as it came, padded, or its true steps as rows one after another; in
/// both forms where nodes asked for both. A state of several runs (layers, directions) comes
/// stacked, (runs, N, H), as other layers take it for their state; its rows are what all others
/// read: the runs side by side, (N, runs x H).
template <class T>
struct GraphValue {
  Batch<T> padded, rows;
  TrueSteps steps{0, 0, nullptr};

  bool has_padded() const { return padded.values || padded.tokens; }
  bool has_rows() const { return rows.values || rows.tokens; }
};

/// One thing that was done on the way: a node's pass, or a value brought into its other form.
template <class T>
struct GraphLink {
  enum class Kind { node, gather, scatter };
  std::unique_ptr<Tape<T>> tape;
  Kind kind;
  std::size_t index;  // of the node, or of the value
  bool by_rows;       // the node saw rows
};

/// The values lie in the pass's workspace.
template <class T>
std::unique_ptr<GraphTape<T>> make_graph_tape(const Graph<T>& graph, const GraphValue<T>* values,
                                              std::vector<GraphLink<T>> links);

}  // namespace lstm_native
