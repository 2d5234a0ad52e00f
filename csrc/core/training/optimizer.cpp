#include "core/training/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/finite.hpp"
#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/training/optimizer_specs.hpp"
#include "core/training/optimizers/rules.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/update_args.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
void check_representable(const char* name, double value) {
  // Values below the smallest normal one are zeros where they are used (see FloatMode).
  if (static_cast<T>(value) >= std::numeric_limits<T>::min() &&
      std::isfinite(static_cast<T>(value)))
    return;
  throw InvalidArgument(std::string(name) + ": expected a value that float" +
                        std::to_string(8 * sizeof(T)) + " can hold, got " + number_text(value));
}

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

template <class T>
void check_scaled_rate(const std::string& parameter, double learning_rate, double factor) {
  check_representable<T>(("learning_rate of '" + printable(parameter) + "'").c_str(),
                         learning_rate * factor);
}

}  // namespace

template <class T>
Optimizer<T>::Optimizer(const OptimizerSpec& spec,
                        std::vector<std::pair<std::string, Parameter<T>*>> params)
    : spec_(spec) {
  validate(spec);
  check_representable<T>("epsilon", spec.epsilon);
  check_representable<T>("learning_rate", spec.learning_rate);
  with_rule(spec.kind, [&](const auto& rule) { plan_ = rule.slots(spec); });
  for (auto& [name, parameter] : params) {
    Tensor tensor{std::move(name), parameter, {}};
    for (int s = 0; s < kMaxSlots; ++s)
      if (plan_.names[s])
        tensor.slots[s].assign(parameter->value.size(), static_cast<T>(plan_.initial));
    tensors_.push_back(std::move(tensor));
  }
}

template <class T>
std::vector<T>* Optimizer<T>::slot(std::string_view name, std::size_t place) {
  if (place >= tensors_.size()) return nullptr;
  for (int s = 0; s < kMaxSlots; ++s)
    if (plan_.names[s] && name == plan_.names[s] && tensors_[place].parameter->trained)
      return &tensors_[place].slots[s];
  return nullptr;
}

template <class T>
std::vector<typename Optimizer<T>::Slot> Optimizer<T>::slots() {
  std::vector<Slot> list;
  for (Tensor& tensor : tensors_)
    for (int s = 0; s < kMaxSlots && tensor.parameter->trained; ++s)
      if (plan_.names[s])
        list.push_back({plan_.names[s] + ('.' + tensor.name), tensor.parameter, &tensor.slots[s]});
  return list;
}

template <class T>
void Optimizer<T>::continue_from(const Optimizer& other) {
  iterations_ = other.iterations_;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& from = other.tensors_[i];
    std::copy(std::begin(from.slots), std::end(from.slots), std::begin(tensors_[i].slots));
    tensors_[i].factor = from.factor;
    tensors_[i].missed = from.missed;
  }
}

template <class T>
void Optimizer<T>::reset() {
  for (Tensor& tensor : tensors_) {
    for (auto& slot : tensor.slots)
      std::fill(slot.begin(), slot.end(), static_cast<T>(plan_.initial));
    tensor.missed = 0;
  }
  iterations_ = 0;
}

template <class T>
double Optimizer<T>::norm_of(const T* const* gradients) const {
  double total = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (tensors_[i].trains()) total += sum_of_squares(gradients[i], tensors_[i].size());
  return std::sqrt(total);
}

template <class T>
bool Optimizer<T>::can_take(double gradient_norm) const {
  const bool clipped = spec_.clip_norm > 0 || spec_.clip_value > 0;
  return std::isfinite(gradient_norm) &&
         (!plan_.squares || clipped ||
          gradient_norm < std::sqrt(static_cast<double>(std::numeric_limits<T>::max())));
}

