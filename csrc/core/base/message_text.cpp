#include "core/base/message_text.hpp"

#include <cstdint>
#include <locale>
#include <sstream>

namespace lstm_native {
namespace {

struct Character {
  std::size_t length = 0;  // in bytes; 0: there is none
  std::uint32_t code = 0;
};

/// The well-formed UTF-8 character at the start of `text` (Unicode 15, table 3-7).
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return {};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {};
  return {length, code};
}

/// Controls (C0, DEL, C1: a terminal takes U+009B for the start of a command), separators of lines,
/// marks that turn or hide text.
bool unseen(std::uint32_t code) {
  constexpr std::uint32_t ranges[][2] = {{0x00, 0x1F},     {0x7F, 0x9F},      {0x200B, 0x200F},
                                         {0x2028, 0x202E}, {0x2060, 0x206F},  {0xFEFF, 0xFEFF},
                                         {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
  for (const auto& [first, last] : ranges)
    if (code >= first && code <= last) return true;
  return false;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  static const char* const digits = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit) return out + "...";
    const auto [length, code] = first_character(text);
    const std::string_view bytes = text.substr(0, length ? length : 1);
    if (length == 0 || unseen(code)) {
      for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      }
    } else {
      out += bytes;
    }
    text.remove_prefix(bytes.size());
  }
  return out;
}

std::string in_quotes(std::string_view text, std::size_t limit) {
  return '"' + printable(text, limit) + '"';
}

std::string quoted(std::string_view name) { return "'" + printable(name, 200) + "'"; }

std::string number_text(double value) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(15);
  out << value;
  return out.str();
}

std::string shape_text(const std::vector<Index>& shape) {
  std::string out;
  for (const Index extent : shape) out += (out.empty() ? "" : ", ") + std::to_string(extent);
  return '(' + out + ')';
}

}  // namespace lstm_native
