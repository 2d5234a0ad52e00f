// Prefix beam search over the outputs of one sample (Graves & Jaitly 2014; Hannun et al. 2014).
#pragma once

#include <unordered_map>
#include <vector>

#include "lstm_native/decoding.hpp"

namespace lstm_native {

/// A prefix is a sequence of labels. Its probability after some steps is the sum over all
/// alignments that read as it, in two parts: those that end with a blank and those that end with
/// its last label.
class PrefixSearch {
 public:
  PrefixSearch(const CtcBeamOptions& options, Index outputs);

  /// Asks the scorer, which there must be, about the prefixes that go on. Not inside a FloatMode:
  /// the caller's code runs.
  void ask();
  /// One step: the log probabilities of all outputs.
  void step(const double* log_probabilities);
  /// The n_best after the steps so far; then it begins anew.
  std::vector<Hypothesis> finish();

 private:
  struct Node {  // a prefix
    Index before;
    std::int64_t label;
    double added;  // by the scorer, all labels of it
    std::vector<double>
        continuations;  // what the scorer adds for each next label; empty: not asked
  };
  struct Entry {  // a prefix that goes on
    Index node;   // -1: not made yet, `before` and `label` say which
    Index before;
    std::int64_t label;
    double blank, labelled;  // log probabilities of both parts
    double total, score;
    std::size_t order;  // in which they came up, which decides between equal ones
  };

  void begin();
  std::vector<std::int64_t> labels_of(Index node) const;
  void add(Entry entry, double added);
  void keep_best();
  Index node_of(const Entry& entry);

  const CtcBeamOptions& options_;
  Index outputs_;
  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, Index> places_;  // of (node, label): the node behind it
  std::vector<Entry> entries_, next_;
  std::vector<Index> live_;                   // of each node its entry, or -1
  std::vector<Index> first_child_, sibling_;  // of each entry: entries that continue it
  std::vector<Index> taken_;                  // of each label: by which entry, for the step
};

}  // namespace lstm_native
