// Graphs as JSON, and back: what a model file says of its network.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lstm_native/graph.hpp"

namespace lstm_native {

/// {"inputs": [{"name", "features"} or {"name", "vocabulary"}], "layers": [{"name", "layer"}],
/// "nodes": [{"name", "layer": number, "inputs": [[place, port] or null, ...]}],
/// "outputs": [{"name", "source": [place, port]}]}, see graph.hpp.
nlohmann::json to_json(const GraphSpec& graph);

/// Throws InvalidArgument for what is no such object, and whatever check_structure and the layers'
/// `validate` refuse. `path` names the value in the message.
GraphSpec graph_from_json(const nlohmann::json& value, const std::string& path);
GraphSpec parse_graph(const std::string& text);

}  // namespace lstm_native
