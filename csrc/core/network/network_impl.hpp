// What stands behind the public Network handle.
#pragma once

#include <algorithm>
#include <string_view>

#include "core/base/workspace_pool.hpp"
#include "core/network/graph_pass.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native {

template <class T>
class NetworkImpl {
 public:
  explicit NetworkImpl(Graph<T> graph)
      : shared_(std::make_shared<Graph<T>>(std::move(graph))),
        graph_(*shared_),
        parameters_(graph_.parameters()) {
    for (const auto& [name, p] : parameters_) {
      by_name_.push_back(by_name_.size());
      parameter_count_ += p->info.size();
    }
    std::sort(by_name_.begin(), by_name_.end(), [this](std::size_t a, std::size_t b) {
      return parameters_[a].first < parameters_[b].first;
    });
  }

  const Graph<T>& graph() const { return graph_; }
  std::shared_ptr<const Graph<T>> shared_graph() const { return shared_; }
  const std::vector<std::pair<std::string, Parameter<T>*>>& parameters() const {
    return parameters_;
  }
  Index parameter_count() const { return parameter_count_; }
  Parameter<T>& parameter(const std::string& name) const;  // throws InvalidArgument
  /// Where it stands in `parameters`; their number for an unknown name.
  std::size_t place_of(std::string_view name) const;

  /// x, y: one for each input and output.
  void predict(const Batch<T>* x, T* const* y, GraphStates<T>* states = nullptr) const;

  /// The same. Returns the lengths of each output; empty where all steps are true.
  std::vector<std::vector<Index>> predict_with_lengths(const Batch<T>* x, T* const* y,
                                                       GraphStates<T>* states) const;

  /// Throws InvalidArgument when a layer cannot take so many steps.
  std::vector<OutputShape> output_shapes(const Batch<T>* x) const;

  /// To be called after weights were written.
  void parameters_changed() { graph_.parameters_changed(); }

 private:
  std::shared_ptr<Graph<T>> shared_;  // with streams
  const Graph<T>& graph_;
  std::vector<std::pair<std::string, Parameter<T>*>> parameters_;
  std::vector<std::size_t> by_name_;  // places in parameters_, for looking up
  Index parameter_count_ = 0;
  template <class Use>
  void predict(const Batch<T>* x, T* const* y, GraphStates<T>* states, const Use& use) const;

  mutable WorkspacePool workspaces_;
};

}  // namespace lstm_native
