#include <algorithm>

#include "core/network_impl.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
void ChainStates<T>::check(Index samples) const {
  if (samples_ && samples_ != samples)
    throw InvalidArgument("states: expected a batch of " + std::to_string(samples_) +
                          " sequences, as many as the pass before had, got " +
                          std::to_string(samples) + "; reset the states to change that");
}

template <class T>
NetworkStates<T>::NetworkStates(const Network<T>& network)
    : network_(network),
      impl_(std::make_unique<ChainStates<T>>(network.impl()->chain().layers().size())) {}

template <class T>
NetworkStates<T>::~NetworkStates() = default;
template <class T>
NetworkStates<T>::NetworkStates(NetworkStates&&) noexcept = default;
template <class T>
NetworkStates<T>& NetworkStates<T>::operator=(NetworkStates&&) noexcept = default;

template <class T>
Index NetworkStates<T>::batch_size() const {
  return impl_->samples();
}

template <class T>
void NetworkStates<T>::reset(Index batch_size) {
  if (batch_size < 0)
    throw InvalidArgument("batch_size: expected >= 0, got " + std::to_string(batch_size));
  impl_->reset(network_.impl()->chain().layers(), batch_size);
}

template <class T>
std::vector<TensorInfo> NetworkStates<T>::tensors() const {
  static const char* const names[] = {"h", "c"};
  std::vector<TensorInfo> list;
  const auto& layers = network_.impl()->chain().layers();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const StateShape shape = layers[l]->state_shape();
    for (Index i = 0; i < shape.count; ++i)
      list.push_back(
          {std::to_string(l) + "." + names[i], {shape.layers, batch_size(), shape.features(i)}});
  }
  return list;
}

template <class T>
T* NetworkStates<T>::find(const std::string& name, Index& count) const {
  for (const TensorInfo& info : tensors()) {
    if (info.name != name) continue;
    count = info.size();
    const std::size_t dot = name.find('.');
    return impl_->now()[std::stoul(name)].values[name[dot + 1] == 'h' ? 0 : 1].data();
  }
  throw InvalidArgument("no state named '" + name + "'");
}

template <class T>
void NetworkStates<T>::get(const std::string& name, T* out) const {
  Index count = 0;
  const T* values = find(name, count);
  std::copy_n(values, count, out);
}

template <class T>
void NetworkStates<T>::set(const std::string& name, const T* values, Index count) {
  Index expected = 0;
  T* to = find(name, expected);
  if (count != expected)
    throw InvalidArgument("'" + name + "': expected " + std::to_string(expected) + " values, got " +
                          std::to_string(count));
  std::copy_n(values, count, to);
}

template class ChainStates<float>;
template class ChainStates<double>;
template class NetworkStates<float>;
template class NetworkStates<double>;

}  // namespace lstm_native
