#include "core/decoding/token_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/message_text.hpp"
#include "core/decoding/decoder.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
TokenSampler<T>::TokenSampler(const GenerateOptions& options, Index vocabulary)
    : options_(options), vocabulary_(vocabulary) {
  if (!(options.temperature >= 0 && std::isfinite(options.temperature)))
    throw InvalidArgument("temperature: expected a number from 0 on, got " +
                          number_text(options.temperature));
  if (!(options.top_p > 0 && options.top_p <= 1))
    throw InvalidArgument("top_p: expected a number above 0, at most 1, got " +
                          number_text(options.top_p));
  check_between("top_k", options.top_k, 0, std::numeric_limits<Index>::max());
  if (options.temperature == 0 && (options.top_k != 0 || options.top_p != 1))
    throw InvalidArgument(
        "temperature: 0 takes the most probable token, and top_k and top_p are "
        "for drawing: expected a number above 0");
}

template <class T>
Index TokenSampler<T>::draw(const TokenScores<T>& scores, const bool* allowed, double uniform) {
  const Index best = scores.best(allowed);
  if (is_greedy() || best < 0) return best;
  const double highest = scores.log_probability(best);
  candidates_.clear();
  for (Index i = 0; i < vocabulary_; ++i)
    if (!allowed || allowed[i]) {
      // A share of the most probable one: it neither overflows nor are all of them 0.
      const double share = (scores.log_probability(i) - highest) / options_.temperature;
      candidates_.push_back({std::exp(share), i});
    }
  limit();
  double sum = 0;
  for (const Candidate& candidate : candidates_) sum += candidate.weight;
  double left = uniform * sum;
  for (const Candidate& candidate : candidates_) {
    if (left < candidate.weight) return candidate.token;
    left -= candidate.weight;
  }
  return best;  // where rounding left a rest
}

template <class T>
void TokenSampler<T>::limit() {
  const auto more_probable = [](const Candidate& a, const Candidate& b) {
    return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
  };
  const auto count = static_cast<Index>(candidates_.size());
  const Index kept = options_.top_k ? std::min(options_.top_k, count) : count;
  if (kept == count && options_.top_p == 1) return;
  const auto end = candidates_.begin() + kept;
  std::partial_sort(candidates_.begin(), end, candidates_.end(), more_probable);
  candidates_.erase(end, candidates_.end());
  double sum = 0;
  for (const Candidate& candidate : candidates_) sum += candidate.weight;
  double share = 0;
  std::size_t needed = 0;
  while (needed < candidates_.size() && share < options_.top_p * sum)
    share += candidates_[needed++].weight;
  candidates_.resize(needed);
}

template class TokenSampler<float>;
template class TokenSampler<double>;

}  // namespace lstm_native
