#include "core/specs/loss_specs.hpp"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "core/specs/json_tree.hpp"
#include "core/specs/loss_fields.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

/// Calls body(loss) with each kind of loss, at its defaults, until one returns true.
template <class Body, std::size_t... kind>
bool any_loss(const Body& body, std::index_sequence<kind...>) {
  return (body(std::variant_alternative_t<kind, LossSpec::Options>{}) || ...);
}
template <class Body>
bool any_loss(const Body& body) {
  return any_loss(body, std::make_index_sequence<std::variant_size_v<LossSpec::Options>>{});
}

[[noreturn]] void refuse_type(const std::string& path, const std::string& type) {
  std::vector<std::string> names;
  any_loss([&](const auto& loss) {
    names.emplace_back(loss.kName);
    return false;
  });
  refuse(path, "one of " + listed(names), in_quotes(type));
}

}  // namespace

json to_json(const LossSpec& loss) {
  json value = {{"type", loss.name()}};
  std::visit([&value](const auto& options) { write_fields(options, value); }, loss.options);
  return value;
}

LossSpec loss_from_json(const json& value, const std::string& path) {
  ObjectReader reader(value, path);
  const std::string type = reader.string("type");
  LossSpec found;
  const bool known = any_loss([&](auto loss) {
    if (type != loss.kName) return false;
    read_fields(reader, loss);
    found = loss;
    return true;
  });
  if (!known) refuse_type(reader.path_of("type"), type);
  reader.finish();
  validate(found, path);
  return found;
}

LossSpec parse_loss(const std::string& text) { return loss_from_json(parse_json(text, "loss")); }

std::string json_text(const LossSpec& loss) { return to_json(loss).dump(); }

void validate(const LossSpec& loss, const std::string& path) {
  std::visit([&path](const auto& options) { check_fields(options, path); }, loss.options);
}

}  // namespace lstm_native
