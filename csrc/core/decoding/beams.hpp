// The hypotheses of one prompt.
#pragma once

#include <vector>

#include "core/decoding/token_scores.hpp"
#include "lstm_native/decoding.hpp"

namespace lstm_native {

/// What beams are compared by: more probable, then from the better hypothesis, then by token.
struct BeamCandidate {
  double log_probability;
  Index beam;  // which hypothesis it continues
  std::int64_t token;

  bool better_than(const BeamCandidate& other) const {
    if (log_probability != other.log_probability) return log_probability > other.log_probability;
    return beam != other.beam ? beam < other.beam : token < other.token;
  }
};

/// Hypotheses that go on, best first, and those that were found. Their tokens stand in a tree, so
/// that a step copies none.
class Beams {
 public:
  explicit Beams(const BeamOptions& options) : options_(options) {}

  bool over() const { return over_; }
  Index going() const { return static_cast<Index>(live_.size()); }
  std::vector<std::int64_t> tokens(Index beam) const { return tokens_of(live_[beam].node); }

  /// A step in three parts. `add` is called for each hypothesis in order: what may follow it.
  /// allowed: null, or for each token whether it may.
  void begin_step();
  template <class T>
  void add(Index beam, const TokenScores<T>& scores, const bool* allowed);
  /// Returns whether any hypothesis goes on or was found. Where they go on, `token` and `parent`
  /// say how.
  bool end_step();
  std::int64_t token(Index beam) const { return nodes_[live_[beam].node].token; }
  Index parent(Index beam) const { return live_[beam].parent; }

  /// Those that were found, the best first.
  std::vector<Hypothesis> best() const;

 private:
  struct Node {
    std::int64_t token;
    Index before;  // -1: none
  };
  struct Live {
    Index node;  // -1: no token yet
    Index parent;
    double log_probability;
  };
  struct Found {
    Index node;
    double log_probability, score;
  };

  double score(double log_probability, Index tokens) const;
  void find(Index node, double log_probability);
  bool can_improve() const;
  std::vector<std::int64_t> tokens_of(Index node) const;
  Index new_node(const BeamCandidate& candidate);

  const BeamOptions& options_;
  std::vector<Node> nodes_;
  std::vector<Live> live_{{-1, 0, 0.0}};
  std::vector<Found> found_;
  std::vector<BeamCandidate> stay_;  // a heap, the worst on top
  std::vector<BeamCandidate> ends_;
  Index steps_ = 0;
  bool over_ = false;
};

}  // namespace lstm_native
