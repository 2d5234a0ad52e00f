#include "core/specs/json_tree.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/base/message_text.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

using nlohmann::json;

// A network of kMaxLayers layers has at most forty values a layer, and each layer that holds others
// adds two levels to the five of a plain network.
constexpr std::size_t kMaxDepth = 16;
constexpr Index kMaxValues = 48 * kMaxLayers;

/// Empties all that the value holds, the innermost first. As deep as kMaxDepth.
void take_apart(json& value) noexcept {
  if (value.is_array()) {
    auto& items = value.get_ref<json::array_t&>();
    for (json& item : items) take_apart(item);
    items.clear();
  } else if (value.is_object()) {
    auto& members = value.get_ref<json::object_t&>();
    for (auto& member : members) take_apart(member.second);
    members.clear();
  }
}

/// Builds the tree piece by piece, in the owner's hands from the first piece on.
class TreeHandler : public nlohmann::json_sax<json> {
 public:
  TreeHandler(json& root, const std::string& what) : root_(root), what_(what) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    auto& members = open_.back()->get_ref<json::object_t&>();
    const auto [entry, is_new] = members.emplace(std::move(key), nullptr);
    if (!is_new)
      throw InvalidArgument(what_ + ": expected each key once, got " + in_quotes(entry->first) +
                            " twice");
    member_ = &entry->second;
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at ..." without the part in brackets.
    const std::string text = error.what();
    const std::size_t end = text.find("] ");
    throw InvalidArgument(what_ + ": expected JSON, got text with a " +
                          printable(end == std::string::npos ? text : text.substr(end + 2), 300));
  }

 private:
  bool add(json value) {
    place(std::move(value));
    return true;
  }

  bool open(json empty) {
    if (open_.size() == kMaxDepth)
      refuse("nesting of at most " + std::to_string(kMaxDepth) + " levels");
    open_.push_back(place(std::move(empty)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  json* place(json value) {
    if (++values_ > kMaxValues) refuse("at most " + std::to_string(kMaxValues) + " values");
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_object()) {
      *member_ = std::move(value);
      return member_;
    }
    // Pointers to containers that are open stay: only the innermost grows.
    auto& items = open_.back()->get_ref<json::array_t&>();
    items.push_back(std::move(value));
    return &items.back();
  }

  [[noreturn]] void refuse(const std::string& expected) const {
    throw InvalidArgument(what_ + ": expected " + expected + ", got more");
  }

  json& root_;
  const std::string& what_;
  std::vector<json*> open_;
  json* member_ = nullptr;  // the value to come, in an object
  Index values_ = 0;
};

}  // namespace

JsonTree::JsonTree() : root_(std::make_unique<json>()) {}
JsonTree::~JsonTree() {
  if (root_) take_apart(*root_);
}
JsonTree::JsonTree(JsonTree&&) noexcept = default;

JsonTree parse_json(const std::string& text, const std::string& what) {
  // The parser would take a null for the end.
  if (text.find('\0') != std::string::npos)
    throw InvalidArgument(what + ": expected JSON, got text with a null character");
  JsonTree tree;
  TreeHandler handler(tree.root(), what);
  json::sax_parse(text, &handler);
  return tree;
}

}  // namespace lstm_native
