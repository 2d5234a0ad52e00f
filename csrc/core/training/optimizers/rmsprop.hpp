// RMSprop (Tieleman & Hinton 2012), with optional momentum.
#pragma once

#include "core/training/optimizers/rule.hpp"

namespace lstm_native {

struct RmsProp : PlainRule {
  static constexpr NamedValue<OptimizerKind> kind = {"rmsprop", OptimizerKind::rmsprop};

  template <class Visitor>
  static void fields(Visitor& v, const OptimizerSpec&) {
    v.always("momentum", &OptimizerSpec::momentum, fractions());
    v.always("rho", &OptimizerSpec::rho, fractions());
    v.always("epsilon", &OptimizerSpec::epsilon, positive());
  }

  static SlotPlan slots(const OptimizerSpec& spec) {
    return {{spec.momentum > 0 ? "momentum_buffer" : nullptr, "square_avg"}};
  }

  template <class T>
  static void prepare(const OptimizerSpec& spec, const Update& update, UpdateArgs<T>& u) {
    set_decay(spec, update, /*decoupled=*/false, u);
    u.learning_rate = static_cast<T>(update.learning_rate);
    u.beta1 = static_cast<T>(spec.momentum);
    u.beta2 = static_cast<T>(spec.rho);
    u.one_minus_beta2 = static_cast<T>(1 - spec.rho);
  }

  template <class T>
  static UpdateKernel<T> kernel(const OptimizerSpec&, const KernelTable<T>& table) {
    return table.rmsprop;
  }
};

}  // namespace lstm_native
