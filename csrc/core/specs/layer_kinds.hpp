// The table of kinds: the alternatives of LayerSpec::Options, each with its LayerKind. A kind in a
// new file needs an #include here.
#pragma once

#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/specs/attention_kinds.hpp"
#include "core/specs/composed_kinds.hpp"
#include "core/specs/conv_lstm_kind.hpp"
#include "core/specs/layer_kind.hpp"
#include "core/specs/merging_kinds.hpp"
#include "core/specs/recurrent_kinds.hpp"
#include "core/specs/simple_kinds.hpp"
#include "core/specs/step_kinds.hpp"
#include "lstm_native/layers.hpp"

namespace lstm_native {
namespace detail {

template <class Spec, class = void>
struct HasKind : std::false_type {};
template <class Spec>
struct HasKind<Spec, std::void_t<decltype(LayerKind<Spec>::type)>> : std::true_type {};

template <class Options>
struct Kinds;
template <class... Specs>
struct Kinds<std::variant<Specs...>> {
  static constexpr bool complete() { return (HasKind<Specs>::value && ...); }

  static constexpr bool distinct() {
    constexpr std::string_view types[] = {LayerKind<Specs>::type...};
    for (std::size_t i = 0; i < sizeof...(Specs); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (types[i] == types[k]) return false;
    return true;
  }

  template <class Body>
  static void for_each(const Body& body) {
    (body(Specs{}, LayerKind<Specs>{}), ...);
  }
};
using AllKinds = Kinds<LayerSpec::Options>;

static_assert(AllKinds::complete(), "a layer of LayerSpec::Options has no LayerKind");
static_assert(AllKinds::distinct(), "two kinds of layers have one type");

}  // namespace detail

/// Calls body(spec, kind) for each kind, with a default-made spec and its LayerKind.
template <class Body>
void for_each_kind(const Body& body) {
  detail::AllKinds::for_each(body);
}

/// Returns body(spec, kind) of what the layer is.
template <class Body>
auto visit_kind(const LayerSpec& layer, const Body& body) {
  return std::visit(
      [&](const auto& spec) { return body(spec, LayerKind<std::decay_t<decltype(spec)>>{}); },
      layer.options);
}

inline std::string_view layer_type(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto&, auto kind) { return kind.type; });
}
inline std::string_view layer_name(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto&, auto kind) { return kind.name; });
}
inline bool takes_tokens(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto&, auto kind) { return kind.takes_tokens; });
}
inline OverTime over_time(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto&, auto kind) { return kind.over_time; });
}

namespace detail {

template <class Spec>
struct InnerLayersFinder {
  const Spec& spec;
  const std::vector<LayerSpec>* found = nullptr;

  template <class Class, class Value, class Range = Any>
  void required(const char*, Value Class::* member, const Range& = {}) {
    if constexpr (std::is_same_v<Value, std::vector<LayerSpec>>) found = &(spec.*member);
  }
  template <class Class, class Value, class Range = Any>
  void always(const char* key, Value Class::* member, const Range& range = {}) {
    required(key, member, range);
  }
  template <class Class, class Value, class Range = Any>
  void optional(const char* key, Value Class::* member, const Range& range = {}) {
    required(key, member, range);
  }
};

}  // namespace detail

/// The layers inside a layer, found in the description of its fields; null where it has none.
template <class Spec>
const std::vector<LayerSpec>* inner_layers(const Spec& spec) {
  detail::InnerLayersFinder<Spec> finder{spec};
  fields(finder, spec);
  return finder.found;
}

}  // namespace lstm_native
