// Adam (Kingma & Ba 2015), AdamW (Loshchilov & Hutter 2019), both also as AMSGrad (Reddi, Kale &
// Kumar 2018).
#pragma once

#include "core/training/optimizers/rule.hpp"

namespace lstm_native {

struct Adam : PlainRule {
  static constexpr NamedValue<OptimizerKind> kind = {"adam", OptimizerKind::adam};

  template <class Visitor>
  static void fields(Visitor& v, const OptimizerSpec&) {
    moment_fields(v);
    v.optional("amsgrad", &OptimizerSpec::amsgrad);
  }

  static SlotPlan slots(const OptimizerSpec& spec) {
    return {{"exp_avg", "exp_avg_sq", spec.amsgrad ? "max_exp_avg_sq" : nullptr}};
  }

  template <class T>
  static void prepare(const OptimizerSpec& spec, const Update& update, UpdateArgs<T>& u) {
    set_decay(spec, update, spec.kind == OptimizerKind::adamw, u);
    set_moments(spec, update, u);
    u.learning_rate = static_cast<T>(update.learning_rate /
                                     (1 - std::pow(spec.beta1, static_cast<double>(update.count))));
  }

  template <class T>
  static UpdateKernel<T> kernel(const OptimizerSpec& spec, const KernelTable<T>& table) {
    return spec.amsgrad ? table.amsgrad : table.adam;
  }
};

struct AdamW : Adam {
  static constexpr NamedValue<OptimizerKind> kind = {"adamw", OptimizerKind::adamw};
};

}  // namespace lstm_native
