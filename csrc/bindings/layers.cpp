#include <pybind11/stl.h>

#include "bindings/layer_handle.hpp"
#include "bindings/module.hpp"
#include "core/json_specs.hpp"

namespace lstm_native::python {
namespace {

template <class T>
std::vector<Index> state_dimensions(const Layer<T>& layer, Index samples) {
  const StateShape s = layer.state_shape();
  return {s.layers, samples, s.features};
}

/// Pointers to the state arrays in `states` (a sequence of arrays, or None for zeros).
template <class T, std::size_t N>
void borrow_states(const py::object& states, const Layer<T>& layer, Index samples, const char* name,
                   const T* (&pointers)[N], std::vector<Array<T>>& owners) {
  if (states.is_none()) return;
  const auto list = py::cast<py::sequence>(states);
  const Index count = layer.state_shape().count;
  if (static_cast<Index>(list.size()) != count)
    throw InvalidArgument(std::string(name) + ": expected " + std::to_string(count) +
                          " arrays, got " + std::to_string(list.size()));
  for (std::size_t i = 0; i < list.size(); ++i) {
    owners.push_back(borrow<T>(list[i], name));
    pointers[i] = data_of(owners.back(), state_dimensions(layer, samples), name);
  }
}

template <class T>
std::vector<Array<T>> new_states(const Layer<T>& layer, Index samples) {
  std::vector<Array<T>> states;
  for (Index i = 0; i < layer.state_shape().count; ++i)
    states.push_back(new_array<T>(state_dimensions(layer, samples)));
  return states;
}

/// One forward pass that can be led back once. Owns copies of its input and output, so that what
/// Python does to the arrays meanwhile does not matter.
template <class T>
struct TapeHandle {
  std::shared_ptr<Layer<T>> layer;
  std::unique_ptr<Workspace> workspace = std::make_unique<Workspace>();
  std::unique_ptr<Tape<T>> tape;
  std::vector<Index> input_shape, output_shape;
  Index version = 0;  // of the weights

