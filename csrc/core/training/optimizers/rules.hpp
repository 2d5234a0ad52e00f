// All rules of optimisers: the one list of them.
#pragma once

#include <tuple>
#include <utility>

#include "core/training/optimizers/adagrad.hpp"
#include "core/training/optimizers/adam.hpp"
#include "core/training/optimizers/nadam.hpp"
#include "core/training/optimizers/rmsprop.hpp"
#include "core/training/optimizers/sgd.hpp"

namespace lstm_native {

using OptimizerRules = std::tuple<Sgd, Adam, AdamW, RmsProp, NAdam, Adagrad>;

/// Their names and kinds, in the order of the list.
template <class Rules>
struct RuleTable;
template <class... Rules>
struct RuleTable<std::tuple<Rules...>> {
  static constexpr NamedValue<OptimizerKind> kinds[] = {Rules::kind...};
};
inline constexpr auto& kOptimizerKinds = RuleTable<OptimizerRules>::kinds;
static_assert(in_order(kOptimizerKinds), "the list has the order of OptimizerKind");

/// Calls visit with the rule of this kind, for its static members.
template <class Visit, std::size_t... places>
void with_rule(OptimizerKind kind, const Visit& visit, std::index_sequence<places...>) {
  const auto try_one = [&](const auto& rule) {
    if (rule.kind.value == kind) visit(rule);
  };
  (try_one(std::tuple_element_t<places, OptimizerRules>{}), ...);
}
template <class Visit>
void with_rule(OptimizerKind kind, const Visit& visit) {
  with_rule(kind, visit, std::make_index_sequence<std::tuple_size_v<OptimizerRules>>{});
}

}  // namespace lstm_native
