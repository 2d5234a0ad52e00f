#include "core/files/model_description.hpp"

#include <nlohmann/json.hpp>

#include "core/base/message_text.hpp"
#include "core/files/foreign_file.hpp"
#include "core/files/graph_json.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/json_tree.hpp"
#include "core/specs/limits.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/specs/object_reader.hpp"
#include "core/training/optimizer.hpp"
#include "core/training/optimizer_specs.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

const std::string* find(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

/// Returns the version.
std::string check_format(const SafetensorsHeader& header) {
  const Metadata& metadata = header.metadata;
  const auto shown = [](const std::string* text) { return text ? in_quotes(*text) : "none"; };
  const std::string* format = find(metadata, "format");
  if (!format || *format != kFormat)
    throw FormatError(std::string("expected metadata \"format\" of \"") + kFormat + "\", got " +
                      shown(format) + ": " + foreign_tensors(header));
  const std::string* version = find(metadata, "format_version");
  if (!version ||
      (*version != kFormatVersion && *version != kExtrasVersion && *version != kGraphVersion))
    throw FormatError(std::string("expected format_version \"") + kFormatVersion + "\", \"" +
                      kExtrasVersion + "\" or \"" + kGraphVersion + "\", which lstm_native " +
                      lstm_native::version() + " reads, got " + shown(version) +
                      ", written by lstm_native " + shown(find(metadata, "lstm_native_version")));
  return *version;
}

std::vector<OutputLoss> losses_from_json(const json& value, const std::string& path) {
  if (!value.is_array() || value.empty() || value.size() > static_cast<std::size_t>(kMaxLayers))
    throw FormatError(path + ": expected an array of 1 to " + std::to_string(kMaxLayers) +
                      " losses");
  std::vector<OutputLoss> losses;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string here = path + '[' + std::to_string(i) + ']';
    ObjectReader reader(value[i], here);
    const Index output = reader.integer("output");
    const double factor = reader.number("factor");
    losses.push_back({output, loss_from_json(reader.required("loss"), here + ".loss"), factor});
    reader.finish();
  }
  return losses;
}

TrainerDescription parse_trainer(const std::string& text, bool several) {
  const JsonTree value = parse_json(text, "trainer");
  ObjectReader reader(value, "trainer");
  TrainerDescription trainer;
  trainer.iterations = reader.integer("iterations");
  if (trainer.iterations < 0 || trainer.iterations > kMaxIterations)
    throw FormatError("trainer.iterations: expected 0 to " + std::to_string(kMaxIterations) +
                      ", got " + std::to_string(trainer.iterations));
  if (several && reader.optional("losses"))
    trainer.losses = losses_from_json(reader.required("losses"), reader.path_of("losses"));
  else
    trainer.losses = {{0, loss_from_json(reader.required("loss"), reader.path_of("loss")), 1.0}};
  trainer.optimizer =
      optimizer_from_json(reader.required("optimizer"), reader.path_of("optimizer"));
  const auto each = [&](const char* key, const auto& take) {
    const json* object = reader.optional(key);
    if (!object) return;
    if (!object->is_object()) refuse(reader.path_of(key), "an object", shown(*object));
    for (const auto& entry : object->items())
      take(entry.key(), entry.value(), reader.path_of(key) + '[' + in_quotes(entry.key()) + ']');
  };
  each("rate_factors", [&](const std::string& name, const json& found, const std::string& path) {
    trainer.rate_factors.emplace_back(name, as_number(found, path));
  });
  each("missed_updates", [&](const std::string& name, const json& found, const std::string& path) {
    trainer.missed_updates.emplace_back(name, as_integer(found, path));
  });
  reader.finish();
  return trainer;
}

}  // namespace

Description describe(SafetensorsFile& file) {
  const std::string version = check_format(file.header());
  const bool graphs = version == kGraphVersion;
  Metadata metadata = file.take_metadata();
  const std::string* network = find(metadata, "network");
  if (!network) throw FormatError("expected metadata \"network\", got none");
  const JsonTree value = parse_json(*network, "network");
  ObjectReader reader(value, "network");
  Description description;
  description.extra_tensors = graphs || version == kExtrasVersion;
  description.dtype = reader.string("dtype");
  if (description.dtype != dtype_name<float>() && description.dtype != dtype_name<double>())
    throw FormatError("network.dtype: expected \"float32\" or \"float64\", got " +
                      in_quotes(description.dtype));
  if (const json* graph = graphs ? reader.optional("graph") : nullptr) {
    description.graph = graph_from_json(*graph, reader.path_of("graph"));
  } else {
    description.input_features = reader.integer("input_features");
    description.layers = layers_from_json(reader.required("layers"), reader.path_of("layers"));
  }
  reader.finish();
  if (const std::string* trainer = find(metadata, "trainer"))
    description.trainer = parse_trainer(*trainer, graphs);
  if (const std::string* extras = find(metadata, kExtras)) description.extras = *extras;
  while (!metadata.empty()) {
    auto entry = metadata.extract(metadata.begin());  // moved, for there may be many
    if (!starts(entry.key(), kUserPrefix)) continue;
    entry.key().erase(0, kUserPrefix.size());
    description.user.insert(description.user.end(), std::move(entry));
  }
  return description;
}

}  // namespace lstm_native
