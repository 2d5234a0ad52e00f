#include "core/training/trainer_impl.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/finite.hpp"
#include "core/base/message_text.hpp"
#include "core/base/random.hpp"
#include "core/layers/true_steps.hpp"
#include "core/network/handles.hpp"
#include "core/numeric/activations.hpp"
#include "core/specs/loss_specs.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

void check_losses(const std::vector<OutputLoss>& losses, std::size_t outputs) {
  if (losses.empty()) throw InvalidArgument("losses: expected at least one, got none");
  for (const OutputLoss& one : losses) {
    if (one.output < 0 || static_cast<std::size_t>(one.output) >= outputs)
      throw InvalidArgument("losses: expected outputs from 0 to " + std::to_string(outputs - 1) +
                            ", got " + std::to_string(one.output));
    if (!(one.factor >= 0 && std::isfinite(one.factor)))
      throw InvalidArgument("losses: expected finite factors >= 0, got " + number_text(one.factor));
    validate(one.loss);
  }
}

/// Null for those that are frozen.
template <class T>
std::vector<T*> pointers_to(std::vector<std::vector<T>>& gradients, const Optimizer<T>& optimizer) {
  std::vector<T*> pointers;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    pointers.push_back(optimizer.rate_factor(i) > 0 ? gradients[i].data() : nullptr);
  return pointers;
}

}  // namespace

template <class T>
TrainerImpl<T>::TrainerImpl(Network<T> network, const std::vector<OutputLoss>& losses,
                            const OptimizerSpec& optimizer, bool from_file)
    : network_(std::move(network)),
      impl_(Access::impl(network_)),
      graph_(impl_.graph()),
      losses_(losses),
      optimizer_(optimizer, impl_.parameters()) {
  check_losses(losses, graph_.outputs());
  before_activation_.assign(graph_.steps().size(), 0);
  for (const OutputLoss& one : losses_) {
    const auto output = static_cast<std::size_t>(one.output);
    Head head{output, one.factor, make_loss<T>(one.loss), {}};
    try {
      head.end = loss_end(one.loss, graph_, output);
    } catch (const InvalidArgument& error) {
      if (!from_file) throw;
      complaint_ = error.what();
    }
    if (head.end.node != kNoNode) before_activation_[head.end.node] = 1;
    heads_.push_back(std::move(head));
  }
  for (const auto& [name, p] : impl_.parameters()) {
    gradients_.emplace_back(p->value.size());
    gradient_pointers_.push_back(gradients_.back().data());
    last_good_.emplace_back(p->value.size());
  }
}

template <class T>
std::unique_ptr<GraphTape<T>> TrainerImpl<T>::run(const Pass& pass, GraphStates<T>* states,
                                                  T* const* output) {
  Selected& s = selected_;
  auto** y = workspace_.template take<T*>(static_cast<Index>(s.answer.size()));
  for (std::size_t k = 0; k < s.answer.size(); ++k) {
    const Batch<T>& answer = s.answer[k];
    y[k] = workspace_.template take<T>(rows_of(answer.samples, answer.timesteps) * answer.features);
  }
  auto tape =
      run_graph(graph_, s.x.data(), y, s.answer.data(), pass, {states, &before_activation_});
  for (std::size_t k = 0; output && k < s.answer.size(); ++k)
    if (output[k]) write_output(k, output[k]);
  return tape;
}

template <class T>
void TrainerImpl<T>::write_output(std::size_t k, T* output) const {
  const Batch<T>& answer = selected_.answer[k];
  const Index rows = rows_of(answer.samples, answer.timesteps);
  std::copy_n(answer.values, rows * answer.features, output);
  for (const Head& head : heads_) {
    if (head.output != k || head.end.node == kNoNode) continue;
    activate(head.end.activation, rows, answer.features, output);
    TrueSteps{answer.samples, answer.timesteps, answer.lengths}.clear_padding(output,
                                                                              answer.features);
    return;
  }
}

