// What stands behind the public Stream handle.
#pragma once

#include <vector>

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

  /// The inputs and outputs of the graph that are stepped, by number.
  const std::vector<std::size_t>& inputs() const { return inputs_; }
  const std::vector<std::size_t>& outputs() const { return outputs_; }

  /// Where one input and one output are stepped. False for the wrong kind of input, and a token out
  /// of range.
  bool step(const T* x, T* y) noexcept;
  bool step(const std::int64_t* tokens, T* y) noexcept;
  /// One entry for each input and output of the graph; those that are held, or not stepped, may be
  /// empty. Of a batch values or tokens alone are looked at.
  bool step(const Batch<T>* x, T* const* y) noexcept;

  /// Row i goes on from where row from[i] stands. False for a row that does not exist.
  bool reorder(const Index* from) noexcept;

 private:
  bool is_single() const { return inputs_.size() == 1 && outputs_.size() == 1; }
  bool takes(std::size_t input, const Batch<T>& x) const noexcept;

  Index batch_;
  double work_ = 0;
  GraphStream<T> run_;
  std::vector<std::size_t> inputs_, outputs_;
  std::vector<Batch<T>> now_;  // the step of each input
  std::vector<T*> answers_;    // and where each output goes
};

}  // namespace lstm_native
