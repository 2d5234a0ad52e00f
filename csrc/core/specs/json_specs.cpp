#include "core/specs/json_specs.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <variant>

#include "core/base/message_text.hpp"
#include "core/specs/recurrent_json.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

template <class Enum>
struct NamedValue {
  const char* name;
  Enum value;
};

constexpr NamedValue<Activation> kActivations[] = {{"linear", Activation::linear},
                                                   {"relu", Activation::relu},
                                                   {"sigmoid", Activation::sigmoid},
                                                   {"tanh", Activation::tanh},
                                                   {"softmax", Activation::softmax}};
constexpr NamedValue<LossKind> kLosses[] = {
    {"mse", LossKind::mse},
    {"mae", LossKind::mae},
    {"huber", LossKind::huber},
    {"binary_crossentropy", LossKind::binary_crossentropy},
    {"categorical_crossentropy", LossKind::categorical_crossentropy}};
constexpr NamedValue<OptimizerKind> kOptimizers[] = {{"sgd", OptimizerKind::sgd},
                                                     {"adam", OptimizerKind::adam},
                                                     {"adamw", OptimizerKind::adamw},
                                                     {"rmsprop", OptimizerKind::rmsprop}};

template <class Enum, std::size_t n>
std::string name_of(const NamedValue<Enum> (&table)[n], Enum value) {
  for (const auto& entry : table)
    if (entry.value == value) return entry.name;
  throw InvalidArgument("expected a named value, got number " +
                        std::to_string(static_cast<int>(value)));
}

/// `"a", "b", "c"`, cut when long.
template <class Names>
std::string listed(const Names& names) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ", ";
    if (out.size() > 300) return out + "...";
    out += in_quotes(name);
  }
  return out.empty() ? "none" : out;
}

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& entry : object.items()) keys.push_back(entry.key());
  return keys;
}

/// The value as a message shows it; containers only by kind, since they may be large.
std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return value.dump();
}

[[noreturn]] void refuse(const std::string& path, const std::string& expected,
                         const std::string& actual) {
  throw InvalidArgument(path + ": expected " + expected + ", got " + actual);
}

template <class Enum, std::size_t n>
Enum read_enum(ObjectReader& reader, const char* key, const NamedValue<Enum> (&table)[n]) {
  const std::string name = reader.string(key);
  std::vector<std::string> names;
  for (const auto& entry : table) {
    if (entry.name == name) return entry.value;
    names.emplace_back(entry.name);
  }
  refuse(reader.path_of(key), "one of " + listed(names), in_quotes(name));
}

