#include "core/specs/json_specs.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/message_text.hpp"
#include "core/specs/cell_activation_fields.hpp"
#include "core/specs/fields.hpp"
#include "core/specs/json_tree.hpp"
#include "core/specs/layer_kinds.hpp"
#include "core/specs/object_reader.hpp"
#include "core/specs/spec_checks.hpp"

namespace lstm_native {

using nlohmann::json;

namespace {

/// Types and keys only; ranges are `validate`'s.
LayerSpec read_layer(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  const std::string type = reader.string("type");
  LayerSpec layer;
  bool found = false;
  for_each_kind([&](auto spec, auto kind) {
    if (type != kind.type) return;
    read_fields(reader, spec);
    kind.mend(spec);
    layer.options = std::move(spec);
    found = true;
  });
  if (!found) {
    std::string types;
    for_each_kind([&](const auto&, auto kind) {
      types += (types.empty() ? "" : ", ") + in_quotes(kind.type);
    });
    refuse(reader.path_of("type"), "one of " + types, in_quotes(type));
  }
  reader.finish();
  return layer;
}

std::vector<LayerSpec> read_layers(const json& value, const std::string& path) {
  if (!value.is_array()) refuse(path, "an array of layers", shown(value));
  std::vector<LayerSpec> layers;
  for (std::size_t i = 0; i < value.size(); ++i)
    layers.push_back(read_layer(value[i], path + '[' + std::to_string(i) + ']'));
  return layers;
}

}  // namespace

void read_value(const json& from, const std::string& path, std::vector<LayerSpec>& to,
                const InnerLayers&) {
  to = read_layers(from, path);
}
json write_value(const std::vector<LayerSpec>& layers, const InnerLayers&) {
  return to_json(layers);
}

json to_json(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto& spec, auto kind) {
    json value = {{"type", kind.type}};
    write_fields(spec, value);
    return value;
  });
}

json to_json(const std::vector<LayerSpec>& layers) {
  json array = json::array();
  for (const LayerSpec& layer : layers) array.push_back(to_json(layer));
  return array;
}

LayerSpec layer_from_json(const json& value, const std::string& path) {
  LayerSpec layer = read_layer(value, path);
  validate(layer, path);
  return layer;
}

std::vector<LayerSpec> layers_from_json(const json& value, const std::string& path) {
  std::vector<LayerSpec> layers = read_layers(value, path);
  validate(layers, path);
  return layers;
}

LayerSpec parse_layer(const std::string& text) {
  return layer_from_json(parse_json(text, "layer"));
}

std::string json_text(const LayerSpec& layer) { return to_json(layer).dump(); }

std::string activation_name(Activation activation) { return name_of(kActivations, activation); }

}  // namespace lstm_native
