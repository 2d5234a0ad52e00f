#include "core/training/optimizer_specs.hpp"

#include <nlohmann/json.hpp>

#include "core/specs/fields.hpp"
#include "core/specs/json_tree.hpp"
#include "core/training/optimizers/rules.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

template <class Visitor>
void fields(Visitor& v, const OptimizerSpec& spec) {
  v.required("type", &OptimizerSpec::kind, kOptimizerKinds);
  v.always("learning_rate", &OptimizerSpec::learning_rate, positive());
  v.always("weight_decay", &OptimizerSpec::weight_decay, not_negative());
  v.always("clip_norm", &OptimizerSpec::clip_norm, not_negative());
  v.always("clip_value", &OptimizerSpec::clip_value, not_negative());
  with_rule(spec.kind, [&](const auto& rule) { rule.fields(v, spec); });
}

}  // namespace

json to_json(const OptimizerSpec& optimizer) {
  json value;
  FieldWriter<OptimizerSpec> writer(optimizer, value);
  fields(writer, optimizer);
  return value;
}

OptimizerSpec optimizer_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  OptimizerSpec spec;
  FieldReader<OptimizerSpec> visitor(reader, spec);
  fields(visitor, spec);
  reader.finish();
  validate(spec, path);
  return spec;
}

OptimizerSpec parse_optimizer(const std::string& text) {
  return optimizer_from_json(parse_json(text, "optimizer"));
}

std::string json_text(const OptimizerSpec& optimizer) { return to_json(optimizer).dump(); }

void validate(const OptimizerSpec& optimizer, const std::string& path) {
  FieldChecker<OptimizerSpec> checker(optimizer, path);
  fields(checker, optimizer);
  with_rule(optimizer.kind, [&](const auto& rule) { rule.check(optimizer, path); });
}

}  // namespace lstm_native
