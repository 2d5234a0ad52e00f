// What stands behind the public Trainer handle. The class stands in two files:
//   trainer_impl.cpp        a step: pass, losses, way back, update
//   trainer_selection.cpp   what a step works on
#pragma once

#include <functional>

#include "core/network/network_impl.hpp"
#include "core/training/batch_part.hpp"
#include "core/training/loss_end.hpp"
#include "core/training/losses/loss.hpp"
#include "core/training/optimizer.hpp"

namespace lstm_native {

template <class T>
class TrainerImpl {
 public:
  /// Losses that contradict the network are refused here or, for those that a file holds (which may
  /// have been written before that was refused), not before they are used.
  TrainerImpl(Network<T> network, const std::vector<OutputLoss>& losses,
              const OptimizerSpec& optimizer, bool from_file = false);

  /// x: one batch for each input of the network; y: targets for each loss; output: for each output
  /// of the network what receives it, or null; may be null itself.
  StepResult step(const Batch<T>* x, const Targets<T>* y, const Index* rows, Index row_count,
                  std::uint64_t seed, T* const* output, const StepOptions<T>& options);
  /// The gradients of a batch, added to those of the batches since the last update.
  StepResult accumulate(const Batch<T>* x, const Targets<T>* y, const Index* rows, Index row_count,
                        std::uint64_t seed, T* const* output, const StepOptions<T>& options);
  /// One update from what was accumulated.
  StepResult apply();
  void forget_gradients() { pending_ = {}; }
  /// What `apply` would use, and that it will be this.
  const std::vector<T>& gradient(std::size_t place) const { return gradients_[place]; }
  void set_gradient(std::size_t place, const T* values);
  Index accumulated() const { return pending_.batches; }

  StepResult evaluate(const Batch<T>* x, const Targets<T>* y, const Index* rows, Index row_count,
                      T* const* output, const StepOptions<T>& options);

  /// Takes over the state of the trainer of another network of the same layers.
  void continue_from(TrainerImpl& other);

  const Network<T>& network() const { return network_; }
  const std::vector<OutputLoss>& losses() const { return losses_; }
  Optimizer<T>& optimizer() { return optimizer_; }
  std::size_t workspace_bytes() const { return workspace_.bytes(); }

 private:
  /// A loss, and what it takes into its own account.
  struct Head {
    std::size_t output;
    double factor;
    std::unique_ptr<Loss<T>> loss;
    NetworkEnd end;
  };
  /// What one step works on.
  struct Selected {
    std::vector<Batch<T>> x;
    std::vector<Targets<T>> y;     // of each loss
    std::vector<Batch<T>> answer;  // each output of the network, before its end
  };

  // trainer_selection.cpp
  void select(const Batch<T>* x, const Targets<T>* y, const Index* rows, Index row_count,
              const StepOptions<T>& options);
  BatchPart select_rows(const Batch<T>* x, const Index* rows, Index row_count) const;
  bool select_window(BatchPart& part, const std::vector<OutputShape>& shapes,
                     const StepOptions<T>& options) const;
  void check_mean_weight(double mean_weight) const;

  // trainer_impl.cpp
  /// Runs the network on what was selected, and writes the outputs that are wanted.
  std::unique_ptr<GraphTape<T>> run(const Pass& pass, GraphStates<T>* states, T* const* output);
  void write_output(std::size_t k, T* output) const;
  /// The losses, and in `gradients`, unless that is null, those of the outputs: null where an
  /// output has none.
  StepResult compute_losses(double mean_weight, T** gradients);
  /// accumulate, without advancing the states.
  StepResult add_batch(const Batch<T>* x, const Targets<T>* y, const Index* rows, Index row_count,
                       std::uint64_t seed, T* const* output, const StepOptions<T>& options);
  double size_of_batch();
  void find_frozen();
  void clear(std::vector<std::vector<T>>& gradients) const;
  void advance(const StepOptions<T>& options) const;
  void take_changes();
  void save_weights();
  void restore_weights();

  Network<T> network_;
  NetworkImpl<T>& impl_;
  const Graph<T>& graph_;
  std::vector<OutputLoss> losses_;
  std::vector<Head> heads_;
  std::vector<char> before_activation_;  // nodes whose activation a loss computes itself
  std::vector<const void*> frozen_;      // see Pass
  std::string complaint_;                // about a loss, when it came from a file
  Optimizer<T> optimizer_;
  Workspace workspace_;
  Selected selected_;
  std::vector<std::function<void()>> when_taken_;  // see Pass
  std::vector<std::vector<T>> gradients_;
  std::vector<T*> gradient_pointers_;
  std::vector<std::vector<T>> batch_gradients_;  // of one batch, where several are accumulated
  std::vector<double> divisors_;                 // of each loss in this batch, see LossValue
  /// What gradients_ is the mean of.
  struct Pending {
    Index batches = 0;
    double size = 0;               // of all batches, in units of the first
    std::vector<double> divisors;  // of each loss in the first
    double loss = 0, weight = 0;
  };
  Pending pending_;
  std::vector<std::vector<T>> last_good_;  // weights before the last update
  Index last_good_version_ = -1;           // the graph's version after that update; -1: none
};

}  // namespace lstm_native
