// Drawing tokens by their probabilities.
#pragma once

#include <vector>

#include "core/decoding/token_scores.hpp"
#include "lstm_native/decoding.hpp"

namespace lstm_native {

/// Draws from softmax(logits / temperature), of which only the top_k most probable tokens are left
/// and of these the fewest that have the share top_p together (nucleus sampling, Holtzman et al.
/// 2020).
template <class T>
class TokenSampler {
 public:
  /// Throws InvalidArgument for options out of range.
  TokenSampler(const GenerateOptions& options, Index vocabulary);

  bool is_greedy() const { return options_.temperature == 0; }

  /// uniform: a number in [0, 1). allowed: null, or which tokens may be drawn. -1: none may.
  Index draw(const TokenScores<T>& scores, const bool* allowed, double uniform);

 private:
  struct Candidate {
    double weight;  // log probability at first
    Index token;
  };

  void limit();

  const GenerateOptions& options_;
  Index vocabulary_;
  std::vector<Candidate> candidates_;
};

}  // namespace lstm_native
