// One description of a spec's fields reads, writes and checks it.
//
// A spec is described by one function beside it, in namespace lstm_native:
//
//   template <class Visitor>
//   void fields(Visitor& v, const DenseSpec&) {
//     v.required("units", &DenseSpec::units, integers(1, kMaxWidth));
//     v.always("activation", &DenseSpec::activation, kActivations);
//     v.optional("momentum", &DenseSpec::momentum, fractions());
//   }
//
//   required   the object must have the key, and is written with it
//   always     may be left out, which leaves the default of the struct; is written in any case
//   optional   may be left out; is written only where it is not the default, so that files from
//              before there was a choice stay as they are
//
// The second argument of `fields` is the spec as far as it has been read, for fields that only some
// kinds of it have. A range stands in ranges.hpp; an enumeration's is its table of names. A range
// that depends on fields before it is a function without arguments, which is called when they have
// been checked: [&] { return integers(0, s.hidden_size - 1); }.
//
// A field may be an Index, a double, a bool, a string, an enumeration, a vector or a std::optional
// of these, or any type with the three functions read_value, write_value and check_value.
// What concerns several fields at once stands in a check of the spec's own.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/message_text.hpp"
#include "core/specs/object_reader.hpp"
#include "core/specs/ranges.hpp"

namespace lstm_native {

// Values ------------------------------------------------------------------------------------------

template <class Range>
void read_value(const nlohmann::json& from, const std::string& path, Index& to, const Range&) {
  to = as_integer(from, path);
}
template <class Range>
void read_value(const nlohmann::json& from, const std::string& path, double& to, const Range&) {
  to = as_number(from, path);
}
template <class Range>
void read_value(const nlohmann::json& from, const std::string& path, bool& to, const Range&) {
  to = as_boolean(from, path);
}
template <class Range>
void read_value(const nlohmann::json& from, const std::string& path, std::string& to,
                const Range&) {
  to = as_string(from, path);
}
template <class Enum, std::size_t n>
void read_value(const nlohmann::json& from, const std::string& path, Enum& to,
                const NamedValue<Enum> (&table)[n]) {
  const std::string name = as_string(from, path);
  std::vector<std::string> names;
  for (const auto& entry : table) {
    if (entry.name == name) {
      to = entry.value;
      return;
    }
    names.emplace_back(entry.name);
  }
  refuse(path, "one of " + listed(names), in_quotes(name));
}

template <class Range>
nlohmann::json write_value(Index value, const Range&) {
  return value;
}
template <class Range>
nlohmann::json write_value(double value, const Range&) {
  return value;
}
template <class Range>
nlohmann::json write_value(bool value, const Range&) {
  return value;
}
template <class Range>
nlohmann::json write_value(const std::string& value, const Range&) {
  return value;
}
template <class Enum, std::size_t n>
nlohmann::json write_value(Enum value, const NamedValue<Enum> (&table)[n]) {
  return name_of(table, value);
}

// Nothing, and JSON's null, are an empty std::optional.
template <class Value, class Range>
void read_value(const nlohmann::json& from, const std::string& path, std::optional<Value>& to,
                const Range& range) {
  to.reset();
  if (!from.is_null()) read_value(from, path, to.emplace(), range);
}
template <class Value, class Range>
nlohmann::json write_value(const std::optional<Value>& value, const Range& range) {
  return value ? write_value(*value, range) : nlohmann::json();
}
template <class Value, class Range>
void check_value(const std::string& path, const std::optional<Value>& value, const Range& range) {
  if (value) check_value(path, *value, range);
}
template <class Value>
void check_value(const std::string&, const std::optional<Value>&, const Any&) {}

// The range is that of each element.
template <class Value, class Range>
void read_value(const nlohmann::json& from, const std::string& path, std::vector<Value>& to,
                const Range& range) {
  if (!from.is_array()) refuse(path, "an array", shown(from));
  to.clear();
  for (std::size_t i = 0; i < from.size(); ++i)
    read_value(from[i], path + '[' + std::to_string(i) + ']', to.emplace_back(), range);
}
template <class Value, class Range>
nlohmann::json write_value(const std::vector<Value>& values, const Range& range) {
  nlohmann::json array = nlohmann::json::array();
  for (const Value& value : values) array.push_back(write_value(value, range));
  return array;
}
template <class Value, class Range>
void check_value(const std::string& path, const std::vector<Value>& values, const Range& range) {
  for (std::size_t i = 0; i < values.size(); ++i)
    check_value(path + '[' + std::to_string(i) + ']', values[i], range);
}
template <class Value>
void check_value(const std::string&, const std::vector<Value>&, const Any&) {}

/// Whether a field has its default.
template <class Value>
bool same(const Value& a, const Value& b) {
  return a == b;
}

// Visitors ----------------------------------------------------------------------------------------

/// Reads the keys of an object into a spec: types only, ranges are FieldChecker's.
template <class Spec>
class FieldReader {
 public:
  FieldReader(ObjectReader& from, Spec& to) : from_(from), to_(to) {}

