// What a pass through a graph leaves behind for the way back.
#pragma once

#include <memory>
#include <vector>

#include "core/layers/true_steps.hpp"
#include "core/network/graph_pass.hpp"

namespace lstm_native {

/// What stands on an edge: as it came, padded, or its true steps as rows one after another; in
/// both forms where nodes asked for both.
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