Index as_integer(const json& value, const std::string& path) {
  const bool fits =
      value.is_number_integer() &&
      (!value.is_number_unsigned() ||
       value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  if (!fits) refuse(path, "a 64-bit integer", shown(value));
  return value.get<Index>();
}

double as_number(const json& value, const std::string& path) {
  if (!value.is_number()) refuse(path, "a number", shown(value));
  return value.get<double>();
}

bool as_boolean(const json& value, const std::string& path) {
  if (!value.is_boolean()) refuse(path, "true or false", shown(value));
  return value.get<bool>();
}

/// What stands under a key; null for nothing, and for JSON's null.
const json* set_value(ObjectReader& reader, const char* key) {
  const json* found = reader.optional(key);
  return found && !found->is_null() ? found : nullptr;
}

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
    if (reader.optional("activation"))
      spec.activation = read_enum(reader, "activation", kActivations);
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
    layer.options = ActivationSpec{read_enum(reader, "activation", kActivations)};
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

json to_json(const LossSpec& loss) {
  json value = {{"type", name_of(kLosses, loss.kind)}};
  if (loss.kind == LossKind::huber) value["delta"] = loss.delta;
  // Written only where set, so that other files stay as they were before there was a choice.
  if (loss.outputs != OutputReading::automatic)
    value["from_logits"] = loss.outputs == OutputReading::logits;
  if (loss.label_smoothing != 0.0) value["label_smoothing"] = loss.label_smoothing;
  if (loss.ignore_index) value["ignore_index"] = *loss.ignore_index;
  return value;
}

json to_json(const OptimizerSpec& optimizer) {
  json value = {{"type", name_of(kOptimizers, optimizer.kind)},
                {"learning_rate", optimizer.learning_rate},
                {"weight_decay", optimizer.weight_decay},
                {"clip_norm", optimizer.clip_norm},
                {"clip_value", optimizer.clip_value}};
  switch (optimizer.kind) {
    case OptimizerKind::sgd:
      value["momentum"] = optimizer.momentum;
      value["nesterov"] = optimizer.nesterov;
      break;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      value["beta1"] = optimizer.beta1;
      value["beta2"] = optimizer.beta2;
      value["epsilon"] = optimizer.epsilon;
      break;
    case OptimizerKind::rmsprop:
      value["rho"] = optimizer.rho;
      value["momentum"] = optimizer.momentum;
      value["epsilon"] = optimizer.epsilon;
      break;
  }
  return value;
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

LossSpec loss_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  LossSpec loss;
  loss.kind = read_enum(reader, "type", kLosses);
  if (loss.kind == LossKind::huber) loss.delta = reader.number("delta", loss.delta);
  const bool categorical = loss.kind == LossKind::categorical_crossentropy;
  if (categorical || loss.kind == LossKind::binary_crossentropy) {
    if (const json* found = set_value(reader, "from_logits"))
      loss.outputs = as_boolean(*found, reader.path_of("from_logits"))
                         ? OutputReading::logits
                         : OutputReading::probabilities;
    loss.label_smoothing = reader.number("label_smoothing", loss.label_smoothing);
  }
  if (categorical)
    if (const json* found = set_value(reader, "ignore_index"))
      loss.ignore_index = as_integer(*found, reader.path_of("ignore_index"));
  reader.finish();
  validate(loss, path);
  return loss;
}

OptimizerSpec optimizer_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  OptimizerSpec spec;
  spec.kind = read_enum(reader, "type", kOptimizers);
  spec.learning_rate = reader.number("learning_rate", spec.learning_rate);
  spec.weight_decay = reader.number("weight_decay", spec.weight_decay);
  spec.clip_norm = reader.number("clip_norm", spec.clip_norm);
  spec.clip_value = reader.number("clip_value", spec.clip_value);
  const bool adaptive = spec.kind == OptimizerKind::adam || spec.kind == OptimizerKind::adamw;
  if (adaptive) {
    spec.beta1 = reader.number("beta1", spec.beta1);
    spec.beta2 = reader.number("beta2", spec.beta2);
  } else {
    spec.momentum = reader.number("momentum", spec.momentum);
  }
  if (spec.kind == OptimizerKind::sgd)
    spec.nesterov = reader.boolean("nesterov", spec.nesterov);
  else
    spec.epsilon = reader.number("epsilon", spec.epsilon);
  if (spec.kind == OptimizerKind::rmsprop) spec.rho = reader.number("rho", spec.rho);
  reader.finish();
  validate(spec, path);
  return spec;
}

LayerSpec parse_layer(const std::string& text) {
  return layer_from_json(parse_json(text, "layer"));
}
LossSpec parse_loss(const std::string& text) { return loss_from_json(parse_json(text, "loss")); }
OptimizerSpec parse_optimizer(const std::string& text) {
  return optimizer_from_json(parse_json(text, "optimizer"));
}

std::string json_text(const LayerSpec& layer) { return to_json(layer).dump(); }
std::string json_text(const LossSpec& loss) { return to_json(loss).dump(); }
std::string json_text(const OptimizerSpec& optimizer) { return to_json(optimizer).dump(); }

std::string activation_name(Activation activation) { return name_of(kActivations, activation); }

ObjectReader::ObjectReader(const json& value, std::string path)
    : value_(value), path_(std::move(path)) {
  if (!value_.is_object()) refuse(path_, "an object", shown(value_));
}

const json* ObjectReader::optional(const char* key) {
  asked_.emplace_back(key);
  const auto found = value_.find(key);
  return found == value_.end() ? nullptr : &*found;
}

const json& ObjectReader::required(const char* key) {
  if (const json* found = optional(key)) return *found;
  refuse(path_, "key " + in_quotes(key), "keys " + listed(keys_of(value_)));
}

Index ObjectReader::integer(const char* key) { return as_integer(required(key), path_of(key)); }

Index ObjectReader::integer(const char* key, Index fallback) {
  const json* found = optional(key);
  return found ? as_integer(*found, path_of(key)) : fallback;
}

double ObjectReader::number(const char* key) { return as_number(required(key), path_of(key)); }

double ObjectReader::number(const char* key, double fallback) {
  const json* found = optional(key);
  return found ? as_number(*found, path_of(key)) : fallback;
}

bool ObjectReader::boolean(const char* key, bool fallback) {
  const json* found = optional(key);
  return found ? as_boolean(*found, path_of(key)) : fallback;
}

std::string ObjectReader::string(const char* key) {
  const json& found = required(key);
  if (!found.is_string()) refuse(path_of(key), "a string", shown(found));
  return found.get<std::string>();
}

void ObjectReader::finish() const {
  for (const std::string& key : keys_of(value_)) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    std::set<std::string> known(asked_.begin(), asked_.end());
    refuse(path_, "only keys " + listed(known), in_quotes(key));
  }
}

}  // namespace lstm_native
