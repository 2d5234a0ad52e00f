#include <algorithm>

#include "core/float_mode.hpp"
#include "core/network_impl.hpp"
#include "core/spec_checks.hpp"
#include "core/stream.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
void check_count(const std::string& name, const TensorInfo& info, Index count) {
  if (count != info.size())
    throw InvalidArgument("'" + name + "': expected " + std::to_string(info.size()) +
                          " values, got " + std::to_string(count));
}

}  // namespace

template <class T>
Parameter<T>& NetworkImpl<T>::parameter(const std::string& name) const {
  for (const auto& [known, parameter] : parameters_)
    if (known == name) return *parameter;
  throw InvalidArgument("no parameter named '" + name + "'");
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
std::vector<LayerSpec> Network<T>::layers() const {
  std::vector<LayerSpec> specs;
  for (const auto& layer : impl_->chain().layers()) specs.push_back(layer->spec());
  return specs;
}

template <class T>
Index Network<T>::input_features() const {
  return impl_->first().input_features();
}

template <class T>
bool Network<T>::takes_tokens() const {
  return impl_->first().takes_tokens();
}

template <class T>
OutputShape Network<T>::output_shape(Index timesteps) const {
  return impl_->chain().output_shape(timesteps);
}

template <class T>
void Network<T>::predict(const Batch<T>& x, T* y, NetworkStates<T>* states) const {
  impl_->predict(x, y, states ? &states->impl() : nullptr);
}

template <class T>
std::vector<TensorInfo> Network<T>::parameters() const {
  std::vector<TensorInfo> list;
  for (const auto& [name, p] : impl_->parameters()) list.push_back({name, p->info.shape});
  return list;
}

template <class T>
Index Network<T>::parameter_count() const {
  return impl_->parameter_count();
}

template <class T>
void Network<T>::get_parameter(const std::string& name, T* out) const {
  const std::vector<T>& value = impl_->parameter(name).value;
  std::copy(value.begin(), value.end(), out);
}

template <class T>
void Network<T>::set_parameter(const std::string& name, const T* values, Index count) {
  Parameter<T>& p = impl_->parameter(name);
  check_count<T>(name, p.info, count);
  std::copy_n(values, count, p.value.begin());
  impl_->parameters_changed();
}

template <class T>
Stream<T> Network<T>::stream(Index batch_size) const {
  const FloatMode mode;  // weights are packed
  return Stream<T>(std::make_unique<StreamImpl<T>>(impl_->chain().layers(), batch_size));
}

template class NetworkImpl<float>;
template class NetworkImpl<double>;
template class Network<float>;
template class Network<double>;

}  // namespace lstm_native
