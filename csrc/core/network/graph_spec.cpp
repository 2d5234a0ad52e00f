// Graphs as plain data: written node by node, checked, and made into layers.
#include <set>

#include "core/base/message_text.hpp"
#include "core/network/graph.hpp"
#include "core/network/layer_factory.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// Names stand in those of parameters and states, which have dots, and in messages.
void check_name(const std::string& what, const std::string& name, std::set<std::string>& known) {
  const bool good = !name.empty() && name.size() <= 200 &&
                    name.find_first_of("./") == std::string::npos && printable(name, 200) == name;
  if (!good)
    throw InvalidArgument(what +
                          ": expected a name of 1 to 200 characters without '.', '/' and "
                          "control characters, got " +
                          quoted(name));
  if (!known.insert(name).second)
    throw InvalidArgument(what + ": expected names that differ, got two of " + quoted(name));
}

void check_count(const std::string& what, std::size_t count) {
  if (count == 0) throw InvalidArgument("network: expected at least one " + what + ", got none");
  if (count > static_cast<std::size_t>(kMaxLayers))
    throw InvalidArgument("network: expected at most " + std::to_string(kMaxLayers) + " " + what +
                          "s, got " + std::to_string(count));
}

void check_source(const std::string& owner, const GraphSource& source, std::size_t earlier) {
  if (source.place < static_cast<Index>(earlier) && source.place >= 0 && source.port >= 0) return;
  throw InvalidArgument(owner + ": expected to read one of the " + std::to_string(earlier) +
                        " inputs and nodes that stand before it, got place " +
                        std::to_string(source.place) + ", port " + std::to_string(source.port));
}

}  // namespace

void check_structure(const GraphSpec& spec) {
  check_count("input", spec.inputs.size());
  check_count("layer", spec.layers.size());
  check_count("node", spec.nodes.size());
  check_count("output", spec.outputs.size());
  std::set<std::string> places, layers, outputs;
  for (const GraphInput& input : spec.inputs) {
    check_name("inputs", input.name, places);
    const bool values = input.features >= 1 && input.features <= kMaxWidth && !input.vocabulary;
    const bool tokens =
        input.vocabulary >= 1 && input.vocabulary <= kMaxVocabulary && !input.features;
    if (!values && !tokens)
      throw InvalidArgument(
          "input " + quoted(input.name) + ": expected either features (1 to " +
          std::to_string(kMaxWidth) + ") or a vocabulary (1 to " + std::to_string(kMaxVocabulary) +
          "), got " + std::to_string(input.features) + " and " + std::to_string(input.vocabulary));
  }
  for (const GraphLayer& layer : spec.layers) check_name("layers", layer.name, layers);
  std::vector<bool> used(spec.layers.size());
  for (std::size_t i = 0; i < spec.nodes.size(); ++i) {
    const GraphNode& node = spec.nodes[i];
    check_name("nodes", node.name, places);
    const std::string label = "node " + quoted(node.name);
    if (node.layer < 0 || node.layer >= static_cast<Index>(spec.layers.size()))
      throw InvalidArgument(label + ": expected a layer from 0 to " +
                            std::to_string(spec.layers.size() - 1) + ", got " +
                            std::to_string(node.layer));
    used[static_cast<std::size_t>(node.layer)] = true;
    if (node.inputs.empty() || node.inputs.front().place < 0)
      throw InvalidArgument(label + ": reads nothing");
    if (node.inputs.size() > static_cast<std::size_t>(kMaxLayers))
      throw InvalidArgument(label + ": expected at most " + std::to_string(kMaxLayers) +
                            " inputs, got " + std::to_string(node.inputs.size()));
    for (const GraphSource& source : node.inputs)
      if (source.place != -1) check_source(label, source, spec.inputs.size() + i);
  }
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i])
      throw InvalidArgument("layer " + quoted(spec.layers[i].name) + ": no node uses it");
  for (const GraphOutput& output : spec.outputs) {
    check_name("outputs", output.name, outputs);
    check_source("output " + quoted(output.name), output.source,
                 spec.inputs.size() + spec.nodes.size());
  }
}

namespace {

/// FNV-1a: a layer's weights depend on its name, and not on which layers stand beside it.
std::uint64_t hash_of(const std::string& name) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

}  // namespace

std::uint64_t layer_seed(std::uint64_t seed, const std::string& name) {
  return derive_seed(seed, hash_of(name));
}

