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

/// use(found): looks at the outputs while the pass's memory is there.
template <class T>
template <class Use>
void NetworkImpl<T>::predict(const Batch<T>* x, T* const* y, GraphStates<T>* states,
                             const Use& use) const {
  const FloatMode mode;
  graph_.check_inputs(x);
  if (states) states->check(x[0].samples);
  Index rows = 0;
  for (std::size_t i = 0; i < graph_.inputs(); ++i)
    rows = std::max(rows, rows_of(x[i].samples, x[i].timesteps));
  // What a layer cannot take is found before the first output is written: one alone is the last.
  if (graph_.outputs() > 1) output_shapes(x);
  auto workspace = workspaces_.borrow(rows);
  {
    const Workspace::Scope scope(*workspace);
    auto* found = workspace->template take<Batch<T>>(static_cast<Index>(graph_.outputs()));
    run_graph(graph_, x, y, found, Pass{*workspace}, {states});
    use(found);
  }
  if (states) states->advance(x[0].samples);
  workspaces_.give_back(std::move(workspace));
}

template <class T>
void NetworkImpl<T>::predict(const Batch<T>* x, T* const* y, GraphStates<T>* states) const {
  predict(x, y, states, [](const Batch<T>*) {});
}

template <class T>
std::vector<std::vector<Index>> NetworkImpl<T>::predict_with_lengths(const Batch<T>* x, T* const* y,
                                                                     GraphStates<T>* states) const {
  std::vector<std::vector<Index>> lengths(graph_.outputs());
  predict(x, y, states, [&](const Batch<T>* found) {
    for (std::size_t k = 0; k < lengths.size(); ++k)
      if (found[k].lengths)
        lengths[k].assign(found[k].lengths, found[k].lengths + found[k].samples);
  });
  return lengths;
}

template <class T>
std::vector<OutputShape> NetworkImpl<T>::output_shapes(const Batch<T>* x) const {
  std::vector<Index> timesteps;
  for (std::size_t i = 0; i < graph_.inputs(); ++i) timesteps.push_back(x[i].timesteps);
  return graph_.output_shapes(timesteps);
}

template <class T>
Network<T>::Network(const std::vector<LayerSpec>& layers, Index input_features,
                    std::uint64_t seed) {
  validate(layers);
  lstm_native::parameter_count(layers, input_features);
  impl_ = std::make_shared<NetworkImpl<T>>(
      Graph<T>(make_layers<T>(layers, input_features, WeightSeed(seed))));
}

template <class T>
Network<T>::Network(const GraphSpec& graph, std::uint64_t seed)
    : impl_(std::make_shared<NetworkImpl<T>>(
          Graph<T>(graph, make_layers<T>(graph, WeightSeed(seed))))) {}

template <class T>
Network<T>::Network(std::shared_ptr<NetworkImpl<T>> impl) : impl_(std::move(impl)) {}

template <class T>
Network<T> Network<T>::clone() const {
  const NetworkImpl<T>& from = Access::impl(*this);
  auto copy = std::make_shared<NetworkImpl<T>>(
      from.graph().is_row() ? Graph<T>(make_layers<T>(layers(), input_features(), std::nullopt))
                            : Graph<T>(graph(), make_layers<T>(graph(), std::nullopt)));
  for (std::size_t i = 0; i < from.parameters().size(); ++i)
    copy->parameters()[i].second->value = from.parameters()[i].second->value;
  copy->parameters_changed();
  return Network(std::move(copy));
}

template <class T>
std::vector<LayerSpec> Network<T>::layers() const {
  std::vector<LayerSpec> specs;
  for (const auto& layer : Access::impl(*this).graph().layers()) specs.push_back(layer->spec());
  return specs;
}

template <class T>
GraphSpec Network<T>::graph() const {
  return Access::impl(*this).graph().spec();
}

template <class T>
Index Network<T>::inputs() const {
  return static_cast<Index>(Access::impl(*this).graph().inputs());
}

