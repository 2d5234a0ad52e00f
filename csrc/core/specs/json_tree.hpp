// JSON from outside as a tree: of bounded size, and safe to drop when memory is short.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lstm_native {

/// Owns a tree. The library's own destructor allocates as it walks down, which ends the program
/// when that fails; this one takes the tree apart from its leaves first, and allocates nothing.
class JsonTree {
 public:
  JsonTree();
  ~JsonTree();
  JsonTree(JsonTree&&) noexcept;
  JsonTree& operator=(JsonTree&&) = delete;

  nlohmann::json& root() { return *root_; }
  operator const nlohmann::json&() const { return *root_; }

 private:
  std::unique_ptr<nlohmann::json> root_;
};

/// Parses text that may be hostile: nesting and the number of values are limited, repeated keys
/// refused. `what` names the text in the message of the InvalidArgument that it throws.
JsonTree parse_json(const std::string& text, const std::string& what);

}  // namespace lstm_native
