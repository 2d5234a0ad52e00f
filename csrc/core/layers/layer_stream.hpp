// One layer, one step at a time.
#pragma once

#include <vector>

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// One state tensor of a stream: stacked x rows x features, tensor `index` of `run`.
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

  /// One step of every row. in: one batch for each input port, of one step, or without time axis
  /// where the layer repeats what has none; ports of states and those that `hold` was given are not
  /// looked at. out: one for each output port, not null, but for states; overlaps no input.
  virtual void step(const Batch<T>* in, T* const* out) noexcept = 0;

  /// What stands at an input port as a whole, before the first step: a memory to attend to. Of as
  /// many samples as the stream has rows, or of fewer: each is then for so many rows side by side.
  /// Throws InvalidArgument for a port that is stepped. Copies what it needs.
  virtual void hold(std::size_t port, const Batch<T>& whole) {
    (void)whole;
    throw InvalidArgument("input " + std::to_string(port) + " is stepped, and not held");
  }

  /// Whether `hold` must be called for an input port, which cannot be stepped.
  virtual bool must_hold(std::size_t port) const {
    (void)port;
    return false;
  }

  /// Whether the tokens of x are in range, for a layer that takes them.
  virtual bool takes(const Batch<T>&) const noexcept { return true; }

  /// What goes from step to step: names and shapes (stacked, rows, features).
  virtual std::vector<TensorInfo> state() const { return {}; }
  virtual void reset() noexcept {}
  virtual void get_state(Index, T*) const noexcept {}
  virtual void set_state(Index, const T*) noexcept {}

  /// The state tensors of the layers inside, which are part of this layer's.
  virtual std::vector<StreamTensor<T>> inner_tensors() const { return {}; }
};

/// The stream of a SequenceLayer.
template <class T>
class SequenceStream : public LayerStream<T> {
 public:
  /// y: rows x output features; does not overlap x.
  virtual void step(const Batch<T>& x, T* y) noexcept = 0;

  void step(const Batch<T>* in, T* const* out) noexcept final { step(in[0], out[0]); }
};

/// The tensors of a state as a stream lists them.
inline std::vector<TensorInfo> state_tensors(const StateShape& shape, Index rows) {
  static const char* const names[] = {"h", "c"};
  std::vector<TensorInfo> list;
  for (Index i = 0; i < shape.count; ++i)
    list.push_back({names[i], {shape.layers, rows, shape.features(i)}});
  return list;
}

}  // namespace lstm_native