template <class T>
StepResult TrainerImpl<T>::compute_losses(double mean_weight, T** gradients) {
  StepResult result;
  divisors_.clear();
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    const Head& head = heads_[h];
    const Batch<T>& answer = selected_.answer[head.output];
    const LossOutput<T> output{answer.samples, answer.timesteps, answer.features, answer.lengths,
                               answer.values};
    const Targets<T> y = head.loss->prepare(output, selected_.y[h], workspace_);
    const Index size = output.rows() * output.features;
    T* gradient = gradients ? workspace_.template take<T>(size) : nullptr;
    const LossValue value = head.loss->compute(output, y, mean_weight, gradient, workspace_);
    divisors_.push_back(value.divisor);
    if (heads_.size() == 1 && head.factor == 1) {
      result.loss = value.loss;
      result.weight = value.weight;
      if (gradients) gradients[head.output] = gradient;
      continue;
    }
    result.parts.push_back({value.loss, value.weight});
    result.loss += head.factor * value.loss;
    result.weight += value.weight;
    if (!gradients || value.weight == 0 || head.factor == 0) continue;
    const auto factor = static_cast<T>(head.factor);
    for (Index i = 0; i < size; ++i) gradient[i] *= factor;
    T*& sum = gradients[head.output];
    if (!sum) {
      sum = gradient;
      continue;
    }
    for (Index i = 0; i < size; ++i) sum[i] += gradient[i];
  }
  return result;
}

template <class T>
void TrainerImpl<T>::save_weights() {
  for (std::size_t i = 0; i < last_good_.size(); ++i)
    last_good_[i] = impl_.parameters()[i].second->value;
}

template <class T>
void TrainerImpl<T>::restore_weights() {
  // Weights written by somebody else since then are not ours to undo.
  if (last_good_version_ != graph_.version()) return;
  for (std::size_t i = 0; i < last_good_.size(); ++i)
    impl_.parameters()[i].second->value = last_good_[i];
  impl_.parameters_changed();
  // Its state has seen the update that is undone.
  optimizer_.reset();
}

template <class T>
void TrainerImpl<T>::continue_from(TrainerImpl& other) {
  optimizer_.continue_from(other.optimizer_);
  gradients_ = other.gradients_;
  for (std::size_t i = 0; i < gradients_.size(); ++i) gradient_pointers_[i] = gradients_[i].data();
  pending_ = other.pending_;
  const bool can_undo = other.last_good_version_ == other.graph_.version();
  last_good_ = other.last_good_;
  last_good_version_ = can_undo ? graph_.version() : -1;
}

template <class T>
void TrainerImpl<T>::clear(std::vector<std::vector<T>>& gradients) const {
  gradients.resize(gradients_.size());
  for (std::size_t i = 0; i < gradients.size(); ++i)
    gradients[i].assign(gradients_[i].size(), T(0));
}

template <class T>
void TrainerImpl<T>::find_frozen() {
  frozen_.clear();
  for (std::size_t i = 0; i < gradients_.size(); ++i)
    if (optimizer_.rate_factor(i) == 0) frozen_.push_back(impl_.parameters()[i].second);
}

template <class T>
void TrainerImpl<T>::advance(const StepOptions<T>& options) const {
  if (options.states) options.states->of(network_).advance(selected_.x[0].samples);
}

/// How much this batch is beside the first of those that are accumulated.
template <class T>
double TrainerImpl<T>::size_of_batch() {
  if (pending_.batches == 0) pending_.divisors = divisors_;
  double sum = 0, count = 0;
  for (std::size_t h = 0; h < divisors_.size(); ++h) {
    if (pending_.divisors[h] == 0) continue;
    sum += divisors_[h] / pending_.divisors[h];
    ++count;
  }
  return sum / count;
}

template <class T>
StepResult TrainerImpl<T>::add_batch(const Batch<T>* x, const Targets<T>* y, const Index* rows,
                                     Index row_count, std::uint64_t seed, T* const* output,
                                     const StepOptions<T>& options) {
  optimizer_.check_trains();
  workspace_.reset();
  select(x, y, rows, row_count, options);
  GraphStates<T>* states = options.states ? &options.states->of(network_) : nullptr;
  std::uint64_t masks = derive_seed(seed, static_cast<std::uint64_t>(optimizer_.iterations()));
  if (pending_.batches) masks = derive_seed(masks, static_cast<std::uint64_t>(pending_.batches));
  Pass pass{workspace_, /*remember=*/true, /*training=*/true, masks};
  double penalty = 0;
  pass.penalty = &penalty;
  when_taken_.clear();
  pass.when_taken = &when_taken_;
  find_frozen();
  pass.frozen = &frozen_;
  const auto tape = run(pass, states, output);

  auto** of_outputs = workspace_.template take<T*>(static_cast<Index>(graph_.outputs()));
  std::fill_n(of_outputs, graph_.outputs(), nullptr);
  StepResult result = compute_losses(options.mean_weight, of_outputs);
  result.penalty = penalty;
  result.loss += penalty;
  if (result.weight == 0) return result;  // everything masked: nothing to learn

  const bool alone = pending_.batches == 0;
  auto& gradients = alone ? gradients_ : batch_gradients_;
  result.finite = std::isfinite(result.loss);
  if (result.finite) {
    clear(gradients);
    const std::vector<T*> pointers = pointers_to(gradients, optimizer_);
    tape->backward(of_outputs, options.input_gradients, pointers.data(), workspace_);
    result.gradient_norm = optimizer_.norm_of(pointers.data());
    result.finite = std::isfinite(result.gradient_norm);
  }
  if (!result.finite) {
    forget_gradients();
    restore_weights();
    return result;
  }
  const double size = size_of_batch();
  ++pending_.batches;
  pending_.size += size;
  pending_.weight += result.weight;
  pending_.loss += (result.loss - pending_.loss) * result.weight / pending_.weight;
  if (alone) return result;
  // The mean over all rows so far: batches count by what their own means were divided by.
  const auto share = static_cast<T>(size / pending_.size);
  for (std::size_t i = 0; i < gradients_.size(); ++i)
    for (std::size_t j = 0; j < gradients_[i].size(); ++j)
      gradients_[i][j] += share * (gradients[i][j] - gradients_[i][j]);
  return result;
}

