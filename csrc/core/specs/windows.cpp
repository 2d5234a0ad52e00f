#include "core/specs/windows.hpp"

#include <type_traits>

namespace lstm_native {
namespace {

// By their options, so that a layer made of others and a new cell need no line here.
template <class Spec, class = void>
struct IsRecurrent : std::false_type {};
template <class Spec>
struct IsRecurrent<Spec, std::void_t<decltype(Spec::return_sequences)>> : std::true_type {};

template <class Spec, class = void>
struct HasReverse : std::false_type {};
template <class Spec>
struct HasReverse<Spec, std::void_t<decltype(Spec::reverse)>> : std::true_type {};

template <class Spec, class = void>
struct HasBothDirections : std::false_type {};
template <class Spec>
struct HasBothDirections<Spec, std::void_t<decltype(Spec::bidirectional)>> : std::true_type {};

template <class Spec, class = void>
struct HasWindow : std::false_type {};
template <class Spec>
struct HasWindow<Spec, std::void_t<decltype(Spec::window)>> : std::true_type {};

template <class Spec, class = void>
struct HasLayers : std::false_type {};
template <class Spec>
struct HasLayers<Spec, std::void_t<decltype(Spec::layers)>> : std::true_type {};

bool is_recurrent_layer(const LayerSpec& layer) {
  return std::visit(
      [](const auto& spec) { return IsRecurrent<std::decay_t<decltype(spec)>>::value; },
      layer.options);
}

template <class Spec>
std::string why_not(const Spec& spec) {
  if constexpr (HasWindow<Spec>::value) return "it looks at a window of steps at once";
  bool backward = false;
  if constexpr (HasReverse<Spec>::value) backward = spec.reverse;
  if constexpr (HasBothDirections<Spec>::value) backward = backward || spec.bidirectional;
  if (backward) return "its output depends on steps to come (bidirectional or reverse)";
  if constexpr (HasLayers<Spec>::value) {
    for (const LayerSpec& inner : spec.layers) {
      if (is_recurrent_layer(inner)) return "the state of the layers in it is not carried";
      const std::string why = why_not_in_windows(inner);
      if (!why.empty()) return why;
    }
  }
  return "";
}

}  // namespace

std::string why_not_in_windows(const LayerSpec& layer) {
  return std::visit([](const auto& spec) { return why_not(spec); }, layer.options);
}

}  // namespace lstm_native
