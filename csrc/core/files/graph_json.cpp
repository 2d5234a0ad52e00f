#include "core/files/graph_json.hpp"

#include <nlohmann/json.hpp>

#include "core/network/graph.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/json_tree.hpp"
#include "core/specs/object_reader.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

json source_json(const GraphSource& source) {
  if (source.place < 0) return nullptr;
  return json::array({source.place, source.port});
}

/// Calls read(entry, its path) for each entry of an array of bounded length.
template <class Read>
void for_each_entry(ObjectReader& reader, const char* key, const Read& read) {
  const json& list = reader.required(key);
  const std::string path = reader.path_of(key);
  if (!list.is_array()) throw InvalidArgument(path + ": expected an array");
  if (list.size() > static_cast<std::size_t>(kMaxLayers))
    throw InvalidArgument(path + ": expected at most " + std::to_string(kMaxLayers) +
                          " entries, got " + std::to_string(list.size()));
  for (std::size_t i = 0; i < list.size(); ++i) read(list[i], path + '[' + std::to_string(i) + ']');
}

GraphSource read_source(const json& value, const std::string& path) {
  const bool fits = value.is_array() && value.size() == 2 && value[0].is_number_integer() &&
                    value[1].is_number_integer();
  if (!fits) throw InvalidArgument(path + ": expected [place, port]");
  const auto place = value[0].get<Index>(), port = value[1].get<Index>();
  if (place < 0 || port < 0)
    throw InvalidArgument(path + ": expected [place, port] of numbers >= 0, got [" +
                          std::to_string(place) + ", " + std::to_string(port) + "]");
  return {place, port};
}

}  // namespace

json to_json(const GraphSpec& graph) {
  json inputs = json::array(), layers = json::array(), nodes = json::array(),
       outputs = json::array();
  for (const GraphInput& input : graph.inputs) {
    if (input.vocabulary)
      inputs.push_back({{"name", input.name}, {"vocabulary", input.vocabulary}});
    else
      inputs.push_back({{"name", input.name}, {"features", input.features}});
  }
  for (const GraphLayer& layer : graph.layers)
    layers.push_back({{"name", layer.name}, {"layer", to_json(layer.spec)}});
  for (const GraphNode& node : graph.nodes) {
    json sources = json::array();
    for (const GraphSource& source : node.inputs) sources.push_back(source_json(source));
    nodes.push_back({{"name", node.name}, {"layer", node.layer}, {"inputs", std::move(sources)}});
  }
  for (const GraphOutput& output : graph.outputs)
    outputs.push_back({{"name", output.name}, {"source", source_json(output.source)}});
  return {{"inputs", std::move(inputs)},
          {"layers", std::move(layers)},
          {"nodes", std::move(nodes)},
          {"outputs", std::move(outputs)}};
}

GraphSpec graph_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  GraphSpec graph;
  for_each_entry(reader, "inputs", [&](const json& entry, const std::string& here) {
    ObjectReader input(entry, here);
    graph.inputs.push_back(
        {input.string("name"), input.integer("features", 0), input.integer("vocabulary", 0)});
    input.finish();
  });
  for_each_entry(reader, "layers", [&](const json& entry, const std::string& here) {
    ObjectReader layer(entry, here);
    const std::string name = layer.string("name");
    graph.layers.push_back({name, layer_from_json(layer.required("layer"), here + ".layer")});
    layer.finish();
  });
  for_each_entry(reader, "nodes", [&](const json& entry, const std::string& here) {
    ObjectReader node(entry, here);
    GraphNode found{node.string("name"), node.integer("layer"), {}};
    for_each_entry(node, "inputs", [&](const json& source, const std::string& at) {
      found.inputs.push_back(source.is_null() ? GraphSource{} : read_source(source, at));
    });
    node.finish();
    graph.nodes.push_back(std::move(found));
  });
  for_each_entry(reader, "outputs", [&](const json& entry, const std::string& here) {
    ObjectReader output(entry, here);
    const std::string name = output.string("name");
    graph.outputs.push_back({name, read_source(output.required("source"), here + ".source")});
    output.finish();
  });
  reader.finish();
  check_structure(graph);
  return graph;
}

GraphSpec parse_graph(const std::string& text) {
  return graph_from_json(parse_json(text, "graph"), "graph");
}

}  // namespace lstm_native
