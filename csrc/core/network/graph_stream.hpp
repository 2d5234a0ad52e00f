// A graph one step at a time.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/aligned.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/network/held_values.hpp"

namespace lstm_native {

/// Blocks of `stacked` x samples x features, each sample `times` times side by side.
template <class T>
void repeat_samples(const T* from, Index stacked, Index samples, Index features, Index times,
                    T* to) {
  for (Index i = 0; i < stacked * samples; ++i, from += features)
    for (Index k = 0; k < times; ++k) to = std::copy_n(from, features, to);
}

/// The nodes of a graph in a stream of so many rows. Inputs are stepped, or held: given as a whole
/// beforehand, as the sentence that a decoder translates. What depends on held inputs alone is
/// computed once; where a node that is stepped reads it, it is where a state begins, a memory to
/// attend to, or the same values at each step.
template <class T>
class GraphStream {
 public:
  /// held: null, or one batch for each input, checked; without values and tokens where the input is
  /// stepped. Throws InvalidArgument when a node cannot be streamed.
  GraphStream(std::shared_ptr<const Graph<T>> graph, Index rows, const Batch<T>* held = nullptr)
      : GraphStream(HeldValues<T>(std::move(graph), held), rows) {}
  /// held is needed during this call alone. rows: a multiple of its samples, where anything is
  /// held; row i reads what is held for sample i / (rows / samples).
  GraphStream(const HeldValues<T>& held, Index rows);

  /// x: a batch of one step for each input of the graph, of which those that are held are not
  /// looked at. y: one for each output; nothing is written to those that are not stepped.
  void step(const Batch<T>* x, T* const* y) noexcept;
  /// Back to before the first step; what is held stays.
  void reset() noexcept;
  /// Row i goes on from where row from[i] stands.
  void reorder(const Index* from) noexcept;

  const Graph<T>& graph() const { return *owner_; }
  /// Of what leaves at an output that is stepped; some ports have as many as the memory has steps.
  Index features(std::size_t output) const;
  bool is_held(std::size_t input) const { return held_[input]; }
  bool is_stepped(const GraphSource& source) const { return stepped_[graph_.value_of(source)]; }

  std::size_t nodes() const { return stages_.size(); }
  /// The state tensors of a node, named "h" and "c", and of layers inside it, named "layers.0.h";
  /// none for one that is not stepped.
  std::vector<StreamTensor<T>> tensors(std::size_t node) const;
  /// Those of all nodes, named "0.h": h and c, in this order, for each.
  std::vector<StreamTensor<T>> tensors() const;

 private:
  struct Stage {
    std::unique_ptr<LayerStream<T>> run;  // null: not stepped
    std::vector<Batch<T>> in;
    std::vector<T*> out;
    std::vector<AlignedVector<T>> memory;  // of outputs and of what is held
    std::vector<std::size_t> sources;      // which value to take at each step; kNoPort: none
    std::vector<std::size_t> goes_to;      // which output of the graph each port writes; kNoPort
  };
  struct Start {
    LayerStream<T>* run;
    Index index;
    std::vector<T> values;
  };

  void make_runs();
  void make_stage(std::size_t node, const std::vector<OutputShape>& shapes,
                  const HeldValues<T>& held);
  void bind_held(Stage& stage, const GraphStep<T>& step, std::size_t port, const Batch<T>& value);
  void bind_output(Stage& stage, const GraphStep<T>& step, std::size_t port,
                   const std::vector<OutputShape>& shapes);

  std::shared_ptr<const Graph<T>> owner_;
  const Graph<T>& graph_;  // the same
  Index rows_;
  std::vector<bool> held_;     // inputs
  std::vector<bool> stepped_;  // values
  std::vector<Batch<T>> now_;  // what stands on each edge in a step
  std::vector<Stage> stages_;
  std::vector<Start> starts_;  // states that do not begin at zero
  std::vector<StreamTensor<T>> all_;
  std::vector<T> before_, after_;  // a state tensor that is reordered
};

}  // namespace lstm_native
