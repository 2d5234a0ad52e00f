// Adagrad (Duchi, Hazan & Singer 2011).
#pragma once

#include "core/training/optimizers/rule.hpp"

namespace lstm_native {

struct Adagrad : PlainRule {
  static constexpr NamedValue<OptimizerKind> kind = {"adagrad", OptimizerKind::adagrad};

  template <class Visitor>
  static void fields(Visitor& v, const OptimizerSpec&) {
    v.always("learning_rate_decay", &OptimizerSpec::learning_rate_decay, not_negative());
    v.always("initial_accumulator_value", &OptimizerSpec::initial_accumulator_value,
             not_negative());
    v.always("epsilon", &OptimizerSpec::epsilon, positive());
  }

  static SlotPlan slots(const OptimizerSpec& spec) {
    return {{nullptr, "sum"}, spec.initial_accumulator_value};
  }

  template <class T>
  static void prepare(const OptimizerSpec& spec, const Update& update, UpdateArgs<T>& u) {
    set_decay(spec, update, /*decoupled=*/false, u);
    const auto before = static_cast<double>(update.count - 1);
    u.learning_rate =
        static_cast<T>(update.learning_rate / (1 + before * spec.learning_rate_decay));
  }

  template <class T>
  static UpdateKernel<T> kernel(const OptimizerSpec&, const KernelTable<T>& table) {
    return table.adagrad;
  }
};

}  // namespace lstm_native
