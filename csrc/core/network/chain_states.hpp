// The states that layers carry from one pass to the next.
#pragma once

#include <vector>

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// For each layer of a chain the states it begins its next pass with. They are plain numbers: no
/// gradient goes through them.
template <class T>
class ChainStates {
 public:
  struct Tensors {
    std::vector<T> values[2];  // layers x samples x features; empty: the layer carries none
  };

  explicit ChainStates(std::size_t layers) : now_(layers), next_(layers) {}

  Index samples() const { return samples_; }  // 0: zeros, for any number of sequences
  std::vector<Tensors>& now() { return now_; }
  const std::vector<Tensors>& now() const { return now_; }

  /// The next pass begins with zeros, of so many sequences; 0: of any number.
  void reset(const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers, Index samples) {
    samples_ = samples;
    for (std::size_t l = 0; samples && l < now_.size(); ++l) {
      const StateShape shape = layers[l]->state_shape();
      for (Index i = 0; i < shape.count; ++i)
        now_[l].values[i].assign(static_cast<std::size_t>(shape.size(i, samples)), T(0));
    }
  }

  /// Throws InvalidArgument unless a pass of so many sequences can go on from here.
  void check(Index samples) const;

  /// Where layer l begins, and where it is to write how it ends.
  States<T> of(std::size_t l, const StateShape& shape, Index samples) {
    States<T> states;
    for (Index i = 0; i < shape.count; ++i) {
      if (samples_) states.initial[i] = now_[l].values[i].data();
      next_[l].values[i].resize(static_cast<std::size_t>(shape.size(i, samples)));
      states.final[i] = next_[l].values[i].data();
    }
    return states;
  }

  /// The pass of so many sequences is taken: the next one goes on where it ended.
  void advance(Index samples) {
    now_.swap(next_);
    samples_ = samples;
  }

 private:
  Index samples_ = 0;
  std::vector<Tensors> now_, next_;
};

}  // namespace lstm_native
