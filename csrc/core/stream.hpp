// What runs one step at a time: one layer, and the layers of a network one after another.
#pragma once

#include <memory>
#include <vector>

#include "core/aligned.hpp"
#include "core/layer.hpp"

namespace lstm_native {

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
};

/// What stands behind the public Stream handle.
template <class T>
class StreamImpl {
 public:
  /// Throws InvalidArgument for a batch that is too small or too large, and when a layer cannot be
  /// streamed.
  StreamImpl(const std::vector<std::shared_ptr<Layer<T>>>& layers, Index batch);

  Index batch() const { return batch_; }
  Index input_features() const { return input_features_; }
  Index output_features() const { return layers_.back().output_features; }
  bool takes_tokens() const { return takes_tokens_; }
  double work() const { return work_; }  // multiply-adds of a step, about

  bool step(const T* x, T* y) noexcept;
  bool step(const std::int64_t* tokens, T* y) noexcept;
  void reset() noexcept;

  Index layers() const { return static_cast<Index>(layers_.size()); }
  StateShape state_shape(Index layer) const { return at(layer).state; }
  void get_state(Index layer, Index tensor, T* out) const { at(layer).run->get_state(tensor, out); }
  void set_state(Index layer, Index tensor, const T* values) {
    at(layer).run->set_state(tensor, values);
  }

 private:
  struct Stage {
    std::unique_ptr<LayerStream<T>> run;
    StateShape state;
    Index output_features;
    AlignedVector<T> output;  // empty for the last layer, which writes to the caller
  };
  const Stage& at(Index layer) const { return layers_[static_cast<std::size_t>(layer)]; }
  bool step(Batch<T> x, T* y) noexcept;

  Index batch_, input_features_;
  bool takes_tokens_;
  double work_ = 0;
  std::vector<Stage> layers_;
};

}  // namespace lstm_native
