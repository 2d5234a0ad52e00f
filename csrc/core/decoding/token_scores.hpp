// What a row of a network's outputs says of the tokens.
#pragma once

#include <algorithm>
#include <string>

#include "kernels/kernel_table.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// What the outputs are.
enum class TokenReading { logits, probabilities };

/// One row, one value for each token: its log probabilities without making them all.
template <class T>
class TokenScores {
 public:
  TokenScores() = default;
  /// values must stay, and scratch, of scratch_size(tokens) values. `where` is asked for what to
  /// call the row when it holds NaN or is no distribution, which throws InvalidArgument.
  template <class Where>
  TokenScores(TokenReading reading, Index tokens, const T* values, T* scratch, const Where& where)
      : values_(values), tokens_(tokens), logits_(reading == TokenReading::logits) {
    if (!read(scratch)) refuse(where());
  }

  static Index scratch_size(Index tokens) { return (tokens + kMaximaBlock - 1) / kMaximaBlock; }

  /// In double. -infinity: impossible.
  double log_probability(Index token) const;

  /// The token with the highest value, the lowest number first; -1: none is allowed or possible.
  /// allowed: one entry for each token; null: all.
  Index best(const bool* allowed) const;

  /// A value that tokens of at least this log probability have at least: a bound for a quick look.
  T least_value(double log_probability) const;

  /// use(token) for all tokens whose value is at least `bound`, in order. `use` may raise it.
  template <class Use>
  void each_at_least(const T& bound, const Use& use) const {
    for (Index block = 0; block < scratch_size(tokens_); ++block) {
      if (!(maxima_[block] >= bound)) continue;
      const Index end = std::min(tokens_, (block + 1) * kMaximaBlock);
      for (Index token = block * kMaximaBlock; token < end; ++token)
        if (values_[token] >= bound) use(token);
    }
  }

 private:
  bool read(T* scratch);
  [[noreturn]] void refuse(const std::string& where) const;

  const T *values_ = nullptr, *maxima_ = nullptr;
  Index tokens_ = 0;
  bool logits_ = true;
  T largest_ = 0;
  double log_sum_ = 0;  // log(sum(exp(logits)))
};

}  // namespace lstm_native
