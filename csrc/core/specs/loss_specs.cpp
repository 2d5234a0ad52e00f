#include "core/specs/loss_specs.hpp"

#include <nlohmann/json.hpp>

#include "core/base/message_text.hpp"
#include "core/specs/fields.hpp"
#include "core/specs/json_tree.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

constexpr NamedValue<LossKind> kLosses[] = {
    {"mse", LossKind::mse},
    {"mae", LossKind::mae},
    {"huber", LossKind::huber},
    {"binary_crossentropy", LossKind::binary_crossentropy},
    {"categorical_crossentropy", LossKind::categorical_crossentropy}};
static_assert(in_order(kLosses));
// For the range alone: a file says from_logits.
constexpr NamedValue<OutputReading> kReadings[] = {{"automatic", OutputReading::automatic},
                                                   {"logits", OutputReading::logits},
                                                   {"probabilities", OutputReading::probabilities}};
static_assert(in_order(kReadings));

/// What stands under a key; null for nothing, and for JSON's null.
const json* set_value(ObjectReader& reader, const char* key) {
  const json* found = reader.optional(key);
  return found && !found->is_null() ? found : nullptr;
}

}  // namespace

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

LossSpec loss_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  LossSpec loss;
  read_value(reader.required("type"), reader.path_of("type"), loss.kind, kLosses);
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

LossSpec parse_loss(const std::string& text) { return loss_from_json(parse_json(text, "loss")); }

std::string json_text(const LossSpec& loss) { return to_json(loss).dump(); }

void validate(const LossSpec& loss, const std::string& path) {
  check_value(path + ".type", loss.kind, kLosses);
  if (loss.kind == LossKind::huber) check_value(path + ".delta", loss.delta, positive());
  check_value(path + ".from_logits", loss.outputs, kReadings);
  check_value(path + ".label_smoothing", loss.label_smoothing, fractions());
  const bool categorical = loss.kind == LossKind::categorical_crossentropy;
  if (categorical || loss.kind == LossKind::binary_crossentropy) {
    if (loss.ignore_index && !categorical)
      refuse(path + ".ignore_index", "none but for categorical cross-entropy",
             std::to_string(*loss.ignore_index));
    return;
  }
  if (loss.outputs != OutputReading::automatic)
    refuse(path + ".from_logits", "none but for cross-entropies", "one");
  if (loss.label_smoothing != 0.0)
    refuse(path + ".label_smoothing", "0 but for cross-entropies",
           number_text(loss.label_smoothing));
  if (loss.ignore_index)
    refuse(path + ".ignore_index", "none but for categorical cross-entropy",
           std::to_string(*loss.ignore_index));
}

}  // namespace lstm_native
