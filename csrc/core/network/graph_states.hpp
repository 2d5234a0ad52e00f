// The states that nodes carry from one pass to the next.
#pragma once

#include <vector>

#include "core/network/graph.hpp"

namespace lstm_native {

/// For each node of a graph the states it begins its next pass with: those at its state ports that
/// read nothing. They are plain numbers: no gradient goes through them.
template <class T>
class GraphStates {
 public:
  /// One for each input port; empty where the node carries none.
  using Tensors = std::vector<std::vector<T>>;  // stacked x samples x features

  explicit GraphStates(const Graph<T>& graph);

  Index samples() const { return samples_; }  // 0: zeros, for any number of sequences
  std::vector<Tensors>& now() { return now_; }
  const std::vector<Tensors>& now() const { return now_; }
  /// The input ports at which a node carries states.
  const std::vector<std::size_t>& ports(std::size_t node) const { return ports_[node]; }

  /// The next pass begins with zeros, of so many sequences; 0: of any number.
  void reset(Index samples);

  /// Throws InvalidArgument unless a pass of so many sequences can go on from here.
  void check(Index samples) const;

  /// Where the node begins at this port; null: zeros.
  const T* initial(std::size_t node, std::size_t port) const {
    return samples_ ? now_[node][port].data() : nullptr;
  }
  /// Where it is to write how it ends there.
  T* final(std::size_t node, std::size_t port, Index samples);

  /// The pass of so many sequences is taken: the next one goes on where it ended.
  void advance(Index samples) {
    now_.swap(next_);
    samples_ = samples;
  }

 private:
  std::size_t size(std::size_t node, std::size_t port, Index samples) const;

  const Graph<T>& graph_;
  std::vector<std::vector<std::size_t>> ports_;
  Index samples_ = 0;
  std::vector<Tensors> now_, next_;
};

}  // namespace lstm_native