template <class T>
void Optimizer<T>::set_learning_rate(double learning_rate) {
  OptimizerSpec spec = spec_;
  spec.learning_rate = learning_rate;
  validate(spec);
  check_representable<T>("learning_rate", learning_rate);
  for (const Tensor& tensor : tensors_)
    if (tensor.trains()) check_scaled_rate<T>(tensor.name, learning_rate, tensor.factor);
  spec_ = spec;
}

template <class T>
void Optimizer<T>::set_rate_factor(std::size_t place, double factor) {
  Tensor& tensor = tensors_[place];
  if (!(factor >= 0 && std::isfinite(factor)))
    throw InvalidArgument("rate factor of '" + printable(tensor.name) +
                          "': expected a finite number >= 0, got " + number_text(factor));
  if (factor > 0) check_scaled_rate<T>(tensor.name, spec_.learning_rate, factor);
  tensor.factor = factor;
}

template <class T>
void Optimizer<T>::check_trains() const {
  const auto trained = [](const Tensor& tensor) { return tensor.trains(); };
  if (!tensors_.empty() && std::none_of(tensors_.begin(), tensors_.end(), trained))
    throw InvalidArgument("expected parameters to train, but all of them are frozen");
}

template <class T>
void Optimizer<T>::set_iterations(Index iterations) {
  if (iterations < 0 || iterations > kMaxIterations)
    throw InvalidArgument("iterations: expected 0 to " + std::to_string(kMaxIterations) + ", got " +
                          std::to_string(iterations));
  iterations_ = iterations;
  for (Tensor& tensor : tensors_) tensor.missed = std::min(tensor.missed, iterations);
}

template <class T>
void Optimizer<T>::set_missed(std::size_t place, Index updates) {
  if (updates < 0 || updates > iterations_)
    throw InvalidArgument("missed updates of '" + printable(tensors_[place].name) +
                          "': expected 0 to " + std::to_string(iterations_) + ", got " +
                          std::to_string(updates));
  tensors_[place].missed = updates;
}

template <class T>
bool Optimizer<T>::update(T* const* gradients, double gradient_norm) {
  const FloatMode mode;
  ++iterations_;
  if (spec_.clip_value > 0) {
    const T limit = static_cast<T>(spec_.clip_value);
    for (std::size_t i = 0; i < tensors_.size(); ++i)
      for (Index j = 0; j < tensors_[i].size(); ++j)
        gradients[i][j] = std::clamp(gradients[i][j], -limit, limit);
    gradient_norm = norm_of(gradients);
  }
  UpdateArgs<T> common;
  if (spec_.clip_norm > 0)
    common.gradient_scale =
        static_cast<T>(std::min(1.0, spec_.clip_norm / (gradient_norm + kNormEpsilon)));
  common.epsilon = static_cast<T>(spec_.epsilon);
  UpdateArgs<T> u;
  UpdateKernel<T> kernel = nullptr;
  Update last{0, 0.0};
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    Tensor& tensor = tensors_[i];
    if (!tensor.parameter->trained) continue;
    if (tensor.factor == 0) {
      ++tensor.missed;
      continue;
    }
    const Update now{iterations_ - tensor.missed, spec_.learning_rate * tensor.factor};
    if (now.count != last.count || now.learning_rate != last.learning_rate) {
      u = common;
      with_rule(spec_.kind, [&](const auto& rule) {
        rule.prepare(spec_, now, u);
        kernel = rule.kernel(spec_, kernels<T>());
      });
      last = now;
    }
    const auto data = [&](int s) {
      return tensor.slots[s].empty() ? nullptr : tensor.slots[s].data();
    };
    u.size = tensor.size();
    u.weight = tensor.parameter->value.data();
    u.gradient = gradients[i];
    u.first = data(0);
    u.second = data(1);
    u.third = data(2);
    kernel(u);
  }
  for (const Tensor& tensor : tensors_)
    if (tensor.trains() && !all_finite(tensor.parameter->value.data(), tensor.size())) {
      reset();
      return false;
    }
  return true;
}

template void check_representable<float>(const char*, double);
template void check_representable<double>(const char*, double);
template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace lstm_native
