// Text from outside (names, JSON, paths) made fit to stand in an error message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// `text` as valid UTF-8 of at most about `limit` bytes: ill-formed bytes and characters that a
/// terminal obeys or hides (controls, marks of direction) become "\xNN", and what is cut off
/// becomes "...".
std::string printable(std::string_view text, std::size_t limit = 80);

/// `text` made printable, between double quotes.
std::string in_quotes(std::string_view text, std::size_t limit = 80);

/// The same of a name, between single quotes, at full length.
std::string quoted(std::string_view name);

/// A number as a message shows it: shortest of up to 15 digits, whatever the locale.
std::string number_text(double value);

/// "(32, 8)"
std::string shape_text(const std::vector<Index>& shape);

}  // namespace lstm_native
