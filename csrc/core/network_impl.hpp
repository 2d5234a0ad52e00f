// What stands behind the public Network and Trainer handles.
#pragma once

#include "core/chain.hpp"
#include "core/loss_end.hpp"
#include "core/losses.hpp"
#include "core/optimizer.hpp"
#include "core/workspace_pool.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native {

template <class T>
class NetworkImpl {
 public:
  explicit NetworkImpl(std::vector<std::shared_ptr<Layer<T>>> layers)
      : chain_(std::move(layers)), parameters_(chain_.parameters()) {
    for (const auto& [name, p] : parameters_) parameter_count_ += p->info.size();
  }

  const Chain<T>& chain() const { return chain_; }
  const Layer<T>& first() const { return *chain_.layers().front(); }
  const std::vector<std::pair<std::string, Parameter<T>*>>& parameters() const {
    return parameters_;
  }
  Index parameter_count() const { return parameter_count_; }
  Parameter<T>& parameter(const std::string& name) const;  // throws InvalidArgument

  void predict(const Batch<T>& x, T* y, ChainStates<T>* states = nullptr) const;

  /// To be called after weights were written.
  void parameters_changed() { chain_.parameters_changed(); }

 private:
  Chain<T> chain_;
  std::vector<std::pair<std::string, Parameter<T>*>> parameters_;
  Index parameter_count_ = 0;
  mutable WorkspacePool workspaces_;
};

template <class T>
class TrainerImpl {
 public:
  /// A loss that contradicts the network is refused here or, for one that a file holds (which may
  /// have been written before that was refused), not before it is used.
  TrainerImpl(Network<T> network, const LossSpec& loss, const OptimizerSpec& optimizer,
              bool from_file = false);

  StepResult step(const Batch<T>& x, const Targets<T>& y, const Index* rows, Index row_count,
                  std::uint64_t seed, T* output, const StepOptions<T>& options);
  StepResult evaluate(const Batch<T>& x, const Targets<T>& y, const Index* rows, Index row_count,
                      T* output, const StepOptions<T>& options);

  const Network<T>& network() const { return network_; }
  const LossSpec& loss() const { return loss_; }
  Optimizer<T>& optimizer() { return optimizer_; }
  std::size_t workspace_bytes() const { return workspace_.bytes(); }

 private:
  struct Selected {
    Batch<T> x;
    Targets<T> y;
    OutputShape shape;
    Index output_rows;
  };
  /// What the network answers, from what the loss was computed from.
  void write_output(const Selected& s, const T* predictions, T* output) const;
  Selected select(const Batch<T>& x, const Targets<T>& y, const Index* rows, Index row_count,
                  const StepOptions<T>& options);
  void save_weights();
  void restore_weights();

  Network<T> network_;
  NetworkImpl<T>& impl_;
  LossSpec loss_;
  NetworkEnd end_;         // what the loss takes into its own account
  std::string complaint_;  // about the loss, when it came from a file
  Optimizer<T> optimizer_;
  Workspace workspace_;
  std::vector<std::vector<T>> gradients_;
  std::vector<T*> gradient_pointers_;
  std::vector<std::vector<T>> last_good_;  // weights before the last update
  Index last_good_version_ = -1;           // the chain's version after that update; -1: none
};

}  // namespace lstm_native
