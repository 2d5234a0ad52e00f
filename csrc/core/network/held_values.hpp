// What of a graph is known before the first step of a stream.
#pragma once

#include <memory>
#include <vector>

#include "core/network/graph_pass.hpp"

namespace lstm_native {

/// Inputs that are held, given as a whole, and all that depends on them alone, computed once. A
/// stream is made from it, of as many rows as there are held samples or a multiple of that: beams
/// of a sample read the same values.
template <class T>
class HeldValues {
 public:
  /// held: null, or one batch for each input, checked, whose memory must stay; without values and
  /// tokens where the input is stepped.
  HeldValues(std::shared_ptr<const Graph<T>> graph, const Batch<T>* held);

  const std::shared_ptr<const Graph<T>>& graph() const { return graph_; }
  bool any() const { return samples_ > 0; }
  Index samples() const { return samples_; }  // 0: nothing is held
  /// By input, and by value (Graph::value_of).
  const std::vector<bool>& held() const { return held_; }
  const std::vector<bool>& stepped() const { return stepped_; }
  /// A value that is not stepped, padded.
  const Batch<T>& value(std::size_t number) const;
  /// Of all values, where a step has one.
  std::vector<OutputShape> shapes() const { return graph_->value_shapes(timesteps_); }

 private:
  void find_stepped();

  std::shared_ptr<const Graph<T>> graph_;
  Index samples_ = 0;
  std::vector<bool> held_, stepped_;
  std::vector<Index> timesteps_;  // of each input; 1 where it is stepped
  Workspace workspace_;           // where the values lie
  const GraphValue<T>* values_ = nullptr;
};

}  // namespace lstm_native
