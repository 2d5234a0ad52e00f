// The kinds of layers with several inputs: their fields, and what is known of them.
#pragma once

#include "core/specs/layer_kind.hpp"
#include "lstm_native/merging_layers.hpp"

namespace lstm_native {

template <class Visitor>
void fields(Visitor&, const ConcatSpec&) {}
template <class Visitor>
void fields(Visitor&, const AddSpec&) {}
template <class Visitor>
void fields(Visitor&, const MultiplySpec&) {}
template <class Visitor>
void fields(Visitor&, const AverageSpec&) {}
template <class Visitor>
void fields(Visitor& v, const DotSpec&) {
  v.always("normalise", &DotSpec::normalise);
}

/// What holds for all of them.
struct MergingKind : CommonKind {
  static constexpr OverTime over_time = OverTime::step_by_step;
  static constexpr bool takes_several = true;

  template <class Spec>
  static LayerCount count(const Spec&, const InputFeatures& in) {
    return {0, 0, in[0]};
  }
};

template <>
struct LayerKind<ConcatSpec> : MergingKind {
  static constexpr const char* type = "concat";
  static constexpr const char* name = "Concat";

  static LayerCount count(const ConcatSpec&, const InputFeatures& in) {
    Index features = 0;
    for (const Index width : in) features = add_sizes(features, width);
    return {0, 0, features};
  }
};

template <>
struct LayerKind<AddSpec> : MergingKind {
  static constexpr const char* type = "add";
  static constexpr const char* name = "Add";
};

template <>
struct LayerKind<MultiplySpec> : MergingKind {
  static constexpr const char* type = "multiply";
  static constexpr const char* name = "Multiply";
};

template <>
struct LayerKind<AverageSpec> : MergingKind {
  static constexpr const char* type = "average";
  static constexpr const char* name = "Average";
};

template <>
struct LayerKind<DotSpec> : MergingKind {
  static constexpr const char* type = "dot";
  static constexpr const char* name = "Dot";

  static LayerCount count(const DotSpec&, const InputFeatures&) { return {0, 0, 1}; }
};

}  // namespace lstm_native
