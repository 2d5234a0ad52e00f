// Optimiser updates through the public Trainer, against the rules as torch.optim documents them.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/training/optimizer.hpp"
#include "core/training/optimizers/nadam.hpp"
#include "file_helpers.hpp"
#include "loss_helpers.hpp"

using namespace lstm_native;
using namespace loss_helpers;

namespace {

OptimizerSpec full_spec(OptimizerKind kind) {
  OptimizerSpec spec;
  spec.kind = kind;
  spec.learning_rate = 0.05;
  spec.momentum = 0.8;
  spec.beta1 = 0.85;
  spec.beta2 = 0.97;
  spec.rho = 0.93;
  spec.epsilon = 1e-4;
  spec.weight_decay = 0.02;
  return spec;
}

/// One value of a weight over several updates, as torch.optim documents them.
struct Rule {
  OptimizerSpec s;
  double first = 0, second = s.kind == OptimizerKind::adagrad ? s.initial_accumulator_value : 0;
  double largest = 0, product = 1, step = 0;

  double mu(double t) const { return s.beta1 * (1 - 0.5 * std::pow(0.96, t * s.momentum_decay)); }

  double operator()(double w, double g) {
    step += 1;
    if (s.kind == OptimizerKind::adamw || s.decoupled_weight_decay)
      w -= s.learning_rate * s.weight_decay * w;
    else
      g += s.weight_decay * w;
    switch (s.kind) {
      case OptimizerKind::sgd:
        first = s.momentum * first + g;
        return w - s.learning_rate * (s.nesterov ? g + s.momentum * first : first);
      case OptimizerKind::rmsprop:
        second = s.rho * second + (1 - s.rho) * g * g;
        first = s.momentum * first + g / (std::sqrt(second) + s.epsilon);
        return w - s.learning_rate * first;
      case OptimizerKind::adagrad:
        second += g * g;
        return w - s.learning_rate / (1 + (step - 1) * s.learning_rate_decay) * g /
                       (std::sqrt(second) + s.epsilon);
      case OptimizerKind::nadam: {
        product *= mu(step);
        first = s.beta1 * first + (1 - s.beta1) * g;
        second = s.beta2 * second + (1 - s.beta2) * g * g;
        const double below = std::sqrt(second / (1 - std::pow(s.beta2, step))) + s.epsilon;
        w -= s.learning_rate * (1 - mu(step)) / (1 - product) * g / below;
        return w - s.learning_rate * mu(step + 1) / (1 - product * mu(step + 1)) * first / below;
      }
      default: {
        first = s.beta1 * first + (1 - s.beta1) * g;
        second = s.beta2 * second + (1 - s.beta2) * g * g;
        const double m = first / (1 - std::pow(s.beta1, step));
        largest = s.amsgrad ? std::max(largest, second) : second;
        const double v = largest / (1 - std::pow(s.beta2, step));
        return w - s.learning_rate * m / (std::sqrt(v) + s.epsilon);
      }
    }
  }
};

/// Runs `spec` beside the plain rule; clip changes a gradient before the rule sees it.
double optimizer_error(const OptimizerSpec& spec,
                       const std::function<void(std::vector<double>&)>& clip) {
  const Problem<double> problem(2);
  const LossSpec loss = MSELoss{};
  const auto targets = problem.targets(loss);
  Trainer<double> trainer(problem.network, loss, spec);
  std::vector<Rule> rules(static_cast<std::size_t>(problem.network.parameter_count()), Rule{spec});
  double error = 0;
  for (int i = 0; i < 12; ++i) {
    auto gradient = gradient_of(problem.network, loss, problem.batch(), targets);
    clip(gradient);
    auto wanted = weights_of(problem.network);
    for (std::size_t j = 0; j < wanted.size(); ++j) wanted[j] = rules[j](wanted[j], gradient[j]);
    trainer.step(problem.batch(), targets, nullptr, problem.samples, 0);
    error = std::max(error, relative_error(weights_of(problem.network), wanted));
  }
  return error;
}

}  // namespace

