// The part of a table that a batch is made of.
#pragma once

#include <algorithm>

#include "core/base/workspace.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native {

/// Of each sample (or each of `rows`) the steps from `first` on.
struct BatchPart {
  const Index* rows;                       // null: all in order
  Index samples, timesteps, first, steps;  // of the batch, of the table, of the window

  bool whole() const { return !rows && steps == timesteps; }

  /// The same part of a table of so many steps, all of them.
  BatchPart of_steps(Index table_steps) const {
    return {rows, samples, table_steps, 0, table_steps};
  }

  /// Samples of `width` values at each step, one after another; null stays null.
  template <class V>
  const V* steps_of(const V* table, Index width, Workspace& workspace) const {
    if (!table || whole()) return table;
    V* out = workspace.take<V>(samples * steps * width);
    for (Index i = 0; i < samples; ++i)
      std::copy_n(table + (sample(i) * timesteps + first) * width, steps * width,
                  out + i * steps * width);
    return out;
  }

  /// The lengths that are left in the window.
  const Index* lengths(const Index* all, Workspace& workspace) const {
    if (!all || whole()) return all;
    Index* out = workspace.take<Index>(samples);
    for (Index i = 0; i < samples; ++i) {
      const Index length = all[sample(i)];
      // What is no length is left as it is, to be refused.
      const bool fits = length >= 0 && length <= timesteps;
      out[i] = fits ? std::clamp<Index>(length - first, 0, steps) : length;
    }
    return out;
  }

 private:
  Index sample(Index i) const { return rows ? rows[i] : i; }
};

/// This part of the targets that a loss wants.
template <class T>
Targets<T> targets_of(const TargetShape& wanted, const BatchPart& part, const Targets<T>& y,
                      Workspace& workspace) {
  Targets<T> found;
  if (wanted.features) found.values = part.steps_of(y.values, wanted.features, workspace);
  if (!wanted.own_steps) {
    found.labels = part.steps_of(y.labels, 1, workspace);
    found.weights = part.steps_of(y.weights, 1, workspace);
    return found;
  }
  const BatchPart whole = part.of_steps(y.timesteps);
  found.labels = whole.steps_of(y.labels, 1, workspace);
  found.lengths = whole.lengths(y.lengths, workspace);
  found.timesteps = y.timesteps;
  found.weights = part.of_steps(1).steps_of(y.weights, 1, workspace);
  return found;
}

}  // namespace lstm_native
