// One pass through a graph, and the way back.
#pragma once

#include <vector>

#include "core/network/graph_states.hpp"

namespace lstm_native {

template <class T>
struct GraphPassOptions {
  // Where nodes begin, and write how they end: the caller has checked them, and advances.
  GraphStates<T>* states = nullptr;
  // Nodes that leave their activation out (Pass::before_activation), by number; null: none.
  const std::vector<char>* before_activation = nullptr;
};

/// Leads back through a pass. Valid as a Tape is; the outputs that the pass wrote must stay, too.
template <class T>
class GraphTape {
 public:
  virtual ~GraphTape() = default;

  /// dy: of each output of the graph, or null for zeros. dx: for each input what receives its
  /// gradient, or null. gradients: one for each of the graph's parameters, added to, or null where
  /// it is not wanted; nodes with nothing wanted in them, nor before them, are left out. A gradient
  /// that several nodes contribute to is summed in the order of the way back.
  virtual void backward(const T* const* dy, T* const* dx, T* const* gradients,
                        Workspace& workspace) = 0;
};

/// x: one batch for each input, checked. y: for each output the memory for its values, or null
/// where they may lie in the workspace. found: for each output receives where they are, their
/// shape and their lengths. Returns null unless pass.remember; then what it wrote to the workspace
/// stays, else the values alone that lie in y, and the lengths.
///
/// Behind the end of a sequence nothing is read, in x or in the gradient of y; y and the gradient
/// of x get zeros there. Throws InvalidArgument when a node cannot take lengths.
template <class T>
std::unique_ptr<GraphTape<T>> run_graph(const Graph<T>& graph, const Batch<T>* x, T* const* y,
                                        Batch<T>* found, const Pass& pass,
                                        const GraphPassOptions<T>& options = {});

template <class T>
struct GraphValue;

/// Runs some of the nodes alone, none of which reads a node that is not among them; inputs that
/// they do not read may be empty. Returns all values, by number (Graph::value_of), those of these
/// nodes in their padded form. They lie in the workspace.
template <class T>
const GraphValue<T>* run_nodes(const Graph<T>& graph, const Batch<T>* x,
                               const std::vector<char>& nodes, const Pass& pass);

}  // namespace lstm_native
