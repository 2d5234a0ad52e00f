// Stochastic gradient descent with momentum, also Nesterov's (Sutskever et al. 2013).
#pragma once

#include "core/training/optimizers/rule.hpp"

namespace lstm_native {

struct Sgd {
  static constexpr NamedValue<OptimizerKind> kind = {"sgd", OptimizerKind::sgd};

  template <class Visitor>
  static void fields(Visitor& v, const OptimizerSpec&) {
    v.always("momentum", &OptimizerSpec::momentum, fractions());
    v.always("nesterov", &OptimizerSpec::nesterov);
  }
  static void check(const OptimizerSpec& spec, const std::string& path) {
    if (spec.nesterov && spec.momentum == 0.0)
      refuse(path + ".momentum", "a value > 0 with nesterov", "0");
  }

  static SlotPlan slots(const OptimizerSpec& spec) {
    return {{spec.momentum > 0 ? "momentum_buffer" : nullptr}, 0.0, /*squares=*/false};
  }

  template <class T>
  static void prepare(const OptimizerSpec& spec, const Update& update, UpdateArgs<T>& u) {
    set_decay(spec, update, /*decoupled=*/false, u);
    u.learning_rate = static_cast<T>(update.learning_rate);
    u.beta1 = static_cast<T>(spec.momentum);
    u.nesterov = spec.nesterov;
  }

  template <class T>
  static UpdateKernel<T> kernel(const OptimizerSpec&, const KernelTable<T>& table) {
    return table.sgd;
  }
};

}  // namespace lstm_native
