// What a row of a network's outputs says of the tokens.
#pragma once

#include <string>
#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// What the outputs are.
enum class TokenReading { logits, probabilities };

/// One row, one value for each token: its log probabilities without making them all.
template <class T>
class TokenScores {
 public:
  TokenScores() = default;
  /// values must stay. scratch: as many values again. `where` is asked for what to call the row
  /// when it holds NaN or is no distribution, which throws InvalidArgument.
  template <class Where>
  TokenScores(TokenReading reading, Index tokens, const T* values, T* scratch, const Where& where)
      : values_(values), tokens_(tokens), logits_(reading == TokenReading::logits) {
    if (!read(scratch)) refuse(where());
  }

  /// In double. -infinity: impossible.
  double log_probability(Index token) const;

  /// The token with the highest value, the lowest number first; -1: none is allowed or possible.
  /// allowed: one entry for each token; null: all.
  Index best(const bool* allowed) const;

  /// A value that tokens of at least this log probability have at least: a bound for a quick look.
  T least_value(double log_probability) const;

  const T* values() const { return values_; }

 private:
  bool read(T* scratch);
  [[noreturn]] void refuse(const std::string& where) const;

  const T* values_ = nullptr;
  Index tokens_ = 0;
  bool logits_ = true;
  double log_sum_ = 0;  // log(sum(exp(logits)))
};

}  // namespace lstm_native
