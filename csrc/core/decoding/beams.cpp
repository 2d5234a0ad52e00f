#include "core/decoding/beams.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lstm_native {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

bool better(const BeamCandidate& a, const BeamCandidate& b) { return a.better_than(b); }

}  // namespace

void Beams::begin_step() {
  stay_.clear();
  ends_.clear();
  ++steps_;
}

template <class T>
void Beams::add(Index beam, const TokenScores<T>& scores, const bool* allowed) {
  const double before = live_[beam].log_probability;
  const auto width = static_cast<std::size_t>(options_.width);
  const auto least = [&] {
    const bool full = stay_.size() == width;
    return scores.least_value(full ? stay_.front().log_probability - before : kImpossible);
  };
  // Most tokens are below the worst that stays, and not looked at.
  T bound = least();
  scores.each_at_least(bound, [&](Index token) {
    if (allowed && !allowed[token]) return;
    const BeamCandidate candidate{before + scores.log_probability(token), beam, token};
    if (token == options_.end) {
      ends_.push_back(candidate);
      return;
    }
    if (stay_.size() == width) {
      if (!candidate.better_than(stay_.front())) return;
      std::pop_heap(stay_.begin(), stay_.end(), better);
      stay_.back() = candidate;
    } else {
      stay_.push_back(candidate);
    }
    std::push_heap(stay_.begin(), stay_.end(), better);
    bound = least();
  });
}

bool Beams::end_step() {
  for (const BeamCandidate& end : ends_)
    if (stay_.size() < static_cast<std::size_t>(options_.width) || end.better_than(stay_.front()))
      find(new_node(end), end.log_probability);
  std::sort_heap(stay_.begin(), stay_.end(), better);
  std::vector<Live> next;
  for (const BeamCandidate& candidate : stay_)
    next.push_back({new_node(candidate), candidate.beam, candidate.log_probability});
  live_ = std::move(next);
  if (steps_ == options_.steps) {
    for (const Live& live : live_) find(live.node, live.log_probability);
    live_.clear();
  }
  over_ = live_.empty() || !can_improve();
  return !live_.empty() || !found_.empty();
}

/// Wu et al. 2016, "Google's neural machine translation system", equation 14.
double Beams::score(double log_probability, Index tokens) const {
  return log_probability /
         std::pow((5.0 + static_cast<double>(tokens)) / 6.0, options_.length_penalty);
}

/// Log probabilities only fall, and the penalty of the length has its extremes at both ends.
bool Beams::can_improve() const {
  if (static_cast<Index>(found_.size()) < options_.n_best) return true;
  const double most = live_.front().log_probability;
  const double bound = std::max(score(most, steps_ + 1), score(most, options_.steps));
  return bound > found_.back().score;
}

void Beams::find(Index node, double log_probability) {
  const Found found{node, log_probability, score(log_probability, steps_)};
  const auto place =
      std::upper_bound(found_.begin(), found_.end(), found,
                       [](const Found& a, const Found& b) { return a.score > b.score; });
  found_.insert(place, found);
  if (static_cast<Index>(found_.size()) > options_.n_best) found_.pop_back();
}

Index Beams::new_node(const BeamCandidate& candidate) {
  nodes_.push_back({candidate.token, live_[candidate.beam].node});
  return static_cast<Index>(nodes_.size()) - 1;
}

std::vector<std::int64_t> Beams::tokens_of(Index node) const {
  std::vector<std::int64_t> tokens;
  for (; node >= 0; node = nodes_[node].before) tokens.push_back(nodes_[node].token);
  std::reverse(tokens.begin(), tokens.end());
  return tokens;
}

std::vector<Hypothesis> Beams::best() const {
  std::vector<Hypothesis> list;
  for (const Found& found : found_)
    list.push_back({tokens_of(found.node), found.log_probability, found.score});
  return list;
}

template void Beams::add(Index, const TokenScores<float>&, const bool*);
template void Beams::add(Index, const TokenScores<double>&, const bool*);

}  // namespace lstm_native
