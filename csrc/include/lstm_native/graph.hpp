// A network of any shape as plain data: which layer reads what.
#pragma once

#include <string>
#include <vector>

#include "lstm_native/layers.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Where a value comes from. Places count the graph's inputs first, then its nodes, in order;
/// an input has the one port 0.
struct GraphSource {
  Index place = -1;  // -1: nothing, for an input port that may be left out
  Index port = 0;
};

/// Values of so many features, or tokens from 0 to vocabulary - 1: one of the two is 0.
struct GraphInput {
  std::string name;
  Index features = 0;
  Index vocabulary = 0;
};

struct GraphLayer {
  std::string name;
  LayerSpec spec;
};

/// One use of a layer: a layer that several nodes use has one set of weights. `inputs` has an
/// entry for each of the layer's input ports; those at the end may be missing where they may be
/// left out. Sources stand earlier, so that there are no circles.
struct GraphNode {
  std::string name;
  Index layer = 0;  // which of the graph's layers
  std::vector<GraphSource> inputs;
};

struct GraphOutput {
  std::string name;
  GraphSource source;
};

/// Names are unique among the inputs and nodes, among the layers, and among the outputs: 1 to 200
/// characters without '.', '/' and control characters.
struct GraphSpec {
  std::vector<GraphInput> inputs;
  std::vector<GraphLayer> layers;
  std::vector<GraphNode> nodes;
  std::vector<GraphOutput> outputs;
};

/// An input of a GraphBuilder's network, or an output port of one of its nodes. Without either it
/// stands for nothing, at an input port that may be left out.
struct Symbol {
  Index input = -1, node = -1, port = 0;

  /// Of a node: what leaves at another of its ports, as "h" (1) and "c" (2) of an LSTM.
  Symbol operator[](Index which) const { return {input, node, which}; }
};

/// Writes a GraphSpec, node by node:
///
///   GraphBuilder net;
///   const Symbol words = net.input_tokens("words", 1000);
///   const Symbol vectors = net.add("embedding", EmbeddingSpec{1000, 64}, {words});
///   const Symbol coded = net.add("encoder", lstm, {vectors});
///   net.output("state", coded[1]);  // y, h, c
///   Network<float> network(net.spec());
///
/// What does not fit is refused when the network is made.
class GraphBuilder {
 public:
  Symbol input(std::string name, Index features);
  Symbol input_tokens(std::string name, Index vocabulary);

  /// A node with a layer of its own, of the same name. Returns its first output port.
  Symbol add(std::string name, LayerSpec layer, std::vector<Symbol> inputs);
  /// Another node with the layer of this name and its weights. Throws InvalidArgument for an
  /// unknown name.
  Symbol reuse(std::string name, const std::string& layer, std::vector<Symbol> inputs);
  void output(std::string name, Symbol symbol);

  GraphSpec spec() const;

 private:
  Symbol node(std::string name, Index layer, std::vector<Symbol> inputs);
  GraphSpec spec_;                            // without sources
  std::vector<std::vector<Symbol>> sources_;  // of each node
  std::vector<Symbol> outputs_;
};

}  // namespace lstm_native