TEST_CASE("optimisers: twelve updates as torch.optim documents them") {
  const auto as_it_is = [](std::vector<double>&) {};
  OptimizerSpec nesterov = full_spec(OptimizerKind::sgd);
  nesterov.nesterov = true;
  CHECK(optimizer_error(nesterov, as_it_is) < 1e-12);
  OptimizerSpec plain = full_spec(OptimizerKind::sgd);
  plain.momentum = 0;
  CHECK(optimizer_error(plain, as_it_is) < 1e-12);
  OptimizerSpec rms = full_spec(OptimizerKind::rmsprop);
  CHECK(optimizer_error(rms, as_it_is) < 1e-12);
  rms.momentum = 0;
  CHECK(optimizer_error(rms, as_it_is) < 1e-12);
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw,
                                   OptimizerKind::nadam, OptimizerKind::adagrad})
    CHECK(optimizer_error(full_spec(kind), as_it_is) < 1e-12);
  for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::adamw}) {
    OptimizerSpec amsgrad = full_spec(kind);
    amsgrad.amsgrad = true;
    amsgrad.beta2 = 0.5;  // so that the mean square falls again
    CHECK(optimizer_error(amsgrad, as_it_is) < 1e-12);
  }
  for (const double decay : {0.0, 0.05, 1.0, 100.0}) {
    OptimizerSpec nadam = full_spec(OptimizerKind::nadam);
    nadam.momentum_decay = decay;
    nadam.decoupled_weight_decay = decay > 0;
    CHECK(optimizer_error(nadam, as_it_is) < 1e-12);
  }
  OptimizerSpec adagrad = full_spec(OptimizerKind::adagrad);
  adagrad.learning_rate_decay = 0.1;
  adagrad.initial_accumulator_value = 0.2;
  CHECK(optimizer_error(adagrad, as_it_is) < 1e-12);
}

TEST_CASE("optimisers: NAdam's product of momenta, found from the number of updates alone") {
  OptimizerSpec spec;
  for (const double decay : {0.0, 4e-3, 0.1, 1.0, 1000.0})
    for (const double beta1 : {0.0, 0.5, 0.9, 0.9999, 1 - 1e-9}) {
      spec.momentum_decay = decay;
      spec.beta1 = beta1;
      double product = 1;
      for (Index step = 1; step <= 3000; ++step) {
        product *= NAdam::momentum(spec, step);
        if (step % 97 == 0 || step < 20)
          CHECK(std::abs(NAdam::momentum_product(spec, step) - product) <= 1e-12 * product + 1e-20);
      }
    }
  // Far out, as a file may say it, in no time.
  CHECK(NAdam::momentum_product(spec, kMaxIterations) == 0);
}

TEST_CASE("optimisers: clipping by value, then by global norm") {
  OptimizerSpec spec = full_spec(OptimizerKind::sgd);
  const double limit = 0.05, norm = 0.1;
  const auto by_value = [=](std::vector<double>& g) {
    for (double& v : g) v = std::max(-limit, std::min(limit, v));
  };
  const auto by_norm = [=](std::vector<double>& g) {
    const double scale = std::min(1.0, norm / (norm_of(g) + 1e-6));  // as PyTorch has it
    for (double& v : g) v *= scale;
  };
  spec.clip_value = limit;
  CHECK(optimizer_error(spec, by_value) < 1e-12);
  spec.clip_norm = norm;
  CHECK(optimizer_error(spec, [=](std::vector<double>& g) {
          by_value(g);
          by_norm(g);
        }) < 1e-12);
  spec.clip_value = 0;
  CHECK(optimizer_error(spec, by_norm) < 1e-12);
  spec.clip_norm = 1e6;  // beyond any gradient: nothing happens
  CHECK(optimizer_error(spec, [](std::vector<double>&) {}) < 1e-12);
}

TEST_CASE("optimisers and losses: values out of range are refused") {
  const Network<float> network({dense_layer(2)}, 3);
  const auto refused = [&](const std::function<void(OptimizerSpec&)>& change, OptimizerKind kind) {
    OptimizerSpec spec = full_spec(kind);
    change(spec);
    return message_of<InvalidArgument>([&] { Trainer<float>(network, LossSpec{}, spec); });
  };
  const auto kind = OptimizerKind::adam;
  CHECK(refused([](OptimizerSpec&) {}, kind).empty());
  CHECK(contains(refused([](OptimizerSpec& s) { s.learning_rate = -1; }, kind), "got -1"));
  CHECK(contains(refused([](OptimizerSpec& s) { s.beta2 = 1; }, kind), "beta2: expected 0 <="));
  CHECK(contains(refused([](OptimizerSpec& s) { s.clip_norm = -2; }, kind), "got -2"));
  CHECK(contains(refused([](OptimizerSpec& s) { s.momentum = 1; }, OptimizerKind::sgd), "got 1"));
  CHECK(contains(
      message_of<InvalidArgument>([&] { Trainer<float>(network, HuberLoss{0.0}, adam(0.1)); }),
      "delta: expected a finite number > 0, got 0"));
}