/// What layers have asked to be done once their pass counts: running statistics move.
template <class T>
void TrainerImpl<T>::take_changes() {
  for (const auto& change : when_taken_) change();
  when_taken_.clear();
}

template <class T>
StepResult TrainerImpl<T>::accumulate(const Batch<T>* x, const Targets<T>* y, const Index* rows,
                                      Index row_count, std::uint64_t seed, T* const* output,
                                      const StepOptions<T>& options) {
  StepResult result = add_batch(x, y, rows, row_count, seed, output, options);
  if (result.finite) advance(options);
  if (result.finite && result.weight > 0) take_changes();
  return result;
}

template <class T>
StepResult TrainerImpl<T>::step(const Batch<T>* x, const Targets<T>* y, const Index* rows,
                                Index row_count, std::uint64_t seed, T* const* output,
                                const StepOptions<T>& options) {
  StepResult result = add_batch(x, y, rows, row_count, seed, output, options);
  if (result.finite && pending_.batches) {
    const StepResult update = apply();
    result.gradient_norm = update.gradient_norm;
    result.finite = update.finite;
    if (result.finite) take_changes();
  }
  if (result.finite) advance(options);
  return result;
}

template <class T>
StepResult TrainerImpl<T>::apply() {
  if (!pending_.batches)
    throw InvalidArgument("expected gradients to apply, but none have been accumulated");
  optimizer_.check_trains();
  StepResult result;
  result.loss = pending_.loss;
  result.weight = pending_.weight;
  result.gradient_norm = optimizer_.norm_of(gradient_pointers_.data());
  result.finite = optimizer_.can_take(result.gradient_norm);
  forget_gradients();
  if (!result.finite) {
    restore_weights();
    return result;
  }
  save_weights();
  result.finite = optimizer_.update(gradient_pointers_.data(), result.gradient_norm);
  impl_.parameters_changed();
  last_good_version_ = graph_.version();
  if (!result.finite) restore_weights();
  return result;
}

template <class T>
void TrainerImpl<T>::set_gradient(std::size_t place, const T* values) {
  std::vector<T>& gradient = gradients_[place];
  if (!all_finite(values, static_cast<Index>(gradient.size())))
    throw InvalidArgument("gradient of '" + printable(impl_.parameters()[place].first) +
                          "': expected finite values");
  if (!pending_.batches) {
    clear(gradients_);
    pending_ = {1, 1.0, std::vector<double>(heads_.size(), 1.0), 0.0, 1.0};
  }
  std::copy_n(values, gradient.size(), gradient.begin());
}

template <class T>
StepResult TrainerImpl<T>::evaluate(const Batch<T>* x, const Targets<T>* y, const Index* rows,
                                    Index row_count, T* const* output,
                                    const StepOptions<T>& options) {
  workspace_.reset();
  select(x, y, rows, row_count, options);
  GraphStates<T>* states = options.states ? &options.states->of(network_) : nullptr;
  run(Pass{workspace_}, states, output);
  if (states) states->advance(selected_.x[0].samples);
  StepResult result = compute_losses(0.0, nullptr);
  result.finite = std::isfinite(result.loss);
  return result;
}

template class TrainerImpl<float>;
template class TrainerImpl<double>;

}  // namespace lstm_native
