// JSON values read strictly: of the type that is expected, and no key that nobody asked for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// The value, or InvalidArgument for one of another type. `path` names it in the message.
Index as_integer(const nlohmann::json& value, const std::string& path);
double as_number(const nlohmann::json& value, const std::string& path);
bool as_boolean(const nlohmann::json& value, const std::string& path);
std::string as_string(const nlohmann::json& value, const std::string& path);

/// The value as a message shows it; containers only by kind, since they may be large.
std::string shown(const nlohmann::json& value);

/// `"a", "b", "c"`, cut when long.
std::string listed(const std::vector<std::string>& names);

/// Reads the keys of one JSON object and knows which it was asked for, so that `finish` can refuse
/// the others. Keeps a reference to the value. All throw InvalidArgument.
class ObjectReader {
 public:
  ObjectReader(const nlohmann::json& value, std::string path);

  const nlohmann::json& required(const char* key);
  const nlohmann::json* optional(const char* key);  // null when absent

  Index integer(const char* key);
  Index integer(const char* key, Index fallback);
  double number(const char* key);
  double number(const char* key, double fallback);
  std::string string(const char* key);

  const std::string& path() const { return path_; }
  std::string path_of(const char* key) const { return path_ + '.' + key; }
  void finish() const;

 private:
  const nlohmann::json& value_;
  std::string path_;
  std::vector<std::string> asked_;
};

}  // namespace lstm_native
