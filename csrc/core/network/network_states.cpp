#include <algorithm>

#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
NetworkStates<T>::NetworkStates(const Network<T>& network)
    : network_(network),
      impl_(std::make_unique<ChainStates<T>>(Access::impl(network).chain().layers().size())) {}

template <class T>
NetworkStates<T>::NetworkStates() noexcept = default;
template <class T>
NetworkStates<T>::~NetworkStates() = default;
template <class T>
NetworkStates<T>::NetworkStates(NetworkStates&&) noexcept = default;
template <class T>
NetworkStates<T>& NetworkStates<T>::operator=(NetworkStates&&) noexcept = default;

template <class T>
ChainStates<T>& NetworkStates<T>::of(const Network<T>& network) {
  ChainStates<T>& states = Access::impl(*this);
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
  Access::impl(*this).reset(Access::impl(network_).chain().layers(), batch_size);
}

template <class T>
std::vector<TensorInfo> NetworkStates<T>::tensors() const {
  static const char* const names[] = {"h", "c"};
  const Index batch = batch_size();  // throws when this is empty
  std::vector<TensorInfo> list;
  const auto& layers = Access::impl(network_).chain().layers();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const StateShape shape = layers[l]->state_shape();
    for (Index i = 0; i < shape.count; ++i)
      list.push_back(
          {std::to_string(l) + "." + names[i], {shape.layers, batch, shape.features(i)}});
  }
  return list;
}

template <class T>
T* NetworkStates<T>::find(const std::string& name, Index& count) const {
  for (const TensorInfo& info : tensors()) {
    if (info.name != name) continue;
    count = info.size();
    const std::size_t dot = name.find('.');
    return Access::impl(*this).now()[std::stoul(name)].values[name[dot + 1] == 'h' ? 0 : 1].data();
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
