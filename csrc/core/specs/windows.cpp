#include "core/specs/windows.hpp"

#include "core/specs/layer_kinds.hpp"

namespace lstm_native {

std::string why_not_in_windows(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto& spec, auto kind) -> std::string {
    if (kind.over_time == OverTime::sees_window) return "it looks at a window of steps at once";
    if (kind.over_time == OverTime::sees_all) return "it looks at the whole sequence at once";
    if (kind.runs_backward(spec))
      return "its output depends on steps to come (bidirectional or reverse)";
    if (const std::vector<LayerSpec>* layers = inner_layers(spec)) {
      for (const LayerSpec& inner : *layers) {
        if (over_time(inner) == OverTime::carries_state)
          return "the state of the layers in it is not carried";
        const std::string why = why_not_in_windows(inner);
        if (!why.empty()) return why;
      }
    }
    return "";
  });
}

}  // namespace lstm_native
