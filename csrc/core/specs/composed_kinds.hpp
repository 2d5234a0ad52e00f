// The kinds of layers that are made of layers: their fields, and what is known of them.
#pragma once

#include "core/specs/layer_kind.hpp"
#include "core/specs/limits.hpp"
#include "core/specs/parameter_count.hpp"
#include "lstm_native/composed_layers.hpp"

namespace lstm_native {

template <class Visitor>
void fields(Visitor& v, const HighwaySpec&) {
  v.required("window", &HighwaySpec::window, integers(1, kMaxWidth));
  v.required("layers", &HighwaySpec::layers, InnerLayers{});
}

template <>
struct LayerKind<HighwaySpec> : CommonKind {
  static constexpr const char* type = "highway";
  static constexpr const char* name = "Highway";
  static constexpr OverTime over_time = OverTime::sees_window;

  static LayerCount count(const HighwaySpec& spec, const InputFeatures& in) {
    LayerCount count = count_chain(spec.layers, in[0]);
    const Index row = add_sizes(multiply_sizes(spec.window, in[0]), 1);
    count.values = add_sizes(count.values, multiply_sizes(row, count.output_features));
    count.tensors += 2;
    return count;
  }
};

template <class Visitor>
void fields(Visitor& v, const ResidualSpec&) {
  v.required("layers", &ResidualSpec::layers, InnerLayers{});
}

template <>
struct LayerKind<ResidualSpec> : CommonKind {
  static constexpr const char* type = "residual";
  static constexpr const char* name = "Residual";
  static constexpr OverTime over_time = OverTime::step_by_step;  // the layers in it aside

  static LayerCount count(const ResidualSpec& spec, const InputFeatures& in) {
    return count_chain(spec.layers, in[0]);
  }
};

inline constexpr NamedValue<Merging> kMergings[] = {{"concat", Merging::concat},
                                                    {"sum", Merging::sum},
                                                    {"mul", Merging::mul},
                                                    {"ave", Merging::ave}};
static_assert(in_order(kMergings));

template <class Visitor>
void fields(Visitor& v, const BidirectionalSpec&) {
  v.required("layers", &BidirectionalSpec::layers, InnerLayers{});
  v.always("merge", &BidirectionalSpec::merge, kMergings);
}

template <>
struct LayerKind<BidirectionalSpec> : CommonKind {
  static constexpr const char* type = "bidirectional";
  static constexpr const char* name = "Bidirectional";
  static constexpr OverTime over_time = OverTime::sees_all;

  static void check(const BidirectionalSpec& spec, const LayerPlace& place) {
    if (spec.layers.size() != 2)
      refuse(place.path + ".layers", "two layers, one for each direction",
             std::to_string(spec.layers.size()));
  }
  static LayerCount count(const BidirectionalSpec& spec, const InputFeatures& in) {
    LayerCount count = count_layer(spec.layers[0], in);
    const LayerCount other = count_layer(spec.layers[1], in);
    count.values = add_sizes(count.values, other.values);
    count.tensors += other.tensors;
    if (spec.merge == Merging::concat)
      count.output_features = add_sizes(count.output_features, other.output_features);
    return count;
  }
};

}  // namespace lstm_native