  template <class Class, class Value, class Range = Any>
  void required(const char* key, Value Class::* member, const Range& range = {}) {
    read_value(from_.required(key), from_.path_of(key), to_.*member, range);
  }
  template <class Class, class Value, class Range = Any>
  void optional(const char* key, Value Class::* member, const Range& range = {}) {
    if (const nlohmann::json* found = from_.optional(key))
      read_value(*found, from_.path_of(key), to_.*member, range);
  }
  template <class Class, class Value, class Range = Any>
  void always(const char* key, Value Class::* member, const Range& range = {}) {
    optional(key, member, range);
  }

 protected:
  ObjectReader& from_;
  Spec& to_;
};

/// Writes a spec as keys of an object.
template <class Spec>
class FieldWriter {
 public:
  FieldWriter(const Spec& from, nlohmann::json& to) : from_(from), to_(to) {}

  template <class Class, class Value, class Range = Any>
  void required(const char* key, Value Class::* member, const Range& range = {}) {
    to_[key] = write_value(from_.*member, range);
  }
  template <class Class, class Value, class Range = Any>
  void always(const char* key, Value Class::* member, const Range& range = {}) {
    required(key, member, range);
  }
  template <class Class, class Value, class Range = Any>
  void optional(const char* key, Value Class::* member, const Range& range = {}) {
    if (!same(from_.*member, default_.*member)) required(key, member, range);
  }

 protected:
  const Spec& from_;
  nlohmann::json& to_;
  const Spec default_{};
};

/// Throws InvalidArgument for the first field that is out of its range.
template <class Spec>
class FieldChecker {
 public:
  /// `path` names the spec in messages.
  FieldChecker(const Spec& spec, const std::string& path) : spec_(spec), path_(path) {}

  template <class Class, class Value, class Range = Any>
  void required(const char* key, Value Class::* member, const Range& range = {}) {
    if constexpr (std::is_invocable_v<const Range&>)
      check_value(path_ + '.' + key, spec_.*member, range());
    else
      check_value(path_ + '.' + key, spec_.*member, range);
  }
  template <class Class, class Value, class Range = Any>
  void always(const char* key, Value Class::* member, const Range& range = {}) {
    required(key, member, range);
  }
  template <class Class, class Value, class Range = Any>
  void optional(const char* key, Value Class::* member, const Range& range = {}) {
    required(key, member, range);
  }

 protected:
  const Spec& spec_;
  const std::string& path_;
};

/// The three at work on a spec whose description `fields` is.
template <class Spec>
void read_fields(ObjectReader& from, Spec& to) {
  FieldReader<Spec> visitor(from, to);
  fields(visitor, to);
}
template <class Spec>
void write_fields(const Spec& from, nlohmann::json& to) {
  FieldWriter<Spec> visitor(from, to);
  fields(visitor, from);
}
template <class Spec>
void check_fields(const Spec& spec, const std::string& path) {
  FieldChecker<Spec> visitor(spec, path);
  fields(visitor, spec);
}

}  // namespace lstm_native
