// What stands behind the public Stream handle.
#pragma once

#include "core/network/graph_stream.hpp"

namespace lstm_native {

template <class T>
class StreamImpl {
 public:
  /// Throws InvalidArgument for a batch that is too small or too large, and when a layer cannot be
  /// streamed. held: as GraphStream has it.
  StreamImpl(std::shared_ptr<const Graph<T>> graph, Index batch, const Batch<T>* held = nullptr);

  const Graph<T>& graph() const { return run_.graph(); }
  Index batch() const { return batch_; }
  double work() const { return work_; }  // multiply-adds of a step, about
  GraphStream<T>& run() { return run_; }
  const GraphStream<T>& run() const { return run_; }

  /// One input and one output. False for the wrong kind of input, and a token out of range.
  bool step(const T* x, T* y) noexcept;
  bool step(const std::int64_t* tokens, T* y) noexcept;
  /// One entry for each input and output of the graph; those that are held, or not stepped, may be
  /// empty.
  bool step(const Batch<T>* x, T* const* y) noexcept;

 private:
  bool takes_tokens(std::size_t input, const std::int64_t* tokens) const noexcept;

  Index batch_;
  double work_ = 0;
  GraphStream<T> run_;
};

}  // namespace lstm_native