template <class T>
std::vector<std::shared_ptr<Layer<T>>> make_layers(const GraphSpec& spec, WeightSeed seed,
                                                   const CountCheck& check) {
  check_structure(spec);
  ParameterTotals totals;
  std::vector<std::shared_ptr<Layer<T>>> layers(spec.layers.size());
  const auto features_of = [&](const GraphSource& source) -> Index {
    if (source.place < 0) return 0;
    const auto place = static_cast<std::size_t>(source.place);
    if (place < spec.inputs.size()) return spec.inputs[place].features;
    const GraphNode& node = spec.nodes[place - spec.inputs.size()];
    const std::vector<Port> ports = layers[static_cast<std::size_t>(node.layer)]->outputs();
    if (source.port >= static_cast<Index>(ports.size()))
      throw InvalidArgument("reads port " + std::to_string(source.port) + " of node " +
                            quoted(node.name) + ", which has " + std::to_string(ports.size()) +
                            " outputs");
    const Port& port = ports[static_cast<std::size_t>(source.port)];
    return port.stacked * port.features;  // side by side, for all ports but those of states
  };
  for (const GraphNode& node : spec.nodes) {
    auto& layer = layers[static_cast<std::size_t>(node.layer)];
    if (layer) continue;
    try {
      InputFeatures features;
      for (const GraphSource& source : node.inputs) features.push_back(features_of(source));
      const GraphLayer& described = spec.layers[static_cast<std::size_t>(node.layer)];
      validate(described.spec);
      const LayerCount count = count_layer(described.spec, features);
      totals = {add_sizes(totals.values, count.values), add_sizes(totals.tensors, count.tensors)};
      if (check) check(totals);
      layer = make_layer<T>(described.spec, features, derive_seed(seed, hash_of(described.name)));
    } catch (const InvalidArgument& error) {
      throw InvalidArgument("node " + quoted(node.name) + ": " + error.what());
    }
  }
  return layers;
}

template <class T>
std::vector<std::shared_ptr<Layer<T>>> make_layers(const std::vector<LayerSpec>& specs,
                                                   Index input_features, WeightSeed seed) {
  std::vector<std::shared_ptr<Layer<T>>> layers;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Index features = i == 0 ? input_features : layers.back()->outputs().front().features;
    layers.push_back(make_layer<T>(specs[i], InputFeatures{features},
                                   derive_seed(seed, static_cast<std::uint64_t>(i))));
  }
  return layers;
}

Symbol GraphBuilder::input(std::string name, Index features) {
  spec_.inputs.push_back({std::move(name), features, 0});
  return {static_cast<Index>(spec_.inputs.size()) - 1};
}

Symbol GraphBuilder::input_tokens(std::string name, Index vocabulary) {
  spec_.inputs.push_back({std::move(name), 0, vocabulary});
  return {static_cast<Index>(spec_.inputs.size()) - 1};
}

Symbol GraphBuilder::add(std::string name, LayerSpec layer, std::vector<Symbol> inputs) {
  spec_.layers.push_back({name, std::move(layer)});
  return node(std::move(name), static_cast<Index>(spec_.layers.size()) - 1, std::move(inputs));
}

Symbol GraphBuilder::reuse(std::string name, const std::string& layer, std::vector<Symbol> inputs) {
  for (std::size_t i = 0; i < spec_.layers.size(); ++i)
    if (spec_.layers[i].name == layer)
      return node(std::move(name), static_cast<Index>(i), std::move(inputs));
  throw InvalidArgument("no layer named " + quoted(layer));
}

void GraphBuilder::output(std::string name, Symbol symbol) {
  spec_.outputs.push_back({std::move(name), {}});
  outputs_.push_back(symbol);
}

Symbol GraphBuilder::node(std::string name, Index layer, std::vector<Symbol> inputs) {
  spec_.nodes.push_back({std::move(name), layer, {}});
  sources_.push_back(std::move(inputs));
  return {-1, static_cast<Index>(spec_.nodes.size()) - 1};
}

GraphSpec GraphBuilder::spec() const {
  GraphSpec spec = spec_;
  const auto inputs = static_cast<Index>(spec.inputs.size());
  const auto source_of = [&](const Symbol& symbol) -> GraphSource {
    if (symbol.node >= 0) return {inputs + symbol.node, symbol.port};
    return {symbol.input, symbol.port};
  };
  for (std::size_t i = 0; i < spec.nodes.size(); ++i)
    for (const Symbol& symbol : sources_[i]) spec.nodes[i].inputs.push_back(source_of(symbol));
  for (std::size_t i = 0; i < spec.outputs.size(); ++i)
    spec.outputs[i].source = source_of(outputs_[i]);
  return spec;
}

template std::vector<std::shared_ptr<Layer<float>>> make_layers(const GraphSpec&, WeightSeed,
                                                                const CountCheck&);
template std::vector<std::shared_ptr<Layer<double>>> make_layers(const GraphSpec&, WeightSeed,
                                                                 const CountCheck&);
template std::vector<std::shared_ptr<Layer<float>>> make_layers(const std::vector<LayerSpec>&,
                                                                Index, WeightSeed);
template std::vector<std::shared_ptr<Layer<double>>> make_layers(const std::vector<LayerSpec>&,
                                                                 Index, WeightSeed);

}  // namespace lstm_native
