#include "core/network/held_values.hpp"

#include "core/network/graph_tape.hpp"

namespace lstm_native {

template <class T>
HeldValues<T>::HeldValues(std::shared_ptr<const Graph<T>> graph, const Batch<T>* held)
    : graph_(std::move(graph)), timesteps_(graph_->inputs(), 1) {
  for (std::size_t i = 0; i < graph_->inputs(); ++i) {
    held_.push_back(held && (held[i].values || held[i].tokens));
    if (!held_[i]) continue;
    samples_ = held[i].samples;
    timesteps_[i] = held[i].timesteps;
  }
  find_stepped();
  if (!held) return;
  std::vector<char> nodes;
  for (const GraphStep<T>& step : graph_->steps())
    nodes.push_back(!stepped_[static_cast<std::size_t>(step.first_value)]);
  values_ = run_nodes(*graph_, held, nodes, Pass{workspace_});
}

template <class T>
void HeldValues<T>::find_stepped() {
  stepped_.assign(graph_->values(), false);
  for (std::size_t i = 0; i < graph_->inputs(); ++i) stepped_[i] = !held_[i];
  for (const GraphStep<T>& step : graph_->steps()) {
    bool stepped = false;
    for (const GraphSource& source : step.sources)
      stepped = stepped || (source.place >= 0 && stepped_[graph_->value_of(source)]);
    for (std::size_t o = 0; o < step.outputs.size(); ++o)
      stepped_[static_cast<std::size_t>(step.first_value) + o] = stepped;
  }
}

template <class T>
const Batch<T>& HeldValues<T>::value(std::size_t number) const {
  return values_[number].padded;
}

template class HeldValues<float>;
template class HeldValues<double>;

}  // namespace lstm_native
