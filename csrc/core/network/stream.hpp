// The layers of a network one after another, one step at a time.
#pragma once

#include <memory>
#include <vector>

#include "core/base/aligned.hpp"
#include "core/layers/layer_stream.hpp"

namespace lstm_native {

/// Layers one after another, one step at a time.
template <class T>
class StreamStages {
 public:
  /// Throws InvalidArgument when a layer cannot be streamed.
  StreamStages(const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers, Index rows);

  bool takes(const Batch<T>& x) const noexcept { return stages_.front().run->takes(x); }
  void step(Batch<T> x, T* y) noexcept;
  void reset() noexcept;

  Index size() const { return static_cast<Index>(stages_.size()); }
  Index output_features() const { return stages_.back().output_features; }
  /// The state tensors of a layer, named "h" and "c", and of layers inside it, named
  /// "layers.0.h".
  std::vector<StreamTensor<T>> tensors(Index layer) const;
  /// Those of all layers, named "0.h": h and c, in this order, for each.
  std::vector<StreamTensor<T>> tensors() const;

 private:
  struct Stage {
    std::unique_ptr<LayerStream<T>> run;
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
  StreamImpl(const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers, Index batch);

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
  std::vector<StreamTensor<T>> tensors() const { return stages_.tensors(); }

 private:
  Index batch_, input_features_;
  bool takes_tokens_;
  double work_ = 0;
  StreamStages<T> stages_;
};

}  // namespace lstm_native
