#include "core/training/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/finite.hpp"
#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/update_args.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

constexpr double kNormEpsilon = 1e-6;  // as torch.nn.utils.clip_grad_norm_ has it

template <class T>
double sum_of_squares(const T* values, Index count) {
  // Several sums side by side: one alone would wait for each addition. Their number is fixed, so
  // that the result does not depend on the instruction set.
  constexpr Index kSums = 8;
  double sums[kSums] = {};
  Index i = 0;
  for (; i + kSums <= count; i += kSums)
    for (Index j = 0; j < kSums; ++j) {
      const double v = static_cast<double>(values[i + j]);
      sums[j] += v * v;
    }
  for (; i < count; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double total = 0;
  for (const double s : sums) total += s;
  return total;
}

}  // namespace

template <class T>
void check_representable(const char* name, double value) {
  // Values below the smallest normal one are zeros where they are used (see FloatMode).
  if (static_cast<T>(value) >= std::numeric_limits<T>::min() &&
      std::isfinite(static_cast<T>(value)))
    return;
  throw InvalidArgument(std::string(name) + ": expected a value that float" +
                        std::to_string(8 * sizeof(T)) + " can hold, got " + number_text(value));
}

template <class T>
double global_norm(const std::vector<std::vector<T>>& gradients) {
  double total = 0;
  for (const auto& g : gradients) total += sum_of_squares(g.data(), static_cast<Index>(g.size()));
  return std::sqrt(total);
}

template <class T>
Optimizer<T>::Optimizer(const OptimizerSpec& spec,
                        std::vector<std::pair<std::string, Parameter<T>*>> params)
    : spec_(spec), parameters_(std::move(params)) {
  check_representable<T>("epsilon", spec.epsilon);
  const bool adam = spec.kind == OptimizerKind::adam || spec.kind == OptimizerKind::adamw;
  const bool has_first = adam || spec.momentum > 0;
  const bool has_second = adam || spec.kind == OptimizerKind::rmsprop;
  for (const auto& [name, p] : parameters_) {
    first_.emplace_back(has_first ? p->value.size() : 0);
    second_.emplace_back(has_second ? p->value.size() : 0);
  }
}

template <class T>
const char* Optimizer<T>::first_name() const {
  const bool adam = spec_.kind == OptimizerKind::adam || spec_.kind == OptimizerKind::adamw;
  return adam ? "exp_avg" : "momentum_buffer";
}

template <class T>
const char* Optimizer<T>::second_name() const {
  return spec_.kind == OptimizerKind::rmsprop ? "square_avg" : "exp_avg_sq";
}

template <class T>
std::vector<T>* Optimizer<T>::slot(std::string_view name, std::size_t place) {
  if (place >= parameters_.size()) return nullptr;
  if (name == first_name() && !first_[place].empty()) return &first_[place];
  if (name == second_name() && !second_[place].empty()) return &second_[place];
  return nullptr;
}

template <class T>
std::vector<typename Optimizer<T>::Slot> Optimizer<T>::slots() {
  const std::string first = first_name() + std::string("."),
                    second = second_name() + std::string(".");
  std::vector<Slot> list;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, p] = parameters_[i];
    if (!first_[i].empty()) list.push_back({first + name, p, &first_[i]});
    if (!second_[i].empty()) list.push_back({second + name, p, &second_[i]});
  }
  return list;
}

template <class T>
void Optimizer<T>::reset() {
  for (auto& slot : first_) std::fill(slot.begin(), slot.end(), T(0));
  for (auto& slot : second_) std::fill(slot.begin(), slot.end(), T(0));
  iterations_ = 0;
}

template <class T>
bool Optimizer<T>::can_take(double gradient_norm) const {
  const bool squares = spec_.kind != OptimizerKind::sgd;
  const bool clipped = spec_.clip_norm > 0 || spec_.clip_value > 0;
  return std::isfinite(gradient_norm) &&
         (!squares || clipped ||
          gradient_norm < std::sqrt(static_cast<double>(std::numeric_limits<T>::max())));
}

template <class T>
void Optimizer<T>::set_iterations(Index iterations) {
  if (iterations < 0 || iterations > kMaxIterations)
    throw InvalidArgument("iterations: expected 0 to " + std::to_string(kMaxIterations) + ", got " +
                          std::to_string(iterations));
  iterations_ = iterations;
}

template <class T>
bool Optimizer<T>::update(T* const* gradients, double gradient_norm) {
  const FloatMode mode;
  ++iterations_;
  if (spec_.clip_value > 0) {
    const T limit = static_cast<T>(spec_.clip_value);
    double squares = 0;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const Index n = parameters_[i].second->info.size();
      for (Index j = 0; j < n; ++j) gradients[i][j] = std::clamp(gradients[i][j], -limit, limit);
      squares += sum_of_squares(gradients[i], n);
    }
    gradient_norm = std::sqrt(squares);
  }
  UpdateArgs<T> u;
  if (spec_.clip_norm > 0)
    u.gradient_scale =
        static_cast<T>(std::min(1.0, spec_.clip_norm / (gradient_norm + kNormEpsilon)));
  u.epsilon = static_cast<T>(spec_.epsilon);
  u.decay = static_cast<T>(spec_.weight_decay);
  double rate = spec_.learning_rate;
  const KernelTable<T>& k = kernels<T>();
  auto kernel = k.sgd;
  switch (spec_.kind) {
    case OptimizerKind::sgd:
      u.beta1 = static_cast<T>(spec_.momentum);
      u.nesterov = spec_.nesterov;
      break;
    case OptimizerKind::rmsprop:
      kernel = k.rmsprop;
      u.beta1 = static_cast<T>(spec_.momentum);
      u.beta2 = static_cast<T>(spec_.rho);
      u.one_minus_beta2 = static_cast<T>(1 - spec_.rho);
      break;
    case OptimizerKind::adamw:
      u.decay = 0;
      u.shrink = static_cast<T>(1 - spec_.learning_rate * spec_.weight_decay);
      [[fallthrough]];
    case OptimizerKind::adam: {
      kernel = k.adam;
      const double step = static_cast<double>(iterations_);
      rate /= 1 - std::pow(spec_.beta1, step);
      u.beta1 = static_cast<T>(spec_.beta1);
      u.beta2 = static_cast<T>(spec_.beta2);
      u.one_minus_beta1 = static_cast<T>(1 - spec_.beta1);
      u.one_minus_beta2 = static_cast<T>(1 - spec_.beta2);
      u.second_scale = static_cast<T>(std::sqrt(1 - std::pow(spec_.beta2, step)));
      break;
    }
  }
  u.learning_rate = static_cast<T>(rate);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    u.size = parameters_[i].second->info.size();
    u.weight = parameters_[i].second->value.data();
    u.gradient = gradients[i];
    u.first = first_[i].empty() ? nullptr : first_[i].data();
    u.second = second_[i].empty() ? nullptr : second_[i].data();
    kernel(u);
  }
  for (const auto& [name, p] : parameters_)
    if (!all_finite(p->value.data(), p->info.size())) {
      reset();
      return false;
    }
  return true;
}

template void check_representable<float>(const char*, double);
template void check_representable<double>(const char*, double);
template double global_norm(const std::vector<std::vector<float>>&);
template double global_norm(const std::vector<std::vector<double>>&);
template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace lstm_native
