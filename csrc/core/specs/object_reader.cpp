#include "core/specs/object_reader.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/message_text.hpp"
#include "core/specs/ranges.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

std::vector<std::string> keys_of(const json& object) {
  std::vector<std::string> keys;
  for (const auto& entry : object.items()) keys.push_back(entry.key());
  return keys;
}

}  // namespace

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

std::string as_string(const json& value, const std::string& path) {
  if (!value.is_string()) refuse(path, "a string", shown(value));
  return value.get<std::string>();
}

std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return value.dump();
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ", ";
    if (out.size() > 300) return out + "...";
    out += in_quotes(name);
  }
  return out.empty() ? "none" : out;
}

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

std::string ObjectReader::string(const char* key) { return as_string(required(key), path_of(key)); }

void ObjectReader::finish() const {
  for (const std::string& key : keys_of(value_)) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    std::vector<std::string> known = asked_;
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    refuse(path_, "only keys " + listed(known), in_quotes(key));
  }
}

}  // namespace lstm_native