  py::tuple backward(const py::object& dy, const py::object& dstate) {
    if (!tape)
      throw std::runtime_error("this tape was already used: call forward again for a new one");
    if (version != layer->version())
      throw std::runtime_error(
          "the layer's weights have changed since forward: call forward again");
    const Index samples = input_shape[0];
    const auto dy_array = borrow<T>(dy, "dy");
    const T* dy_data = data_of(dy_array, output_shape, "dy");
    StateGradients<T> states;
    std::vector<Array<T>> owners;
    borrow_states(dstate, *layer, samples, "dstate", states.final, owners);
    auto initial = new_states(*layer, samples);
    for (std::size_t i = 0; i < initial.size(); ++i) states.initial[i] = initial[i].mutable_data();

    py::object dx = py::none();
    T* dx_data = nullptr;
    if (!layer->takes_tokens()) {
      auto array = new_array<T>(input_shape);
      dx_data = array.mutable_data();
      dx = std::move(array);
    }
    py::dict gradients;
    std::vector<T*> pointers;
    for (const Parameter<T>* p : layer->parameters()) {
      auto array = new_array<T>(p->info.shape);
      std::fill_n(array.mutable_data(), array.size(), T(0));
      pointers.push_back(array.mutable_data());
      gradients[py::str(p->info.name)] = std::move(array);
    }
    const std::unique_ptr<Tape<T>> once = std::move(tape);
    {
      const py::gil_scoped_release release;
      once->backward(dy_data, dx_data, states, pointers.data(), *workspace);
    }
    workspace.reset();
    return py::make_tuple(dx, initial, gradients);
  }
};

template <class T>
py::tuple forward(const LayerHandle<T>& handle, const py::object& x, const py::object& state,
                  bool remember, std::uint64_t seed) {
  const Layer<T>& layer = *handle.layer;
  const Input<T> input = input_of<T>(x, layer.takes_tokens());
  check_input(layer, input.batch);
  const Index samples = input.batch.samples;
  const OutputShape shape = layer.output_shape(input.batch.timesteps);
  States<T> states;
  std::vector<Array<T>> owners;
  borrow_states(state, layer, samples, "state", states.initial, owners);
  auto final = new_states(layer, samples);
  for (std::size_t i = 0; i < final.size(); ++i) states.final[i] = final[i].mutable_data();
  auto y = new_array<T>(output_dimensions(samples, shape));
  T* y_data = y.mutable_data();

  if (!remember) {
    const py::gil_scoped_release release;
    Workspace workspace;
    layer.forward(input.batch, y_data, states, Pass{workspace});
  } else {
    auto tape = std::make_unique<TapeHandle<T>>();
    tape->layer = handle.layer;
    tape->version = handle.layer->version();
    tape->input_shape = shape_of(input.owner);
    tape->output_shape = output_dimensions(samples, shape);
    const Index x_size = input.owner.size(), y_size = y.size();
    {
      const py::gil_scoped_release release;
      Workspace& workspace = *tape->workspace;
      Batch<T> batch = input.batch;
      if (batch.values) {
        T* copy = workspace.take<T>(x_size);
        std::copy_n(batch.values, x_size, copy);
        batch.values = copy;
      } else {
        auto* copy = workspace.take<std::int64_t>(x_size);
        std::copy_n(batch.tokens, x_size, copy);
        batch.tokens = copy;
      }
      T* output = workspace.take<T>(y_size);
      tape->tape = layer.forward(batch, output, states,
                                 Pass{workspace, /*remember=*/true, /*training=*/true, seed});
      std::copy_n(output, y_size, y_data);
    }
    return py::make_tuple(y, final, std::move(tape));
  }
  return py::make_tuple(y, final, py::none());
}

template <class T>
void register_layer(py::module_& m, const std::string& suffix) {
  py::class_<TapeHandle<T>>(m, ("Tape" + suffix).c_str())
      .def("backward", &TapeHandle<T>::backward, py::arg("dy"), py::arg("dstate"));

  py::class_<LayerHandle<T>, std::shared_ptr<LayerHandle<T>>>(m, ("Layer" + suffix).c_str())
      .def(py::init([](const std::string& spec, Index input_features, std::uint64_t seed) {
             return LayerHandle<T>{make_layer<T>(parse_layer(spec), input_features, seed)};
           }),
           py::arg("spec"), py::arg("input_features"), py::arg("seed"))
      .def_property_readonly("spec",
                             [](const LayerHandle<T>& h) { return json_text(h.layer->spec()); })
      .def_property_readonly("input_features",
                             [](const LayerHandle<T>& h) { return h.layer->input_features(); })
      .def_property_readonly("output_features",
                             [](const LayerHandle<T>& h) { return h.layer->output_features(); })
      .def_property_readonly("takes_tokens",
                             [](const LayerHandle<T>& h) { return h.layer->takes_tokens(); })
      .def_property_readonly("state_count",
                             [](const LayerHandle<T>& h) { return h.layer->state_shape().count; })
      .def("output_shape",
           [](const LayerHandle<T>& h, Index timesteps) {
             const OutputShape s = h.layer->output_shape(timesteps);
             return py::make_tuple(s.timesteps, s.features);
           })
      .def("parameters", &LayerHandle<T>::parameters)
      .def("set_parameters", &LayerHandle<T>::set_parameters, py::arg("values"))
      .def("forward", &forward<T>, py::arg("x"), py::arg("state"), py::arg("remember"),
           py::arg("seed"));
}

}  // namespace

template <class T>
py::dict LayerHandle<T>::parameters() const {
  py::dict d;
  for (const Parameter<T>* p : layer->parameters()) {
    auto array = new_array<T>(p->info.shape);
    std::copy(p->value.begin(), p->value.end(), array.mutable_data());
    d[py::str(p->info.name)] = std::move(array);
  }
  return d;
}

template <class T>
void LayerHandle<T>::set_parameters(const py::dict& values) const {
  const auto parameters = layer->parameters();
  std::vector<Array<T>> arrays;
  for (const Parameter<T>* p : parameters) {
    const py::str name(p->info.name);
    if (!values.contains(name)) throw InvalidArgument("missing parameter '" + p->info.name + "'");
    arrays.push_back(borrow<T>(values[name], p->info.name.c_str()));
    data_of(arrays.back(), p->info.shape, p->info.name.c_str());
  }
  if (values.size() != parameters.size())
    for (const auto& item : values) {
      const auto name = py::str(item.first).cast<std::string>();
      bool known = false;
      for (const Parameter<T>* p : parameters) known = known || p->info.name == name;
      if (!known) throw InvalidArgument("unknown parameter '" + name + "'");
    }
  for (std::size_t i = 0; i < parameters.size(); ++i)
    std::copy_n(arrays[i].data(), arrays[i].size(), parameters[i]->value.begin());
  layer->parameters_changed();
}

template struct LayerHandle<float>;
template struct LayerHandle<double>;

void register_layers(py::module_& m) {
  register_layer<float>(m, "32");
  register_layer<double>(m, "64");
}

}  // namespace lstm_native::python
