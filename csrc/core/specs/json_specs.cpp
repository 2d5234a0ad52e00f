#include "core/specs/json_specs.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "core/base/message_text.hpp"
#include "core/specs/fields.hpp"
#include "core/specs/json_tree.hpp"
#include "core/specs/object_reader.hpp"
#include "core/specs/recurrent_json.hpp"
#include "core/specs/spec_checks.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

constexpr NamedValue<Activation> kActivations[] = {{"linear", Activation::linear},
                                                   {"relu", Activation::relu},
                                                   {"sigmoid", Activation::sigmoid},
                                                   {"tanh", Activation::tanh},
                                                   {"softmax", Activation::softmax}};

struct LayerToJson {
  template <class Recurrent>
  json operator()(const Recurrent& spec) const {
    return recurrent_to_json({spec});
  }
  json operator()(const DenseSpec& spec) const {
    return {{"type", "dense"},
            {"units", spec.units},
            {"activation", name_of(kActivations, spec.activation)},
            {"bias", spec.bias},
            {"tied", spec.tied}};
  }
  json operator()(const EmbeddingSpec& spec) const {
    return {{"type", "embedding"}, {"vocabulary", spec.vocabulary}, {"features", spec.features}};
  }
  json operator()(const DropoutSpec& spec) const {
    return {{"type", "dropout"}, {"rate", spec.rate}};
  }
  json operator()(const LayerNormSpec& spec) const {
    return {{"type", "layer_norm"}, {"epsilon", spec.epsilon}};
  }
  json operator()(const ActivationSpec& spec) const {
    return {{"type", "activation"}, {"activation", name_of(kActivations, spec.activation)}};
  }
  json operator()(const ActivityRegularizationSpec& spec) const {
    return {{"type", "activity_regularization"},
            {"activity", spec.activity},
            {"temporal", spec.temporal}};
  }
  json operator()(const HighwaySpec& spec) const {
    return {{"type", "highway"}, {"window", spec.window}, {"layers", to_json(spec.layers)}};
  }
  json operator()(const ConvLSTMSpec& spec) const {
    json value = {{"type", "conv_lstm"},
                  {"filters", spec.filters},
                  {"height", spec.height},
                  {"width", spec.width},
                  {"channels", spec.channels},
                  {"kernel_height", spec.kernel_height},
                  {"kernel_width", spec.kernel_width},
                  {"return_sequences", spec.return_sequences},
                  {"forget_bias", spec.forget_bias},
                  {"peephole", spec.peephole},
                  {"reverse", spec.reverse}};
    if (!spec.bias) value["bias"] = false;
    return value;
  }
  json operator()(const ResidualSpec& spec) const {
    return {{"type", "residual"}, {"layers", to_json(spec.layers)}};
  }
};

std::vector<LayerSpec> read_layers(const json& value, const std::string& path, int depth);

/// The layers inside a layer that stands at this depth.
std::vector<LayerSpec> read_inner(ObjectReader& reader, const std::string& path, int depth) {
  // Stops the recursion; a C++ caller meets the same limit in `validate`.
  if (depth == kMaxLayerDepth) refuse(path, nesting_limit(), "more");
  return read_layers(reader.required("layers"), reader.path_of("layers"), depth + 1);
}

/// Types and keys only; ranges are `validate`'s. `depth` counts the layers around the layer.
LayerSpec read_layer(const json& value, const std::string& path, int depth) {
  ObjectReader reader(value, path);
  const std::string type = reader.string("type");
  LayerSpec layer;
  if (read_recurrent(type, reader, layer)) {
  } else if (type == "dense") {
    DenseSpec spec;
    spec.units = reader.integer("units");
    if (const json* found = reader.optional("activation"))
      read_value(*found, reader.path_of("activation"), spec.activation, kActivations);
    spec.bias = reader.boolean("bias", spec.bias);
    spec.tied = reader.boolean("tied", spec.tied);
    layer.options = spec;
  } else if (type == "embedding") {
    layer.options = EmbeddingSpec{reader.integer("vocabulary"), reader.integer("features")};
  } else if (type == "dropout") {
    layer.options = DropoutSpec{reader.number("rate")};
  } else if (type == "layer_norm") {
    layer.options = LayerNormSpec{reader.number("epsilon", LayerNormSpec{}.epsilon)};
  } else if (type == "activation") {
    ActivationSpec spec;
    read_value(reader.required("activation"), reader.path_of("activation"), spec.activation,
               kActivations);
    layer.options = spec;
  } else if (type == "activity_regularization") {
    ActivityRegularizationSpec spec;
    spec.activity = reader.number("activity", spec.activity);
    spec.temporal = reader.number("temporal", spec.temporal);
    layer.options = spec;
  } else if (type == "highway") {
    HighwaySpec spec;
    spec.window = reader.integer("window");
    spec.layers = read_inner(reader, path, depth);
    layer.options = std::move(spec);
  } else if (type == "conv_lstm") {
    ConvLSTMSpec spec;
    spec.filters = reader.integer("filters");
    spec.height = reader.integer("height");
    spec.width = reader.integer("width");
    spec.channels = reader.integer("channels");
    spec.kernel_height = reader.integer("kernel_height", spec.kernel_height);
    spec.kernel_width = reader.integer("kernel_width", spec.kernel_width);
    spec.return_sequences = reader.boolean("return_sequences", spec.return_sequences);
    spec.forget_bias = reader.number("forget_bias", spec.forget_bias);
    spec.peephole = reader.boolean("peephole", spec.peephole);
    spec.reverse = reader.boolean("reverse", spec.reverse);
    spec.bias = reader.boolean("bias", spec.bias);
    layer.options = spec;
  } else if (type == "residual") {
    layer.options = ResidualSpec{read_inner(reader, path, depth)};
  } else {
    refuse(reader.path_of("type"),
           "one of " + recurrent_types() +
               R"(, "dense", "embedding", "dropout", "layer_norm", "activation", "highway", )"
               R"("activity_regularization", "residual", "conv_lstm")",
           in_quotes(type));
  }
  reader.finish();
  return layer;
}

std::vector<LayerSpec> read_layers(const json& value, const std::string& path, int depth) {
  if (!value.is_array()) refuse(path, "an array of layers", shown(value));
  std::vector<LayerSpec> layers;
  for (std::size_t i = 0; i < value.size(); ++i)
    layers.push_back(read_layer(value[i], path + '[' + std::to_string(i) + ']', depth));
  return layers;
}

}  // namespace

json to_json(const LayerSpec& layer) { return std::visit(LayerToJson{}, layer.options); }

json to_json(const std::vector<LayerSpec>& layers) {
  json array = json::array();
  for (const LayerSpec& layer : layers) array.push_back(to_json(layer));
  return array;
}

LayerSpec layer_from_json(const json& value, const std::string& path) {
  LayerSpec layer = read_layer(value, path, 0);
  validate(layer, path);
  return layer;
}

std::vector<LayerSpec> layers_from_json(const json& value, const std::string& path) {
  std::vector<LayerSpec> layers = read_layers(value, path, 0);
  validate(layers, path);
  return layers;
}

LayerSpec parse_layer(const std::string& text) {
  return layer_from_json(parse_json(text, "layer"));
}
std::string json_text(const LayerSpec& layer) { return to_json(layer).dump(); }
std::string activation_name(Activation activation) { return name_of(kActivations, activation); }

}  // namespace lstm_native
