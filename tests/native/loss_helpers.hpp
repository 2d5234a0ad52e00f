// A small problem for losses: its targets of all kinds, its loss from the definition, its gradient.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <lstm_native/lstm_native.hpp>
#include <vector>

#include "network_helpers.hpp"

namespace loss_helpers {

using namespace lstm_native;

template <class Kind>
bool is(const LossSpec& loss) {
  return std::holds_alternative<Kind>(loss.options);
}

/// Loss of one row of outputs, from its definition.
inline double row_loss(const LossSpec& spec, const std::vector<double>& o, const double* y,
                       Index label) {
  double sum = 0, exponentials = 0;
  for (std::size_t i = 0; i < o.size(); ++i) {
    const double d = std::abs(o[i] - y[i]), p = 1 / (1 + std::exp(-o[i]));
    exponentials += std::exp(o[i]);
    if (is<MSELoss>(spec)) sum += d * d;
    if (is<MAELoss>(spec)) sum += d;
    if (const auto* huber = std::get_if<HuberLoss>(&spec.options))
      sum += d <= huber->delta ? d * d / 2 : huber->delta * (d - huber->delta / 2);
    if (is<BinaryCrossentropyLoss>(spec)) sum -= y[i] * std::log(p) + (1 - y[i]) * std::log(1 - p);
  }
  if (is<CategoricalCrossentropyLoss>(spec))
    return std::log(exponentials) - o[static_cast<std::size_t>(label)];
  return sum / static_cast<double>(o.size());
}

/// A network of one Dense layer over samples with or without time axis, and targets of all kinds.
template <class T>
struct Problem {
  static constexpr Index kFeatures = 3, kUnits = 4;
  Index samples = 6, steps;
  std::vector<T> x, values, weights;
  std::vector<std::int64_t> labels;
  Network<T> network{{dense_layer(kUnits)}, kFeatures, 3};

  explicit Problem(Index timesteps) : steps(timesteps) {
    x = random_values<T>(rows() * kFeatures, 1, 2.0);
    values = random_values<T>(rows() * kUnits, 2, 0.5);
    for (T& v : values) v += T(0.5);  // in [0, 1], as binary cross-entropy wants them
    weights = random_values<T>(rows(), 3, 1.0);
    for (T& w : weights) w += T(1);
    weights[2] = 0;
    for (Index r = 0; r < rows(); ++r) labels.push_back(r * 7 % kUnits);
    // What is masked may hold anything.
    labels[2] = -100;
    values[2 * kUnits] = std::numeric_limits<T>::quiet_NaN();
  }

  Index rows() const { return samples * (steps ? steps : 1); }
  Batch<T> batch() const { return {x.data(), nullptr, samples, steps, kFeatures}; }
  Targets<T> targets(const LossSpec& loss) const {
    if (is<CategoricalCrossentropyLoss>(loss)) return {nullptr, labels.data(), weights.data()};
    return {values.data(), nullptr, weights.data()};
  }

  /// Weighted mean over the rows, from the network's own predictions.
  double wanted(const LossSpec& spec) const {
    std::vector<T> y(static_cast<std::size_t>(rows() * kUnits));
    network.predict(batch(), y.data());
    const std::vector<double> target = to_double(values);
    double sum = 0, weight = 0;
    for (Index r = 0; r < rows(); ++r) {
      if (weights[r] == 0) continue;
      const std::vector<double> o(&y[r * kUnits], &y[r * kUnits] + kUnits);
      sum += static_cast<double>(weights[r]) * row_loss(spec, o, &target[r * kUnits], labels[r]);
      weight += static_cast<double>(weights[r]);
    }
    return sum / weight;
  }
};

/// The gradient of the loss: a step of plain descent of length 1 subtracts it.
inline std::vector<double> gradient_of(const Network<double>& network, const LossSpec& loss,
                                       const Batch<double>& x, const Targets<double>& y,
                                       double* norm = nullptr) {
  const auto before = weights_of(network);
  Trainer<double> trainer(network, loss, sgd(1.0));
  const StepResult result = trainer.step(x, y, nullptr, x.samples, 0);
  if (norm) *norm = result.gradient_norm;
  auto gradient = weights_of(network);
  for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = before[i] - gradient[i];
  set_weights(network, before);
  return gradient;
}

inline double norm_of(const std::vector<double>& values) { return std::sqrt(dot(values, values)); }

}  // namespace loss_helpers
