#include "core/decoding/prefix_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/message_text.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

double log_sum(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kImpossible ? a : a + std::log1p(std::exp(b - a));
}

}  // namespace

PrefixSearch::PrefixSearch(const CtcBeamOptions& options, Index outputs)
    : options_(options), outputs_(outputs) {
  begin();
}

void PrefixSearch::begin() {
  nodes_.assign(1, {-1, -1, 0.0, {}});
  places_.clear();
  entries_.assign(1, {0, -1, -1, 0.0, kImpossible, 0.0, 0.0, 0});
  live_.assign(1, 0);
}

void PrefixSearch::step(const double* p) {
  const auto count = static_cast<Index>(entries_.size());
  const std::int64_t blank = options_.blank;
  first_child_.assign(entries_.size(), -1);
  sibling_.assign(entries_.size(), -1);
  for (Index i = count - 1; i >= 0; --i) {
    const Index before = nodes_[entries_[i].node].before;
    const Index parent = before < 0 ? -1 : live_[before];
    if (parent < 0) continue;
    sibling_[i] = first_child_[parent];
    first_child_[parent] = i;
  }
  next_.clear();
  // Prefixes that stay as they are, by a blank or by their last label once more; and what comes to
  // them from a prefix that is one label shorter.
  for (Index i = 0; i < count; ++i) {
    const Entry& now = entries_[i];
    const Node& node = nodes_[now.node];
    Entry entry{now.node, node.before, node.label, now.total + p[blank], kImpossible, 0, 0, 0};
    if (node.before >= 0) {
      entry.labelled = now.labelled + p[node.label];
      const Index parent = live_[node.before];
      if (parent >= 0) {
        const Entry& from = entries_[parent];
        const bool repeats = nodes_[from.node].label == node.label;
        entry.labelled =
            log_sum(entry.labelled, (repeats ? from.blank : from.total) + p[node.label]);
      }
    }
    add(entry, node.added);
  }
  // Prefixes that become one label longer and are none of those.
  taken_.assign(static_cast<std::size_t>(outputs_), -1);
  for (Index i = 0; i < count; ++i) {
    for (Index child = first_child_[i]; child >= 0; child = sibling_[child])
      taken_[nodes_[entries_[child].node].label] = i;
    const Entry& now = entries_[i];
    const Node& node = nodes_[now.node];
    const double* const added = node.continuations.empty() ? nullptr : node.continuations.data();
    for (Index label = 0; label < outputs_; ++label) {
      if (label == blank || taken_[label] == i) continue;
      const double before = label == node.label ? now.blank : now.total;
      add({-1, now.node, label, kImpossible, before + p[label], 0, 0, 0},
          node.added + (added ? added[label] : 0.0));
    }
  }
  keep_best();
  for (const Entry& entry : entries_) live_[entry.node] = -1;
  entries_.swap(next_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].node = node_of(entries_[i]);
    live_[entries_[i].node] = static_cast<Index>(i);
  }
}

void PrefixSearch::keep_best() {
  const auto better = [](const Entry& a, const Entry& b) {
    return a.score > b.score || (a.score == b.score && a.order < b.order);
  };
  if (static_cast<Index>(next_.size()) > options_.width) {
    const auto end = next_.begin() + options_.width;
    std::nth_element(next_.begin(), end, next_.end(), better);
    next_.erase(end, next_.end());
  }
  std::sort(next_.begin(), next_.end(), better);
}

void PrefixSearch::add(Entry entry, double added) {
  entry.total = log_sum(entry.blank, entry.labelled);
  entry.score = entry.total + added;
  entry.order = next_.size();
  if (entry.score > kImpossible) next_.push_back(entry);
}

/// The same prefix is the same node, also when it comes back.
Index PrefixSearch::node_of(const Entry& entry) {
  if (entry.node >= 0) return entry.node;
  const auto key = static_cast<std::uint64_t>(entry.before) * static_cast<std::uint64_t>(outputs_) +
                   static_cast<std::uint64_t>(entry.label);
  const auto [place, is_new] = places_.emplace(key, static_cast<Index>(nodes_.size()));
  if (is_new) {
    const Node& before = nodes_[entry.before];
    const double added = before.added + (options_.scorer ? before.continuations[entry.label] : 0.0);
    nodes_.push_back({entry.before, entry.label, added, {}});
    live_.push_back(-1);
  }
  return place->second;
}

void PrefixSearch::ask() {
  for (const Entry& entry : entries_) {
    std::vector<double>& scores = nodes_[entry.node].continuations;
    if (!scores.empty()) continue;
    const std::vector<std::int64_t> labels = labels_of(entry.node);
    std::vector<double> found(static_cast<std::size_t>(outputs_), 0.0);
    options_.scorer(labels.data(), static_cast<Index>(labels.size()), outputs_, found.data());
    for (Index label = 0; label < outputs_; ++label)
      if (label != options_.blank && !(found[label] < std::numeric_limits<double>::infinity()))
        throw InvalidArgument("scorer: expected finite numbers or -infinity, got " +
                              number_text(found[label]) + " for label " + std::to_string(label));
    scores = std::move(found);
  }
}

std::vector<std::int64_t> PrefixSearch::labels_of(Index node) const {
  std::vector<std::int64_t> labels;
  for (; nodes_[node].before >= 0; node = nodes_[node].before) labels.push_back(nodes_[node].label);
  std::reverse(labels.begin(), labels.end());
  return labels;
}

std::vector<Hypothesis> PrefixSearch::finish() {
  std::vector<Hypothesis> list;
  for (const Entry& entry : entries_) {
    if (static_cast<Index>(list.size()) == options_.n_best) break;
    list.push_back({labels_of(entry.node), entry.total, entry.score});
  }
  begin();
  return list;
}

}  // namespace lstm_native
