// One layer, one step at a time.
#pragma once

#include <vector>

#include "core/layers/layer.hpp"

namespace lstm_native {

/// One state tensor of a stream: layers x rows x features, tensor `index` of `run`.
template <class T>
struct StreamTensor {
  TensorInfo info;
  LayerStream<T>* run;
  Index index;
};

/// One layer in a stream of so many rows. Owns its state and all memory that a step needs, and
/// shares the weights as they were when it was made.
template <class T>
class LayerStream {
 public:
  virtual ~LayerStream() = default;

  /// One step of every row. y: rows x output features; does not overlap x.
  virtual void step(const Batch<T>& x, T* y) noexcept = 0;

  /// Whether the tokens of x are in range, for a layer that takes them.
  virtual bool takes(const Batch<T>&) const noexcept { return true; }

  /// State tensor i of the layer's StateShape: layers x rows x features.
  virtual void reset() noexcept {}
  virtual void get_state(Index, T*) const noexcept {}
  virtual void set_state(Index, const T*) noexcept {}

  /// The state tensors of the layers inside, which are part of this layer's.
  virtual std::vector<StreamTensor<T>> inner_tensors() const { return {}; }
};

}  // namespace lstm_native
