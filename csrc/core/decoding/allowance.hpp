// Which tokens may follow, as a caller's function says.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "lstm_native/decoding.hpp"

namespace lstm_native {

class Allowance {
 public:
  Allowance(const AllowTokens& allow, Index rows, Index vocabulary)
      : allow_(allow), vocabulary_(vocabulary) {
    if (allow_) allowed_.reset(new bool[static_cast<std::size_t>(rows * vocabulary)]);
  }

  explicit operator bool() const { return static_cast<bool>(allow_); }

  /// Forgets what was asked for.
  void begin() {
    prefixes_.clear();
    prompts_.clear();
  }
  /// A sequence that goes on; its place is the number of those before it.
  void add(std::vector<std::int64_t> tokens, Index prompt) {
    prefixes_.push_back(std::move(tokens));
    prompts_.push_back(prompt);
  }
  /// Asks about those that were added. Not inside a FloatMode: the caller's code runs.
  void ask() {
    const auto rows = static_cast<Index>(prompts_.size());
    if (rows == 0) return;
    std::fill_n(allowed_.get(), rows * vocabulary_, true);
    allow_({rows, vocabulary_, prefixes_.data(), prompts_.data(), allowed_.get()});
  }

  /// Of the sequence at a place; null: all tokens.
  const bool* row(Index place) const {
    return allow_ ? allowed_.get() + place * vocabulary_ : nullptr;
  }

 private:
  const AllowTokens& allow_;
  Index vocabulary_;
  std::unique_ptr<bool[]> allowed_;
  std::vector<std::vector<std::int64_t>> prefixes_;
  std::vector<Index> prompts_;
};

}  // namespace lstm_native
