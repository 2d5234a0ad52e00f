#include "core/network/network_end.hpp"

namespace lstm_native {

template <class T>
NetworkEnd end_of(PathBack<T> path) {
  for (; path.node() != kNoNode; path.go_back()) {
    const LayerSpec spec = path.spec();
    if (const auto* dense = std::get_if<DenseSpec>(&spec.options))
      return {dense->activation, path.node()};
    if (const auto* function = std::get_if<ActivationSpec>(&spec.options)) {
      if (function->activation != Activation::linear) return {function->activation, path.node()};
    } else if (!std::holds_alternative<DropoutSpec>(spec.options) &&
               !std::holds_alternative<ActivityRegularizationSpec>(spec.options)) {
      break;
    }
  }
  return {};
}

template NetworkEnd end_of(PathBack<float>);
template NetworkEnd end_of(PathBack<double>);

}  // namespace lstm_native
