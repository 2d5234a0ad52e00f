#include <algorithm>

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/network/layer_factory.hpp"
#include "core/network/network_impl.hpp"
#include "core/network/stream.hpp"
#include "core/specs/parameter_count.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
Parameter<T>& NetworkImpl<T>::parameter(const std::string& name) const {
  const std::size_t place = place_of(name);
  if (place == parameters_.size())
    throw InvalidArgument("no parameter named '" + printable(name) + "'");
  return *parameters_[place].second;
}

template <class T>
std::size_t NetworkImpl<T>::place_of(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](std::size_t place, std::string_view to) { return parameters_[place].first < to; });
  const bool known = found != by_name_.end() && parameters_[*found].first == name;
  return known ? *found : parameters_.size();
}

template <class T>
void NetworkImpl<T>::predict(const Batch<T>& x, T* y, ChainStates<T>* states) const {
  const FloatMode mode;
  check_input(first(), x);
  if (states) states->check(x.samples);
  chain_.output_shape(x.timesteps);  // throws when a layer cannot take so many steps
  auto workspace = workspaces_.borrow(rows_of(x.samples, x.timesteps));
  chain_.forward(x, y, Pass{*workspace}, states);
  if (states) states->advance(x.samples);
  workspaces_.give_back(std::move(workspace));
}

template <class T>
Network<T>::Network(const std::vector<LayerSpec>& layers, Index input_features,
                    std::uint64_t seed) {
  validate(layers);
  lstm_native::parameter_count(layers, input_features);
  impl_ = std::make_shared<NetworkImpl<T>>(make_layers<T>(layers, input_features, seed));
}

template <class T>
Network<T>::Network(std::shared_ptr<NetworkImpl<T>> impl) : impl_(std::move(impl)) {}

template <class T>
Network<T> Network<T>::clone() const {
  const NetworkImpl<T>& from = Access::impl(*this);
  auto copy =
      std::make_shared<NetworkImpl<T>>(make_layers<T>(layers(), input_features(), std::nullopt));
  for (std::size_t i = 0; i < from.parameters().size(); ++i)
    copy->parameters()[i].second->value = from.parameters()[i].second->value;
  copy->parameters_changed();
  return Network(std::move(copy));
}

template <class T>
std::vector<LayerSpec> Network<T>::layers() const {
  std::vector<LayerSpec> specs;
  for (const auto& layer : Access::impl(*this).chain().layers()) specs.push_back(layer->spec());
  return specs;
}

template <class T>
Index Network<T>::input_features() const {
  return Access::impl(*this).first().input_features();
}

template <class T>
bool Network<T>::takes_tokens() const {
  return Access::impl(*this).first().takes_tokens();
}

template <class T>
OutputShape Network<T>::output_shape(Index timesteps) const {
  return Access::impl(*this).chain().output_shape(timesteps);
}

template <class T>
void Network<T>::predict(const Batch<T>& x, T* y, NetworkStates<T>* states) const {
  Access::impl(*this).predict(x, y, states ? &states->of(*this) : nullptr);
}

template <class T>
void Network<T>::predict(const Batch<T>& x, std::vector<T>& y, NetworkStates<T>* states) const {
  const NetworkImpl<T>& impl = Access::impl(*this);
  check_shape(impl.first(), x);  // before memory is asked for
  y.resize(static_cast<std::size_t>(x.samples * output_shape(x.timesteps).row_size()));
  predict(x, y.data(), states);
}

template <class T>
std::vector<T> Network<T>::predict(const Batch<T>& x) const {
  std::vector<T> y;
  predict(x, y);
  return y;
}

template <class T>
std::vector<TensorInfo> Network<T>::parameters() const {
  std::vector<TensorInfo> list;
  for (const auto& [name, p] : Access::impl(*this).parameters())
    list.push_back({name, p->info.shape});
  return list;
}

template <class T>
Index Network<T>::parameter_count() const {
  return Access::impl(*this).parameter_count();
}

template <class T>
std::vector<T> Network<T>::get_parameter(const std::string& name) const {
  return Access::impl(*this).parameter(name).value;
}

template <class T>
void Network<T>::get_parameter(const std::string& name, T* out, Index count) const {
  const Parameter<T>& p = Access::impl(*this).parameter(name);
  check_count(name, p.info.size(), count);
  std::copy(p.value.begin(), p.value.end(), out);
}

template <class T>
void Network<T>::set_parameter(const std::string& name, const T* values, Index count) {
  NetworkImpl<T>& impl = Access::impl(*this);
  Parameter<T>& p = impl.parameter(name);
  check_count(name, p.info.size(), count);
  std::copy_n(values, count, p.value.begin());
  impl.parameters_changed();
}

template <class T>
Stream<T> Network<T>::stream(Index batch_size) const {
  const FloatMode mode;  // weights are packed
  return Access::make<Stream<T>>(
      std::make_unique<StreamImpl<T>>(Access::impl(*this).chain().layers(), batch_size));
}

template class NetworkImpl<float>;
template class NetworkImpl<double>;
template class Network<float>;
template class Network<double>;

}  // namespace lstm_native
