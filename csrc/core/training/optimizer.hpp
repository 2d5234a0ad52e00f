// Optimisers: the state they keep for each parameter, and one update.
#pragma once

#include <string_view>

#include "core/layers/layer.hpp"
#include "core/training/optimizers/rule.hpp"
#include "lstm_native/training.hpp"

namespace lstm_native {

constexpr Index kMaxIterations = Index{1} << 53;  // leaves room to count on

/// Update rules as torch.optim defines them; slots carry PyTorch's names.
///
/// Each parameter has a factor of the learning rate. With 0 it is frozen, as one that asks for no
/// gradient is in PyTorch: no update, no decay, its state stands still, its gradient is not looked
/// at and has no part in the norm. Updates are counted for each parameter, as there: one that was
/// frozen at first has its bias corrections from its own first update on.
template <class T>
class Optimizer {
 public:
  Optimizer(const OptimizerSpec& spec, std::vector<std::pair<std::string, Parameter<T>*>> params);

  /// Clips the gradients in place, then updates every parameter. False where that has left weights
  /// that are not finite: the caller takes them back, and the state, which has seen this, is
  /// forgotten.
  /// gradient_norm: their global norm as it was computed by `norm_of`.
  bool update(T* const* gradients, double gradient_norm);

  /// Forgets all state, as if no update had been made.
  void reset();

  /// sqrt of the sum of squares over all gradients but frozen ones, in double and in a fixed order.
  double norm_of(const T* const* gradients) const;

  /// Whether gradients of such a norm can be used: it is finite, and its square fits T where this
  /// optimiser keeps squares.
  bool can_take(double gradient_norm) const;

  const OptimizerSpec& spec() const { return spec_; }
  /// Throws InvalidArgument for what is no rate, or for none in T, also once it is multiplied by a
  /// parameter's factor.
  void set_learning_rate(double learning_rate);

  /// Of the parameter at a place of `params`. Throws InvalidArgument as set_learning_rate does, and
  /// for a negative factor.
  void set_rate_factor(std::size_t place, double factor);
  double rate_factor(std::size_t place) const { return tensors_[place].factor; }
  /// Throws InvalidArgument where there are parameters and all of them are frozen.
  void check_trains() const;

  /// Throws InvalidArgument for a number below 0 or too large to count on.
  void set_iterations(Index iterations);
  Index iterations() const { return iterations_; }
  /// How many of these updates found the parameter frozen; at most all of them.
  Index missed(std::size_t place) const { return tensors_[place].missed; }
  void set_missed(std::size_t place, Index updates);

  /// All slot tensors, named "<slot>.<parameter>".
  struct Slot {
    std::string name;
    const Parameter<T>* parameter;
    std::vector<T>* values;
  };
  std::vector<Slot> slots();
  /// The slot ("exp_avg") of the parameter at a place of `params`; null when there is none.
  std::vector<T>* slot(std::string_view name, std::size_t place);

  /// Takes over the state of one with the same settings and parameters of the same shapes.
  void continue_from(const Optimizer& other);

 private:
  struct Tensor {
    std::string name;
    Parameter<T>* parameter;
    std::vector<T> slots[kMaxSlots];  // empty when unused
    double factor = 1.0;
    Index missed = 0;

    Index size() const { return parameter->info.size(); }
    bool trains() const { return parameter->trained && factor > 0; }
  };

  OptimizerSpec spec_;
  SlotPlan plan_;
  std::vector<Tensor> tensors_;
  Index iterations_ = 0;
};

/// Throws InvalidArgument when a positive setting becomes 0 or infinite in T.
template <class T>
void check_representable(const char* name, double value);

}  // namespace lstm_native
