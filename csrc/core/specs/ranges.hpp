// The ranges that a spec's fields may have, and how a value outside of one is refused.
#pragma once

#include <cstddef>
#include <string>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// Throws InvalidArgument: "path: expected ..., got ...".
[[noreturn]] void refuse(const std::string& path, const std::string& expected,
                         const std::string& actual);

/// Any value of the type.
struct Any {};

struct Integers {
  Index low, high;  // both allowed
};
constexpr Integers integers(Index low, Index high) { return {low, high}; }

/// The ranges of numbers. None of them holds a NaN or an infinity.
enum class Numbers { finite, positive, not_negative, fraction };
constexpr Numbers finite_numbers() { return Numbers::finite; }
constexpr Numbers positive() { return Numbers::positive; }          // > 0
constexpr Numbers not_negative() { return Numbers::not_negative; }  // >= 0
constexpr Numbers fractions() { return Numbers::fraction; }         // 0 included, 1 not

/// Throw InvalidArgument when the value is out of range. `path` names it in the message.
template <class Value>
void check_value(const std::string&, const Value&, const Any&) {}
void check_value(const std::string& path, Index value, const Integers& range);
void check_value(const std::string& path, double value, const Numbers& range);

/// The names of an enumeration's values, in the order of the values.
template <class Enum>
struct NamedValue {
  const char* name;
  Enum value;
};

/// Whether the table begins at 0 and leaves out no value before its last: for a static_assert
/// beside each table.
template <class Enum, std::size_t n>
constexpr bool in_order(const NamedValue<Enum> (&table)[n]) {
  for (std::size_t i = 0; i < n; ++i)
    if (static_cast<std::size_t>(table[i].value) != i) return false;
  return true;
}

template <class Enum, std::size_t n>
void check_value(const std::string& path, Enum value, const NamedValue<Enum> (&)[n]) {
  check_value(path, static_cast<Index>(value), integers(0, static_cast<Index>(n) - 1));
}

[[noreturn]] void refuse_nameless(int value);

/// Throws InvalidArgument for a value without a name, which C++ callers can make.
template <class Enum, std::size_t n>
std::string name_of(const NamedValue<Enum> (&table)[n], Enum value) {
  for (const auto& entry : table)
    if (entry.value == value) return entry.name;
  refuse_nameless(static_cast<int>(value));
}

}  // namespace lstm_native
