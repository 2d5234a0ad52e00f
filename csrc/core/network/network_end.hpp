// How a network ends: what its outputs may be taken for.
#pragma once

#include "core/network/graph.hpp"

namespace lstm_native {

/// The activation an output ends with, seen through layers that hand values on.
struct NetworkEnd {
  Activation activation = Activation::linear;
  std::size_t node = kNoNode;  // of a Dense or Activation; kNoNode: the output ends otherwise
};

/// The node that a source is, and then those before it, as long as each reads one value alone;
/// kNoNode behind the first.
template <class T>
class PathBack {
 public:
  PathBack(const Graph<T>& graph, const GraphSource& source)
      : graph_(graph), node_(graph.node_of(source)) {}

  std::size_t node() const { return node_; }
  LayerSpec spec() const { return graph_.steps()[node_].layer->spec(); }
  void go_back() { node_ = graph_.node_of(graph_.steps()[node_].sources.front()); }

 private:
  const Graph<T>& graph_;
  std::size_t node_;
};

template <class T>
PathBack<T> path_to(const Graph<T>& graph, std::size_t output) {
  return {graph, graph.structure().outputs[output].source};
}

/// The activation that a path ends with.
template <class T>
NetworkEnd end_of(PathBack<T> path);

template <class T>
NetworkEnd network_end(const Graph<T>& graph, std::size_t output = 0) {
  return end_of(path_to(graph, output));
}

}  // namespace lstm_native