template <class T>
Index Network<T>::outputs() const {
  return static_cast<Index>(Access::impl(*this).graph().outputs());
}

template <class T>
Index Network<T>::input_features() const {
  return Access::impl(*this).graph().input_features(0);
}

template <class T>
bool Network<T>::takes_tokens() const {
  return Access::impl(*this).graph().takes_tokens(0);
}

namespace {

/// The network behind a handle that is used as one with one input and one output.
template <class T>
const NetworkImpl<T>& one_to_one(const Network<T>& network) {
  const NetworkImpl<T>& impl = Access::impl(network);
  check_number("input", impl.graph().inputs(), 1);
  check_number("output", impl.graph().outputs(), 1);
  return impl;
}

}  // namespace

template <class T>
OutputShape Network<T>::output_shape(Index timesteps) const {
  const Graph<T>& graph = Access::impl(*this).graph();
  check_number("input", graph.inputs(), 1);
  return graph.output_shape(timesteps);
}

template <class T>
std::vector<OutputShape> Network<T>::output_shapes(const std::vector<Index>& timesteps) const {
  const Graph<T>& graph = Access::impl(*this).graph();
  check_number("input", graph.inputs(), timesteps.size());
  return graph.output_shapes(timesteps);
}

template <class T>
void Network<T>::predict(const Batch<T>& x, T* y, NetworkStates<T>* states) const {
  one_to_one(*this).predict(&x, &y, states ? &states->of(*this) : nullptr);
}

template <class T>
void Network<T>::predict(const Batch<T>& x, std::vector<T>& y, NetworkStates<T>* states) const {
  const NetworkImpl<T>& impl = one_to_one(*this);
  impl.graph().check_shapes(&x);  // before memory is asked for
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
void Network<T>::predict(const std::vector<Batch<T>>& x, const std::vector<T*>& y,
                         NetworkStates<T>* states) const {
  const NetworkImpl<T>& impl = Access::impl(*this);
  check_number("input", impl.graph().inputs(), x.size());
  check_number("output", impl.graph().outputs(), y.size());
  impl.predict(x.data(), y.data(), states ? &states->of(*this) : nullptr);
}

template <class T>
std::vector<std::vector<T>> Network<T>::predict(const std::vector<Batch<T>>& x) const {
  const NetworkImpl<T>& impl = Access::impl(*this);
  check_number("input", impl.graph().inputs(), x.size());
  impl.graph().check_shapes(x.data());
  std::vector<std::vector<T>> y;
  std::vector<T*> pointers;
  for (const OutputShape& shape : impl.output_shapes(x.data()))
    y.emplace_back(static_cast<std::size_t>(x[0].samples * shape.row_size()));
  for (std::vector<T>& output : y) pointers.push_back(output.data());
  predict(x, pointers);
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
      std::make_unique<StreamImpl<T>>(Access::impl(*this).shared_graph(), batch_size));
}

template <class T>
Stream<T> Network<T>::stream(Index batch_size, const std::vector<Batch<T>>& held) const {
  const NetworkImpl<T>& impl = Access::impl(*this);
  const Graph<T>& graph = impl.graph();
  check_number("input", graph.inputs(), held.size());
  bool stepped = false;
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (!held[i].values && !held[i].tokens) {
      stepped = true;
      continue;
    }
    graph.check_input(i, held[i]);
    if (held[i].samples != batch_size)
      throw InvalidArgument("input '" + graph.structure().inputs[i].name + "': expected " +
                            std::to_string(batch_size) + " sequences (batch_size), got " +
                            std::to_string(held[i].samples));
  }
  if (!stepped) throw InvalidArgument("stream: all inputs are held, and nothing is left to step");
  const FloatMode mode;
  return Access::make<Stream<T>>(
      std::make_unique<StreamImpl<T>>(impl.shared_graph(), batch_size, held.data()));
}

template class NetworkImpl<float>;
template class NetworkImpl<double>;
template class Network<float>;
template class Network<double>;

}  // namespace lstm_native
