#include "core/network/graph_states.hpp"

#include <string>

#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
GraphStates<T>::GraphStates(const Graph<T>& graph) : graph_(graph) {
  for (const GraphStep<T>& step : graph.steps()) {
    std::vector<std::size_t> ports;
    for (std::size_t i = 0; i < step.carries.size(); ++i)
      if (step.carries[i] != kNoPort) ports.push_back(i);
    ports_.push_back(std::move(ports));
    now_.emplace_back(step.inputs.size());
    next_.emplace_back(step.inputs.size());
  }
}

template <class T>
std::size_t GraphStates<T>::size(std::size_t node, std::size_t port, Index samples) const {
  const Port& state = graph_.steps()[node].inputs[port];
  return static_cast<std::size_t>(state.stacked * samples * state.features);
}

template <class T>
void GraphStates<T>::reset(Index samples) {
  samples_ = samples;
  for (std::size_t n = 0; samples && n < now_.size(); ++n)
    for (const std::size_t port : ports_[n]) now_[n][port].assign(size(n, port, samples), T(0));
}

template <class T>
void GraphStates<T>::check(Index samples) const {
  if (samples_ && samples_ != samples)
    throw InvalidArgument("states: expected a batch of " + std::to_string(samples_) +
                          " sequences, as many as the pass before had, got " +
                          std::to_string(samples) + "; reset the states to change that");
}

template <class T>
T* GraphStates<T>::final(std::size_t node, std::size_t port, Index samples) {
  std::vector<T>& values = next_[node][port];
  values.resize(size(node, port, samples));
  return values.data();
}

template class GraphStates<float>;
template class GraphStates<double>;

}  // namespace lstm_native
