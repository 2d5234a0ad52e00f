#include "core/network/graph_windows.hpp"

#include "core/specs/windows.hpp"

namespace lstm_native {
namespace {

template <class T>
std::string why_not(const Graph<T>& graph, const GraphStep<T>& step) {
  for (std::size_t i = 0; i < step.sources.size(); ++i)
    if (step.inputs[i].kind == Port::Kind::state && step.sources[i].place >= 0)
      return "each window would begin with the state that another node gives it";
  for (std::size_t o = 0; o < step.outputs.size(); ++o)
    if (step.outputs[o].kind == Port::Kind::state &&
        graph.is_read(static_cast<std::size_t>(step.first_value) + o))
      return "its state at the end is read, which no window but the last has";
  return why_not_in_windows(step.layer->spec());
}

}  // namespace

template <class T>
NotInWindows not_in_windows(const Graph<T>& graph) {
  for (const GraphStep<T>& step : graph.steps()) {
    std::string why = why_not(graph, step);
    if (!why.empty()) return {step.label, std::move(why)};
  }
  return {};
}

template NotInWindows not_in_windows(const Graph<float>&);
template NotInWindows not_in_windows(const Graph<double>&);

}  // namespace lstm_native
