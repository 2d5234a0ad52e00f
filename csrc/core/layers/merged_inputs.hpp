// What layers with several inputs have in common: inputs that are equal in their steps, or
// repeated.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/layers/layer.hpp"

namespace lstm_native {

/// The inputs of one layer: their features and names.
class MergedInputs {
 public:
  /// `layer` names it in messages. Throws InvalidArgument for fewer than two inputs.
  MergedInputs(const char* layer, std::vector<Index> features);

  std::size_t count() const { return features_.size(); }
  Index features(std::size_t input) const { return features_[input]; }
  /// Throws InvalidArgument unless all inputs have as many features.
  void check_same_features() const;
  std::vector<Port> ports() const;

  /// The steps of those with a time axis; 0 where none has one. Throws InvalidArgument where they
  /// differ.
  Index timesteps(const OutputShape* in) const;

  /// The lengths of those with a time axis. Throws InvalidArgument where they differ.
  template <class T>
  const Index* lengths(const Batch<T>* in) const;

 private:
  const char* layer_;
  std::vector<Index> features_;
  std::vector<std::string> names_;
};

/// How the inputs of one pass lie in memory.
template <class T>
struct MergedBatch {
  const Batch<T>* in;
  Index samples, timesteps;  // 0: no time axis
  const Index* lengths;      // null: all steps are true

  Index true_steps(Index sample) const { return lengths ? lengths[sample] : rows_of(1, timesteps); }
  bool is_repeated(std::size_t input) const { return timesteps > 0 && in[input].timesteps == 0; }
  /// The row of an input at a sample's step.
  Index row(std::size_t input, Index sample, Index step) const {
    return is_repeated(input) ? sample : sample * rows_of(1, timesteps) + step;
  }
};

/// The batch that these inputs make, whose shapes were checked.
template <class T>
MergedBatch<T> merged_batch(const MergedInputs& inputs, const Batch<T>* in) {
  MergedBatch<T> batch{in, in[0].samples, 0, inputs.lengths(in)};
  for (std::size_t k = 0; k < inputs.count(); ++k)
    batch.timesteps = std::max(batch.timesteps, in[k].timesteps);
  return batch;
}

/// Calls body(row of the output, sample, step) for each true step of the samples [begin, end).
template <class T, class Body>
void for_each_step(const MergedBatch<T>& batch, Index begin, Index end, const Body& body) {
  for (Index sample = begin; sample < end; ++sample)
    for (Index step = 0; step < batch.true_steps(sample); ++step)
      body(sample * rows_of(1, batch.timesteps) + step, sample, step);
}

}  // namespace lstm_native
