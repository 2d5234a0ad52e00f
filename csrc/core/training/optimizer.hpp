// Optimisers: the state they keep for each parameter, and one update.
#pragma once

#include <string_view>

#include "core/layers/layer.hpp"
#include "lstm_native/training.hpp"

namespace lstm_native {

constexpr Index kMaxIterations = Index{1} << 53;  // leaves room to count on

/// Update rules as torch.optim defines them; slots carry PyTorch's names.
template <class T>
class Optimizer {
 public:
  Optimizer(const OptimizerSpec& spec, std::vector<std::pair<std::string, Parameter<T>*>> params);

  /// Clips the gradients in place, then updates every parameter. False where that has left weights
  /// that are not finite: the caller takes them back, and the state, which has seen this, is
  /// forgotten.
  /// gradient_norm: their global norm as it was computed by global_norm.
  bool update(T* const* gradients, double gradient_norm);

  /// Forgets all state, as if no update had been made.
  void reset();

  /// Whether gradients of such a norm can be used: it is finite, and its square fits T where this
  /// optimiser keeps squares.
  bool can_take(double gradient_norm) const;

  OptimizerSpec& spec() { return spec_; }
  const OptimizerSpec& spec() const { return spec_; }
  /// Throws InvalidArgument for a number below 0 or too large to count on.
  void set_iterations(Index iterations);
  Index iterations() const { return iterations_; }

  /// All slot tensors, named "<slot>.<parameter>".
  struct Slot {
    std::string name;
    const Parameter<T>* parameter;
    std::vector<T>* values;
  };
  std::vector<Slot> slots();
  /// The slot ("exp_avg") of the parameter at a place of `params`; null when there is none.
  std::vector<T>* slot(std::string_view name, std::size_t place);

 private:
  const char* first_name() const;
  const char* second_name() const;

  OptimizerSpec spec_;
  std::vector<std::pair<std::string, Parameter<T>*>> parameters_;
  std::vector<std::vector<T>> first_, second_;  // one per parameter, empty when unused
  Index iterations_ = 0;
};

/// Throws InvalidArgument when a positive setting becomes 0 or infinite in T.
template <class T>
void check_representable(const char* name, double value);

/// sqrt of the sum of squares over all gradients, in double and in a fixed order.
template <class T>
double global_norm(const std::vector<std::vector<T>>& gradients);

}  // namespace lstm_native
