// Layers that read one another's outputs: the shape of every network.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/layers/layer.hpp"
#include "core/specs/parameter_count.hpp"
#include "lstm_native/graph.hpp"

namespace lstm_native {

/// Layers in a row, each reading the one before: what Network and the containers are made of where
/// nothing else is asked for. Layers and nodes are named by their position, "0", "1", ...
template <class T>
GraphSpec row_of(const std::vector<std::shared_ptr<Layer<T>>>& layers);

/// A node as it is run.
template <class T>
struct GraphStep {
  Layer<T>* layer;
  std::size_t layer_index;
  std::string label;  // for messages
  std::vector<Port> inputs, outputs;
  std::vector<GraphSource> sources;  // one for each input port
  std::vector<std::size_t> reads;    // what stands there among all values, else kNoValue
  std::vector<std::size_t> carries;  // for each input port of a state without source the output
                                     // port of the same name, else kNoPort
  LengthsUse lengths_use;
  bool adds_to_loss;
  Index first_value;  // of its output ports among all values (Graph::value_of)
};

/// Throws InvalidArgument where a sequence stands at a port that takes a state. in: shapes at the
/// input ports.
template <class T>
void check_states(const GraphStep<T>& step, const OutputShape* in) {
  for (std::size_t i = 0; i < step.inputs.size(); ++i)
    if (step.inputs[i].kind == Port::Kind::state && in[i].timesteps > 0)
      throw InvalidArgument(std::string("input '") + step.inputs[i].name +
                            "': expected a state, without time axis, got one of " +
                            std::to_string(in[i].timesteps) + " steps");
}

constexpr std::size_t kNoPort = static_cast<std::size_t>(-1);
constexpr std::size_t kNoValue = static_cast<std::size_t>(-1);
constexpr std::size_t kNoNode = static_cast<std::size_t>(-1);

template <class T>
class Graph {
 public:
  /// The structure of the spec over these layers, one for each of the spec's (whose own specs are
  /// not looked at). Throws InvalidArgument, with the node's name, when anything does not fit.
  /// Ties what asks to be tied to an Embedding (DenseSpec::tied).
  Graph(GraphSpec spec, std::vector<std::shared_ptr<Layer<T>>> layers);
  /// Layers in a row.
  explicit Graph(const std::vector<std::shared_ptr<Layer<T>>>& layers);

  const std::vector<std::shared_ptr<Layer<T>>>& layers() const { return layers_; }
  const std::vector<GraphStep<T>>& steps() const { return steps_; }
  const GraphSpec& structure() const { return spec_; }
  /// With the layers' specs as they are.
  GraphSpec spec() const;
  /// What the ports of a node read, for messages that name ports; nothing where there is one.
  std::string what_is_read(const GraphStep<T>& step) const;
  /// Whether it is a row, named by position: what a file of version 1 can say.
  bool is_row() const { return row_; }

  std::size_t inputs() const { return spec_.inputs.size(); }
  std::size_t outputs() const { return spec_.outputs.size(); }
  bool takes_tokens(std::size_t input) const { return spec_.inputs[input].vocabulary > 0; }
  Index input_features(std::size_t input) const { return spec_.inputs[input].features; }
  Index output_features(std::size_t output) const;
  /// Which node a source is; kNoNode for an input of the graph.
  std::size_t node_of(const GraphSource& source) const {
    const auto place = static_cast<std::size_t>(source.place);
    return place < inputs() ? kNoNode : place - inputs();
  }
  /// Every input and every output port of a node has a number of its own; so many there are.
  std::size_t value_of(const GraphSource& source) const;
  std::size_t values() const { return values_; }
  std::size_t output_value(std::size_t output) const { return output_values_[output]; }
  /// Whether a node or an output of the graph reads the value.
  bool is_read(std::size_t value) const { return read_[value] != 0; }
  /// Runs that stand one above the other in a value: more than one in states alone.
  Index stacked(std::size_t value) const { return stacked_[value]; }
  /// Whether a port reads the runs of a state side by side, as values.
  bool reads_joined(const GraphStep<T>& step, std::size_t port) const {
    return step.inputs[port].kind != Port::Kind::state && step.reads[port] != kNoValue &&
           stacked_[step.reads[port]] > 1;
  }

