// What stands behind the public Trainer handle.
#pragma once

#include "core/network/network_impl.hpp"
#include "core/training/loss_end.hpp"
#include "core/training/losses.hpp"
#include "core/training/optimizer.hpp"

namespace lstm_native {

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

  /// Takes over the state of the trainer of another network of the same layers.
  void continue_from(TrainerImpl& other);

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
  void restore_untrained();  // which an optimiser may have decayed

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
