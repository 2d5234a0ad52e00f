#include "core/specs/ranges.hpp"

#include <cmath>

#include "core/base/message_text.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

bool holds(Numbers range, double value) {
  switch (range) {
    case Numbers::finite: return true;
    case Numbers::positive: return value > 0.0;
    case Numbers::not_negative: return value >= 0.0;
    case Numbers::fraction: return value >= 0.0 && value < 1.0;
  }
  return false;
}

const char* text_of(Numbers range) {
  switch (range) {
    case Numbers::finite: return "a finite number";
    case Numbers::positive: return "a finite number > 0";
    case Numbers::not_negative: return "a finite number >= 0";
    case Numbers::fraction: return "0 <= value < 1";
  }
  return "";
}

}  // namespace

void refuse(const std::string& path, const std::string& expected, const std::string& actual) {
  throw InvalidArgument(path + ": expected " + expected + ", got " + actual);
}

void refuse_nameless(int value) {
  throw InvalidArgument("expected a named value, got number " + std::to_string(value));
}

void check_value(const std::string& path, Index value, const Integers& range) {
  if (value >= range.low && value <= range.high) return;
  refuse(path, std::to_string(range.low) + " to " + std::to_string(range.high),
         std::to_string(value));
}

void check_value(const std::string& path, double value, const Numbers& range) {
  if (std::isfinite(value) && holds(range, value)) return;
  refuse(path, text_of(range), number_text(value));
}

}  // namespace lstm_native