  /// Shapes of the graph's outputs, where its inputs have so many steps (0: no time axis).
  std::vector<OutputShape> output_shapes(const std::vector<Index>& timesteps) const;
  /// The same of all values (value_of).
  std::vector<OutputShape> value_shapes(const std::vector<Index>& timesteps) const;
  /// Of a graph with one input, and of its first output.
  OutputShape output_shape(Index timesteps) const;

  /// Parameters of all layers in order, named "<layer>.<name in the layer>". One that several
  /// layers use stands here once, under its owner's name, and has one gradient: the sum of all
  /// uses.
  std::vector<std::pair<std::string, Parameter<T>*>> parameters() const;
  const Parameter<T>& parameter(std::size_t place) const { return *parameters_[place]; }
  /// Where a layer's parameters stand among them.
  const std::vector<std::size_t>& places(std::size_t layer) const { return places_[layer]; }
  void parameters_changed() const;
  Index version() const;  // changes whenever a weight does

  /// Throws InvalidArgument unless x, one batch for each input, fits as far as can be seen without
  /// its values: kind, sizes, features, lengths.
  void check_shapes(const Batch<T>* x) const;
  /// The same, and the range of tokens.
  void check_inputs(const Batch<T>* x) const;
  void check_tokens(std::size_t input, const Batch<T>& x) const;
  /// All of it for one input.
  void check_input(std::size_t input, const Batch<T>& x) const {
    check_shape(input, x);
    if (takes_tokens(input)) check_tokens(input, x);
  }

 private:
  void make_steps();
  void connect(GraphStep<T>& step) const;
  void check_fit(const Port& port, const GraphSource& source) const;
  void check_outputs();
  bool find_chain() const;
  void check_shape(std::size_t input, const Batch<T>& x) const;
  void check_lengths(std::size_t input, const Batch<T>& x) const;
  void place_parameters();
  Port port_of(const GraphSource& source) const;
  std::string named(std::size_t input) const;  // for messages

  GraphSpec spec_;
  std::vector<std::shared_ptr<Layer<T>>> layers_;
  std::vector<GraphStep<T>> steps_;
  std::size_t values_ = 0;
  std::vector<std::size_t> output_values_;
  std::vector<char> read_;  // of each value, whether it is
  std::vector<Index> stacked_;
  bool row_ = false;
  bool chain_ = false;                            // each node reads the one before and nothing else
  std::vector<Parameter<T>*> parameters_;         // as `parameters` gives them
  std::vector<std::vector<std::size_t>> places_;  // of each layer
};

/// Builds the layers of a list, each on the output features of the one before.
template <class T>
std::vector<std::shared_ptr<Layer<T>>> make_layers(const std::vector<LayerSpec>& specs,
                                                   Index input_features, WeightSeed seed);

/// The seed of a layer's weights: a function of its name, and not of the layers beside it.
std::uint64_t layer_seed(std::uint64_t seed, const std::string& name);

/// Is told, before each layer is made, how many parameters there are with it; may throw.
using CountCheck = std::function<void(const ParameterTotals&)>;

/// Builds the layers of a graph, each on what its first node reads, with the seeds that layer_seed
/// gives. Throws InvalidArgument.
template <class T>
std::vector<std::shared_ptr<Layer<T>>> make_layers(const GraphSpec& spec, WeightSeed seed,
                                                   const CountCheck& check = {});

/// Throws InvalidArgument unless the names are good and sources stand earlier: what can be seen
/// before any layer is made.
void check_structure(const GraphSpec& spec);

}  // namespace lstm_native
