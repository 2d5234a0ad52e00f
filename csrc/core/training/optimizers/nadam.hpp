// NAdam: Adam with Nesterov's momentum (Dozat 2016, "Incorporating Nesterov Momentum into Adam").
#pragma once

#include <algorithm>

#include "core/training/optimizers/rule.hpp"

namespace lstm_native {

struct NAdam : PlainRule {
  static constexpr NamedValue<OptimizerKind> kind = {"nadam", OptimizerKind::nadam};

  template <class Visitor>
  static void fields(Visitor& v, const OptimizerSpec&) {
    moment_fields(v);
    v.always("momentum_decay", &OptimizerSpec::momentum_decay, not_negative());
    v.optional("decoupled_weight_decay", &OptimizerSpec::decoupled_weight_decay);
  }

  static SlotPlan slots(const OptimizerSpec&) { return {{"exp_avg", "exp_avg_sq"}}; }

  /// The momentum of an update, which climbs from half of beta1 to beta1.
  static double momentum(const OptimizerSpec& spec, Index count) {
    const double decayed = std::pow(0.96, static_cast<double>(count) * spec.momentum_decay);
    return spec.beta1 * (1 - 0.5 * decayed);
  }

  /// That of all updates so far, multiplied.
  static double momentum_product(const OptimizerSpec& spec, Index count) {
    // Below this it is no longer seen beside 1, which ends the loop early while the momentum is
    // far below beta1. Once that is reached, the rest is a power.
    constexpr double kNothing = 1e-20, kReached = 960;  // 0.96 to this power is nothing beside 1
    const double climb = std::min(kReached / spec.momentum_decay, static_cast<double>(count));
    const auto climbing = static_cast<Index>(std::ceil(climb));
    double product = 1;
    for (Index i = 1; i <= climbing && product > 0; ++i) {
      product *= momentum(spec, i);
      if (product < kNothing) product = 0;
    }
    product *= std::pow(spec.beta1, static_cast<double>(count - climbing));
    return product;
  }

  template <class T>
  static void prepare(const OptimizerSpec& spec, const Update& update, UpdateArgs<T>& u) {
    set_decay(spec, update, spec.decoupled_weight_decay, u);
    set_moments(spec, update, u);
    const double now = momentum(spec, update.count), next = momentum(spec, update.count + 1);
    const double product = momentum_product(spec, update.count);
    u.gradient_rate = static_cast<T>(update.learning_rate * (1 - now) / (1 - product));
    u.learning_rate = static_cast<T>(update.learning_rate * next / (1 - product * next));
  }

  template <class T>
  static UpdateKernel<T> kernel(const OptimizerSpec&, const KernelTable<T>& table) {
    return table.nadam;
  }
};

}  // namespace lstm_native
