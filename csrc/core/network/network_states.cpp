#include <algorithm>

#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
NetworkStates<T>::NetworkStates(const Network<T>& network)
    : network_(network), impl_(std::make_unique<GraphStates<T>>(Access::impl(network).graph())) {}

template <class T>
NetworkStates<T>::NetworkStates() noexcept = default;
template <class T>
NetworkStates<T>::~NetworkStates() = default;
template <class T>
NetworkStates<T>::NetworkStates(NetworkStates&&) noexcept = default;
template <class T>
NetworkStates<T>& NetworkStates<T>::operator=(NetworkStates&&) noexcept = default;

template <class T>
GraphStates<T>& NetworkStates<T>::of(const Network<T>& network) {
  GraphStates<T>& states = Access::impl(*this);
  if (&Access::impl(network_) != &Access::impl(network))
    throw InvalidArgument("states: expected those of this network, got another network's");
  return states;
}

template <class T>
Index NetworkStates<T>::batch_size() const {
  return Access::impl(*this).samples();
}

template <class T>
void NetworkStates<T>::reset(Index batch_size) {
  if (batch_size < 0)
    throw InvalidArgument("batch_size: expected >= 0, got " + std::to_string(batch_size));
  Access::impl(*this).reset(batch_size);
}

template <class T>
std::vector<TensorInfo> NetworkStates<T>::tensors() const {
  const Index batch = batch_size();  // throws when this is empty
  const Graph<T>& graph = Access::impl(network_).graph();
  std::vector<TensorInfo> list;
  for (std::size_t n = 0; n < graph.steps().size(); ++n)
    for (const std::size_t i : Access::impl(*this).ports(n)) {
      const Port& port = graph.steps()[n].inputs[i];
      list.push_back({graph.structure().nodes[n].name + "." + port.name,
                      {port.stacked, batch, port.features}});
    }
  return list;
}

template <class T>
T* NetworkStates<T>::find(const std::string& name, Index& count) const {
  GraphStates<T>& states = Access::impl(*this);
  const Graph<T>& graph = Access::impl(network_).graph();
  for (std::size_t n = 0; n < graph.steps().size(); ++n)
    for (const std::size_t i : states.ports(n)) {
      if (graph.structure().nodes[n].name + "." + graph.steps()[n].inputs[i].name != name) continue;
      std::vector<T>& values = states.now()[n][i];
      count = states.samples() ? static_cast<Index>(values.size()) : 0;
      return values.data();
    }
  throw InvalidArgument("no state named '" + printable(name) + "'");
}

template <class T>
std::vector<T> NetworkStates<T>::get(const std::string& name) const {
  Index count = 0;
  const T* values = find(name, count);
  return {values, values + count};
}

template <class T>
void NetworkStates<T>::get(const std::string& name, T* out, Index count) const {
  Index expected = 0;
  const T* values = find(name, expected);
  check_count(name, expected, count);
  std::copy_n(values, count, out);
}

template <class T>
void NetworkStates<T>::set(const std::string& name, const T* values, Index count) {
  Index expected = 0;
  T* to = find(name, expected);
  check_count(name, expected, count);
  std::copy_n(values, count, to);
}

template class NetworkStates<float>;
template class NetworkStates<double>;

}  // namespace lstm_native
