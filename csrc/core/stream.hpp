// What runs one step at a time: one layer, and the layers of a network one after another.
#pragma once

#include <memory>
#include <vector>

#include "core/aligned.hpp"
#include "core/layer.hpp"

namespace lstm_native {

template <class T>
class StreamStages;

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

  /// The layers inside, whose state is part of this layer's; or null.
  virtual const StreamStages<T>* inner() const { return nullptr; }
};

/// One state tensor of a stream: layers x rows x features, tensor `index` of `run`.
template <class T>
struct StreamTensor {
  TensorInfo info;
  LayerStream<T>* run;
  Index index;
};

/// Layers one after another, one step at a time.
template <class T>
class StreamStages {
 public:
  /// Throws InvalidArgument when a layer cannot be streamed.
  StreamStages(const std::vector<std::shared_ptr<Layer<T>>>& layers, Index rows);

  bool takes(const Batch<T>& x) const noexcept { return stages_.front().run->takes(x); }
  void step(Batch<T> x, T* y) noexcept;
  void reset() noexcept;

  Index size() const { return static_cast<Index>(stages_.size()); }
  Index output_features() const { return stages_.back().output_features; }
  /// The state tensors of a layer, named "h" and "c", and of layers inside it, named
  /// "layers.0.h".
  std::vector<StreamTensor<T>> tensors(Index layer) const;

 private:
  struct Stage {
    std::unique_ptr<LayerStream<T>> run;
    StateShape state;
    Index output_features;
    AlignedVector<T> output;  // empty for the last layer, which writes to the caller
  };
  Index rows_;
  std::vector<Stage> stages_;
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
  Index output_features() const { return stages_.output_features(); }
  bool takes_tokens() const { return takes_tokens_; }
  double work() const { return work_; }  // multiply-adds of a step, about

  bool step(const T* x, T* y) noexcept;
  bool step(const std::int64_t* tokens, T* y) noexcept;
  void reset() noexcept { stages_.reset(); }

  Index layers() const { return stages_.size(); }
  std::vector<StreamTensor<T>> tensors(Index layer) const { return stages_.tensors(layer); }

 private:
  Index batch_, input_features_;
  bool takes_tokens_;
  double work_ = 0;
  StreamStages<T> stages_;
};

}  // namespace lstm_native
