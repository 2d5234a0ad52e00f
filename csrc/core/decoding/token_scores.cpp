#include "core/decoding/token_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
template <class T>
bool TokenScores<T>::read(T* scratch) {
  maxima_ = scratch;
  const double sum = kernels<T>().exponential_sum(tokens_, values_, &largest_, scratch);
  if (logits_) {
    log_sum_ = static_cast<double>(largest_) + std::log(sum);
    return std::isfinite(log_sum_);
  }
  return std::isfinite(sum) && *std::min_element(values_, values_ + tokens_) >= 0;
}

template <class T>
void TokenScores<T>::refuse(const std::string& where) const {
  const auto any = [&](auto is) { return std::any_of(values_, values_ + tokens_, is); };
  std::string got = "-infinity for all";
  if (any([](T value) { return std::isnan(value); }))
    got = "NaN";
  else if (any([](T value) { return value == std::numeric_limits<T>::infinity(); }))
    got = "infinity";
  else if (!logits_)
    got = "negative probabilities";
  throw InvalidArgument(where + ": expected one " + (logits_ ? "logit" : "probability") +
                        " for each token, got " + got);
}

template <class T>
double TokenScores<T>::log_probability(Index token) const {
  const auto value = static_cast<double>(values_[token]);
  return logits_ ? value - log_sum_ : std::log(value);
}

template <class T>
Index TokenScores<T>::best(const bool* allowed) const {
  const T least = least_value(-std::numeric_limits<double>::infinity());
  if (!allowed && largest_ >= least)
    return std::find(values_, values_ + tokens_, largest_) - values_;
  Index found = -1;
  T bound = least;
  each_at_least(bound, [&](Index token) {
    if ((allowed && !allowed[token]) || (found >= 0 && values_[token] == bound)) return;
    found = token;
    bound = values_[token];
  });
  return found;
}

template <class T>
T TokenScores<T>::least_value(double log_probability) const {
  if (log_probability == -std::numeric_limits<double>::infinity())
    return logits_ ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::min();
  // A little less than it is, for the rounding of both ways.
  const double exact = logits_ ? log_probability + log_sum_ : std::exp(log_probability);
  const double slack = 1e-12 * (1.0 + std::abs(log_probability) + std::abs(log_sum_));
  const double below = logits_ ? exact - slack : exact * (1.0 - slack);
  return std::nextafter(static_cast<T>(below), -std::numeric_limits<T>::infinity());
}

template class TokenScores<float>;
template class TokenScores<double>;

}  // namespace lstm_native
