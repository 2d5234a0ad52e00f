#include <pybind11/stl.h>

#include <algorithm>
#include <tuple>

#include "bindings/batches.hpp"
#include "bindings/fast_arrays.hpp"
#include "bindings/gil.hpp"
#include "bindings/layer_handle.hpp"
#include "bindings/losses.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/network_tape.hpp"
#include "bindings/plain_method.hpp"
#include "core/base/finite.hpp"
#include "core/network/graph_lengths.hpp"
#include "core/network/graph_windows.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"
#include "core/specs/json_specs.hpp"
#include "core/training/loss_end.hpp"

namespace lstm_native::python {
namespace {

template <class T>
using Layers = std::vector<std::shared_ptr<LayerHandle<T>>>;

template <class T>
std::vector<std::shared_ptr<Layer<T>>> native_layers(const Layers<T>& handles) {
  std::vector<std::shared_ptr<Layer<T>>> layers;
  for (const auto& h : handles) {
    if (!h) throw InvalidArgument("layers: expected native layers, got None");
    layers.push_back(h->layer);
  }
  return layers;
}

template <class T>
NetworkHandle<T> network_of_row(const Layers<T>& handles) {
  return {
      Access::make<Network<T>>(std::make_shared<NetworkImpl<T>>(Graph<T>(native_layers(handles))))};
}

using Source = std::pair<Index, Index>;  // (place, port), place -1: nothing
using Inputs = std::vector<std::tuple<std::string, Index, Index>>;
using Nodes = std::vector<std::tuple<std::string, Index, std::vector<Source>>>;
using Outputs = std::vector<std::tuple<std::string, Source>>;

/// Inputs (name, features, vocabulary); names of the layers; nodes (name, number of the layer,
/// sources); outputs (name, source).
GraphSpec structure_of(const Inputs& inputs, const std::vector<std::string>& layers,
                       const Nodes& nodes, const Outputs& outputs) {
  GraphSpec spec;
  for (const auto& [name, features, vocabulary] : inputs)
    spec.inputs.push_back({name, features, vocabulary});
  for (const std::string& name : layers) spec.layers.push_back({name, {}});
  for (const auto& [name, layer, sources] : nodes) {
    GraphNode node{name, layer, {}};
    for (const auto& [place, port] : sources) node.inputs.push_back({place, port});
    spec.nodes.push_back(std::move(node));
  }
  for (const auto& [name, source] : outputs)
    spec.outputs.push_back({name, {source.first, source.second}});
  return spec;
}

/// The same of a graph.
py::tuple structure_tuple(const GraphSpec& spec) {
  py::list inputs, layers, nodes, outputs;
  for (const GraphInput& input : spec.inputs)
    inputs.append(py::make_tuple(input.name, input.features, input.vocabulary));
  for (const GraphLayer& layer : spec.layers) layers.append(layer.name);
  for (const GraphNode& node : spec.nodes) {
    py::list sources;
    for (const GraphSource& source : node.inputs)
      sources.append(py::make_tuple(source.place, source.port));
    nodes.append(py::make_tuple(node.name, node.layer, sources));
  }
  for (const GraphOutput& output : spec.outputs)
    outputs.append(
        py::make_tuple(output.name, py::make_tuple(output.source.place, output.source.port)));
  return py::make_tuple(inputs, layers, nodes, outputs);
}

template <class T>
std::vector<LayerHandle<T>> layers_of(const NetworkHandle<T>& handle) {
  std::vector<LayerHandle<T>> handles;
  for (const auto& layer : Access::impl(handle.network).graph().layers())
    handles.emplace_back(layer);
  return handles;
}

/// The output or, with states, (output, states).
template <class T>
py::object predict(const NetworkHandle<T>& handle, const py::object& x, const py::object& lengths,
                   const py::object& states) {
  const Network<T>& network = handle.network;
  const Batches<T> batches(Access::impl(network).graph(), x, lengths);
  CarriedStates<T> carried(network, states);
  const Batch<T>& batch = batches.list.front();
  const OutputShape shape = network.output_shape(batch.timesteps);
  auto y = new_array<T>(output_dimensions(batch.samples, shape));
  T* data = y.mutable_data();
  {
    const GilRelease release;
    network.predict(batch, data, carried.get());
  }
  if (carried.get()) return py::make_tuple(std::move(y), carried.result());
  return std::move(y);
}

/// Of each output an array, or None where all steps are true.
inline py::list listed_lengths(const std::vector<std::vector<Index>>& found) {
  py::list list;
  for (const std::vector<Index>& of_output : found) {
    if (of_output.empty()) {
      list.append(py::none());
      continue;
    }
    auto array = new_array<std::int64_t>({static_cast<Index>(of_output.size())});
    std::copy(of_output.begin(), of_output.end(), array.mutable_data());
    list.append(std::move(array));
  }
  return list;
}

/// Lists of inputs and lengths to (list of outputs, list of their lengths or None, states).
template <class T>
py::tuple predict_all(const NetworkHandle<T>& handle, const py::object& x,
                      const py::object& lengths, const py::object& states) {
  const NetworkImpl<T>& network = Access::impl(handle.network);
  const Batches<T> batches(network.graph(), x, lengths);
  CarriedStates<T> carried(handle.network, states);
  network.graph().check_shapes(batches.list.data());
  const Index samples = batches.list[0].samples;
  py::list outputs;
  std::vector<T*> pointers;
  for (const OutputShape& shape : network.output_shapes(batches.list.data())) {
    auto y = new_array<T>(output_dimensions(samples, shape));
    pointers.push_back(y.mutable_data());
    outputs.append(std::move(y));
  }
  std::vector<std::vector<Index>> found;
  {
    const GilRelease release;
    GraphStates<T>* begin = carried.get() ? &Access::impl(*carried.get()) : nullptr;
    found = network.predict_with_lengths(batches.list.data(), pointers.data(), begin);
  }
  return py::make_tuple(std::move(outputs), listed_lengths(found), carried.result());
}

/// (samples, steps of each input, their lengths) to lists of the outputs' steps and lengths.
template <class T>
py::tuple output_steps(const NetworkHandle<T>& handle, Index samples,
                       const std::vector<Index>& timesteps, const py::object& lengths) {
  const Graph<T>& graph = Access::impl(handle.network).graph();
  const std::vector<py::object> ends = entries_of(lengths, graph.inputs());
  if (timesteps.size() != graph.inputs() || ends.size() != graph.inputs())
    throw InvalidArgument("timesteps: expected one for each of " + std::to_string(graph.inputs()) +
                          " inputs, and as many lengths");
  std::vector<Batch<T>> x;
  std::vector<py::object> owners;
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    x.push_back({nullptr, nullptr, samples, timesteps[i], graph.input_features(i)});
    owners.push_back(lengths_of(ends[i], x.back()));
  }
  py::list steps;
  for (const OutputShape& shape : graph.output_shapes(timesteps)) steps.append(shape.timesteps);
  return py::make_tuple(std::move(steps), listed_lengths(output_lengths(graph, x.data())));
}

/// (x, batch size) to what the Python face's predict returns, for a plain array of no more samples.
/// None when something needs to be converted, cut or refused.
template <class T>
py::object quick_predict(NetworkHandle<T>& handle, const Arguments<2>& given) {
  PyObject* const x = given[0];
  const NetworkImpl<T>& network = Access::impl(handle.network);
  if (network.graph().inputs() != 1 || network.graph().outputs() != 1) return py::none();
  Batch<T> batch;
  const auto check = [&](const Batch<T>& b) { network.graph().check_inputs(&b); };
  if (!plain_batch(x, network.graph().takes_tokens(0), batch, check) ||
      static_cast<std::uint64_t>(batch.samples) > given.number(1))
    return py::none();
  const Index rows = rows_of(batch.samples, batch.timesteps);
  if (batch.values && !all_finite(batch.values, rows * batch.features)) return py::none();
  const OutputShape shape = network.graph().output_shape(batch.timesteps);
  py::object y = new_plain<T>(Shape::of_rows(batch.samples, shape.timesteps, shape.features));
  T* data = plain_data<T>(y.ptr());
  const double work = static_cast<double>(rows) * static_cast<double>(network.parameter_count());
  without_gil(work, [&] { network.predict(&batch, &data); });
  return y;
}

template <class T>
void register_network(py::module_& m, const std::string& suffix) {
  using N = NetworkHandle<T>;
  const auto graph_of = [](const N& n) -> const Graph<T>& {
    return Access::impl(n.network).graph();
  };
  py::class_<N> network(m, ("Network" + suffix).c_str(), py::is_final());
  network.def(py::init(&network_of_row<T>), py::arg("layers"))
      .def(py::init([](const Inputs& inputs, const std::vector<std::string>& names,
                       const Nodes& nodes, const Outputs& outputs, const Layers<T>& handles) {
             return N{Access::make<Network<T>>(std::make_shared<NetworkImpl<T>>(
                 Graph<T>(structure_of(inputs, names, nodes, outputs), native_layers(handles))))};
           }),
           py::arg("inputs"), py::arg("names"), py::arg("nodes"), py::arg("outputs"),
           py::arg("layers"))
      .def_property_readonly("layers", &layers_of<T>)
      .def_property_readonly("structure",
                             [=](const N& n) { return structure_tuple(graph_of(n).structure()); })
      .def_property_readonly("is_row", [=](const N& n) { return graph_of(n).is_row(); })
      .def_property_readonly("input_features",
                             [](const N& n) { return n.network.input_features(); })
      .def_property_readonly("takes_tokens", [](const N& n) { return n.network.takes_tokens(); })
      .def_property_readonly("parameter_count",
                             [](const N& n) { return n.network.parameter_count(); })
      .def("output_shape",
           [](const N& n, Index timesteps) {
             const OutputShape s = n.network.output_shape(timesteps);
             return py::make_tuple(s.timesteps, s.features);
           })
      .def("output_shapes",
           [](const N& n, const std::vector<Index>& timesteps) {
             py::list list;
             for (const OutputShape& s : n.network.output_shapes(timesteps))
               list.append(py::make_tuple(s.timesteps, s.features));
             return list;
           })
      .def("value_shapes",
           [=](const N& n, const std::vector<Index>& timesteps) {
             py::list list;
             for (const OutputShape& s : graph_of(n).value_shapes(timesteps))
               list.append(py::make_tuple(s.timesteps, s.features));
             return list;
           })
      .def(
          "end_activation",
          [=](const N& n, std::size_t output) {
            return activation_name(network_end(graph_of(n), output).activation);
          },
          py::arg("output") = 0)
      .def(
          "reads_probabilities",
          [=](const N& n, const py::object& loss, std::size_t output) {
            return loss_end(loss_of(loss), graph_of(n), output).node != kNoNode;
          },
          py::arg("loss"), py::arg("output") = 0)
      .def("why_not_in_windows",
           [=](const N& n) {
             const NotInWindows found = not_in_windows(graph_of(n));
             return found.why.empty() ? std::string() : found.label + ": " + found.why;
           })
      .def("predict", &predict<T>, py::arg("x"), py::arg("lengths") = py::none(),
           py::arg("states") = py::none())
      .def("predict_all", &predict_all<T>, py::arg("x"), py::arg("lengths") = py::none(),
           py::arg("states") = py::none())
      .def("forward_all", &forward_all<T>, py::arg("x"), py::arg("lengths"), py::arg("seed"),
           py::arg("training"))
      .def("output_steps", &output_steps<T>, py::arg("samples"), py::arg("timesteps"),
           py::arg("lengths") = py::none());
  add_plain_method<&quick_predict<T>, N, 2>(network, "quick_predict");
}

}  // namespace

void register_networks(py::module_& m) {
  m.def("layer_seed", &layer_seed, py::arg("seed"), py::arg("name"));
  register_network_tape<float>(m, "32");
  register_network_tape<double>(m, "64");
  register_network<float>(m, "32");
  register_network<double>(m, "64");
}

}  // namespace lstm_native::python
