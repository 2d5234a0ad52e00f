#include "core/specs/optimizer_specs.hpp"

#include <nlohmann/json.hpp>

#include "core/base/message_text.hpp"
#include "core/specs/fields.hpp"
#include "core/specs/json_tree.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

constexpr NamedValue<OptimizerKind> kOptimizers[] = {{"sgd", OptimizerKind::sgd},
                                                     {"adam", OptimizerKind::adam},
                                                     {"adamw", OptimizerKind::adamw},
                                                     {"rmsprop", OptimizerKind::rmsprop}};
static_assert(in_order(kOptimizers));

}  // namespace

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

OptimizerSpec optimizer_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  OptimizerSpec spec;
  read_value(reader.required("type"), reader.path_of("type"), spec.kind, kOptimizers);
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

OptimizerSpec parse_optimizer(const std::string& text) {
  return optimizer_from_json(parse_json(text, "optimizer"));
}

std::string json_text(const OptimizerSpec& optimizer) { return to_json(optimizer).dump(); }

void validate(const OptimizerSpec& optimizer, const std::string& path) {
  check_value(path + ".type", optimizer.kind, kOptimizers);
  check_value(path + ".learning_rate", optimizer.learning_rate, positive());
  check_value(path + ".weight_decay", optimizer.weight_decay, not_negative());
  check_value(path + ".clip_norm", optimizer.clip_norm, not_negative());
  check_value(path + ".clip_value", optimizer.clip_value, not_negative());
  switch (optimizer.kind) {
    case OptimizerKind::sgd:
      check_value(path + ".momentum", optimizer.momentum, fractions());
      if (optimizer.nesterov && optimizer.momentum == 0.0)
        refuse(path + ".momentum", "a value > 0 with nesterov", "0");
      break;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      check_value(path + ".beta1", optimizer.beta1, fractions());
      check_value(path + ".beta2", optimizer.beta2, fractions());
      check_value(path + ".epsilon", optimizer.epsilon, positive());
      break;
    case OptimizerKind::rmsprop:
      check_value(path + ".momentum", optimizer.momentum, fractions());
      check_value(path + ".rho", optimizer.rho, fractions());
      check_value(path + ".epsilon", optimizer.epsilon, positive());
      break;
  }
}

}  // namespace lstm_native
