// What an optimiser's rule is.
//
// A rule is a struct with static members, in a file of its own, and a line in rules.hpp:
//
//   struct Adagrad {
//     static constexpr NamedValue<OptimizerKind> kind = {"adagrad", OptimizerKind::adagrad};
//     fields(v, spec)    its own settings, beside those that all have (core/specs/fields.hpp)
//     check(spec, path)  what concerns several settings at once
//     slots(spec)        the state that it keeps of each parameter
//     prepare(spec, update, u)  fills the numbers of one update
//     kernel(spec, table)       what changes the values (csrc/kernels/updates.hpp)
//   };
#pragma once

#include <cmath>
#include <string>

#include "core/specs/fields.hpp"
#include "kernels/kernel_table.hpp"
#include "lstm_native/training.hpp"

namespace lstm_native {

constexpr int kMaxSlots = 3;

/// The slots of each parameter, in the order of UpdateArgs: first, second, third. Names are
/// PyTorch's; null: not kept.
struct SlotPlan {
  const char* names[kMaxSlots] = {nullptr, nullptr, nullptr};
  double initial = 0.0;  // all values of all slots before the first update
  bool squares = true;   // whether squares of gradients are kept, which must be finite
};

/// Which update of a parameter it is.
struct Update {
  Index count;           // 1 for its first
  double learning_rate;  // in force, with the parameter's own factor
};

template <class T>
using UpdateKernel = void (*)(const UpdateArgs<T>&);

/// A rule without anything of its own.
struct PlainRule {
  static void check(const OptimizerSpec&, const std::string&) {}
};

/// The gradient is decayed towards the weight (L2), or the weight shrinks by itself
/// (Loshchilov & Hutter 2019).
template <class T>
void set_decay(const OptimizerSpec& spec, const Update& update, bool decoupled, UpdateArgs<T>& u) {
  if (decoupled)
    u.shrink = static_cast<T>(1 - update.learning_rate * spec.weight_decay);
  else
    u.decay = static_cast<T>(spec.weight_decay);
}

/// Decay rates of the two moments, and the correction of the second for its beginning at zero.
template <class T>
void set_moments(const OptimizerSpec& spec, const Update& update, UpdateArgs<T>& u) {
  u.beta1 = static_cast<T>(spec.beta1);
  u.beta2 = static_cast<T>(spec.beta2);
  u.one_minus_beta1 = static_cast<T>(1 - spec.beta1);
  u.one_minus_beta2 = static_cast<T>(1 - spec.beta2);
  u.second_scale =
      static_cast<T>(std::sqrt(1 - std::pow(spec.beta2, static_cast<double>(update.count))));
}

/// The settings of a rule with two moments.
template <class Visitor>
void moment_fields(Visitor& v) {
  v.always("beta1", &OptimizerSpec::beta1, fractions());
  v.always("beta2", &OptimizerSpec::beta2, fractions());
  v.always("epsilon", &OptimizerSpec::epsilon, positive());
}

}  // namespace lstm_native
