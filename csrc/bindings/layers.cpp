#include <pybind11/stl.h>

#include <algorithm>
#include <functional>

#include "bindings/carried.hpp"
#include "bindings/fast_arrays.hpp"
#include "bindings/gil.hpp"
#include "bindings/layer_handle.hpp"
#include "bindings/layer_states.hpp"
#include "bindings/module.hpp"
#include "bindings/plain_method.hpp"
#include "core/base/cancellation.hpp"
#include "core/base/finite.hpp"
#include "core/base/float_mode.hpp"
#include "core/base/random.hpp"
#include "core/layers/by_rows.hpp"
#include "core/network/layer_factory.hpp"
#include "core/specs/json_specs.hpp"

namespace lstm_native::python {
namespace {

/// One forward pass that can be led back once. Owns copies of its input, and of its output where
/// that is looked at again, so that what Python does to the arrays meanwhile does not matter.
template <class T>
struct TapeHandle {
  std::shared_ptr<SequenceLayer<T>> layer;
  std::shared_ptr<WorkspacePool> workspaces;
  std::unique_ptr<Workspace> workspace;
  std::unique_ptr<SequenceTape<T>> tape;
  Index samples = 0;
  Shape input_shape, output_shape;
  double work = 0;
  Index version = 0;           // of the weights
  std::vector<Index> lengths;  // of the output; empty where all its steps are true

  TapeHandle(const LayerHandle<T>& handle, const Batch<T>& x, const Shape& y_shape)
      : layer(handle.sequence),
        workspaces(handle.workspaces),
        workspace(workspaces->borrow(rows_of(x.samples, x.timesteps))),
        samples(x.samples),
        input_shape(Shape::of_rows(x.samples, x.timesteps, x.features)),
        output_shape(y_shape),
        version(layer->version()) {}
  ~TapeHandle() { finish(); }
  TapeHandle(const TapeHandle&) = delete;
  TapeHandle& operator=(const TapeHandle&) = delete;

  void finish() {
    tape.reset();
    if (workspace) workspaces->give_back(std::move(workspace));
  }

  /// Returns (dx, gradients of the initial state, {name: gradient}).
  py::tuple lead_back(const T* dy, StateGradients<T> states) {
    if (!tape)
      throw std::runtime_error("this tape was already used: call forward again for a new one");
    if (version != layer->version())
      throw std::runtime_error(
          "the layer's weights have changed since forward: call forward again");
    py::tuple initial = new_states(*layer, samples, states.initial);
    py::object dx = py::none();
    T* dx_data = nullptr;
    if (!layer->takes_tokens()) {
      dx = new_plain<T>(input_shape);
      dx_data = plain_data<T>(dx.ptr());
    }
    py::dict gradients;
    std::vector<T*> pointers;
    for (const Parameter<T>* p : layer->parameters()) {
      if (!p->trained) {
        pointers.push_back(nullptr);
        continue;
      }
      py::object array = new_array<T>(p->info.shape);
      pointers.push_back(plain_data<T>(array.ptr()));
      std::fill_n(pointers.back(), p->info.size(), T(0));
      gradients[py::str(p->info.name)] = std::move(array);
    }
    // Used, even when it fails. The arrays above may have let another thread of Python in here.
    const std::unique_ptr<SequenceTape<T>> once = std::move(tape);
    if (!once) throw std::runtime_error("this tape was used meanwhile by another thread");
    without_gil(work, [&] {
      const FloatMode mode;
      once->backward(dy, dx_data, states, pointers.data(), *workspace);
    });
    finish();
    return py::make_tuple(std::move(dx), std::move(initial), std::move(gradients));
  }

  py::tuple backward(const py::object& dy, const py::object& dstate) {
    const auto dy_array = borrow<T>(dy, "dy");
    const std::vector<Index> shape(output_shape.sizes, output_shape.sizes + output_shape.count);
    StateGradients<T> states;
    std::vector<Array<T>> owners;
    const T* dy_data = data_of(dy_array, shape, "dy");
    borrow_states(dstate, *layer, samples, "dstate", states.final, owners);
    return lead_back(dy_data, states);
  }
};

/// One pass of the layer, with lengths or without.
template <class T>
std::unique_ptr<SequenceTape<T>> pass_through(const SequenceLayer<T>& layer, const Batch<T>& x,
                                              T* y, const States<T>& states, const Pass& pass) {
  if (x.lengths && layer.lengths_use() == LengthsUse::by_rows)
    return forward_by_rows(layer, x, y, pass);
  return layer.forward(x, y, states, pass);
}

/// What a pass returns.
template <class T>
struct Passed {
  py::object y;
  py::tuple states;
  std::unique_ptr<TapeHandle<T>> tape;  // null when nothing is remembered
};

/// Runs the layer on checked input.
template <class T>
Passed<T> run(const LayerHandle<T>& handle, const Batch<T>& x, States<T> states, bool remember,
              std::uint64_t seed, bool training = true,
              const std::vector<const void*>* frozen = nullptr) {
  SequenceLayer<T>& layer = handle.one();
  const OutputShape output = layer.output_shape(x.timesteps);
  const Shape shape = Shape::of_rows(x.samples, output.timesteps, output.features);
  py::tuple final = new_states(layer, x.samples, states.final);
  py::object y = new_plain<T>(shape);
  T* y_data = plain_data<T>(y.ptr());
  const Index rows = rows_of(x.samples, x.timesteps);
  const double work = handle.weights * static_cast<double>(rows);

  if (!remember) {
    without_gil(work, [&] {
      const FloatMode mode;
      auto workspace = handle.workspaces->borrow(rows);
      pass_through(layer, x, y_data, states, Pass{*workspace});
      handle.workspaces->give_back(std::move(workspace));
    });
    return {std::move(y), std::move(final), nullptr};
  }
  auto tape = std::make_unique<TapeHandle<T>>(handle, x, shape);
  tape->work = work;
  without_gil(work, [&] {
    const FloatMode mode;
    Workspace& workspace = *tape->workspace;
    const auto copy = [&workspace](const auto* from, Index count) {
      auto* to = workspace.template take<std::decay_t<decltype(*from)>>(count);
      std::copy_n(from, count, to);
      return to;
    };
    Batch<T> batch = x;
    if (x.values)
      batch.values = copy(x.values, rows * x.features);
    else
      batch.tokens = copy(x.tokens, rows);
    if (x.lengths) batch.lengths = copy(x.lengths, x.samples);
    T* out = layer.tape_reads_output() ? workspace.take<T>(shape.size()) : y_data;
    std::vector<std::function<void()>> after;
    Pass pass{workspace, /*remember=*/true, training, seed};
    pass.when_taken = &after;
    pass.frozen = frozen;
    tape->tape = pass_through(layer, batch, out, states, pass);
    for (const auto& change : after) change();
    const Index* ends = output.timesteps ? layer.output_lengths(0, &batch, workspace) : nullptr;
    if (ends) tape->lengths.assign(ends, ends + x.samples);
    if (out != y_data) std::copy_n(out, shape.size(), y_data);
  });
  return {std::move(y), std::move(final), std::move(tape)};
}

template <class T>
py::tuple forward(const LayerHandle<T>& handle, const py::object& x, const py::object& state,
                  bool remember, std::uint64_t seed, const py::object& lengths, bool training,
                  const std::vector<std::string>& frozen) {
  const SequenceLayer<T>& layer = handle.one();
  Input<T> input = input_of<T>(x, layer.takes_tokens());
  const py::object keeps_lengths = lengths_of(lengths, input.batch);
  check_input(layer, input.batch);
  if (input.batch.lengths && layer.lengths_use() == LengthsUse::refused)
    throw InvalidArgument("this layer cannot take lengths");
  layer.output_shape(input.batch.timesteps);
  States<T> states;
  std::vector<Array<T>> owners;
  borrow_states(state, layer, input.batch.samples, "state", states.initial, owners);
  const std::vector<const void*> parameters = handle.parameters_of(frozen);
  Passed<T> found = run(handle, input.batch, states, remember, seed, training, &parameters);
  return py::make_tuple(std::move(found.y), std::move(found.states), std::move(found.tape));
}

/// Whether all values are finite that stand in the steps of a sequence.
template <class T>
bool finite_steps(const Batch<T>& x) {
  if (x.lengths) return all_finite(x.values, x.lengths, x.samples, x.timesteps, x.features);
  return all_finite(x.values, rows_of(x.samples, x.timesteps) * x.features);
}

/// The whole of the Python face's call for plain arrays: body gets the batch and its initial
/// states. None when something needs to be converted or refused.
template <class T, class Body>
py::object quick(const SequenceLayer<T>& layer, PyObject* x, PyObject* state, PyObject* lengths,
                 const Body& body) {
  Batch<T> batch;
  States<T> states;
  std::vector<Index> kept;
  if (!plain_batch(x, layer.takes_tokens(), batch,
                   [&](const Batch<T>& b) { check_input(layer, b); }) ||
      !plain_lengths(lengths, layer, batch, kept) ||
      !plain_states(state, layer, batch.samples, states.initial))
    return py::none();
  if (batch.values && !finite_steps(batch)) return py::none();
  return body(batch, states);
}

/// (dy, gradient of the final state) to (dx, gradient of the initial state, {name: gradient}).
template <class T>
py::object quick_backward(TapeHandle<T>& tape, const Arguments<2>& given) {
  PyObject* const dy = given[0];
  StateGradients<T> states;
  if (!is_plain<T>(dy, tape.output_shape) ||
      !plain_states(given[1], *tape.layer, tape.samples, states.final) ||
      !all_finite(plain_data<T>(dy), tape.output_shape.size()))
    return py::none();
  py::tuple found = tape.lead_back(plain_data<T>(dy), states);
  return tuple_of(found[0], public_state(found[1]), found[2]);
}

/// (x, state, lengths) to (y, final state), or to y of a layer without state.
template <class T>
py::object quick_call(LayerHandle<T>& handle, const Arguments<3>& given) {
  return quick(handle.one(), given[0], given[1], given[2],
               [&](const Batch<T>& x, const States<T>& states) {
                 Passed<T> found = run(handle, x, states, false, 0);
                 if (found.states.empty()) return found.y;
                 return tuple_of(std::move(found.y), public_state(std::move(found.states)));
               });
}

/// (x, state, lengths, seed, pass) to (y, final state, tape). The seed of the pass is its own.
template <class T>
py::object quick_forward(LayerHandle<T>& handle, const Arguments<5>& given) {
  const std::uint64_t seed = derive_seed(given.number(3), given.number(4));
  return quick(handle.one(), given[0], given[1], given[2],
               [&](const Batch<T>& x, const States<T>& states) {
                 Passed<T> found = run(handle, x, states, true, seed);
                 return tuple_of(std::move(found.y), public_state(std::move(found.states)),
                                 py::cast(std::move(found.tape)));
               });
}

/// A layer with its initial weights. Large ones take seconds: other threads run meanwhile, and an
/// interrupt ends it.
template <class T>
std::shared_ptr<Layer<T>> new_layer(const LayerSpec& spec, const std::vector<Index>& input_features,
                                    WeightSeed seed) {
  try {
    GilRelease release;
    Cancellation cancellation(
        [&] { return release.with_gil([] { return PyErr_CheckSignals() != 0; }); });
    return make_layer<T>(spec, input_features, seed);
  } catch (const Cancelled&) {
    throw py::error_already_set();  // as the signal's handler raised it
  }
}

/// Ports as (name, features, "values", "tokens" or "state", stacked, whether optional).
py::list listed(const std::vector<Port>& ports) {
  static const char* const kinds[] = {"values", "tokens", "state"};
  py::list list;
  for (const Port& port : ports)
    list.append(py::make_tuple(port.name, port.features, kinds[static_cast<int>(port.kind)],
                               port.stacked, port.optional));
  return list;
}

template <class T>
void register_layer(py::module_& m, const std::string& suffix) {
  using Tape = TapeHandle<T>;
  py::class_<Tape> tape(m, ("Tape" + suffix).c_str(), py::is_final());
  tape.def("backward", &Tape::backward, py::arg("dy"), py::arg("dstate"));
  tape.def_property_readonly("lengths", [](const Tape& t) -> py::object {
    if (t.lengths.empty()) return py::none();
    return py::array_t<Index>(static_cast<py::ssize_t>(t.lengths.size()), t.lengths.data());
  });
  add_plain_method<&quick_backward<T>, Tape, 2>(tape, "quick");

  using Handle = LayerHandle<T>;
  py::class_<Handle, std::shared_ptr<Handle>> layer(m, ("Layer" + suffix).c_str(), py::is_final());
  layer
      .def(py::init([](const std::string& spec, Index input_features, WeightSeed seed) {
             return LayerHandle<T>(new_layer<T>(parse_layer(spec), {input_features}, seed));
           }),
           py::arg("spec"), py::arg("input_features"), py::arg("seed"))
      .def(py::init([](const std::string& spec, const std::vector<Index>& input_features,
                       WeightSeed seed) {
             return LayerHandle<T>(new_layer<T>(parse_layer(spec), input_features, seed));
           }),
           py::arg("spec"), py::arg("input_features"), py::arg("seed"))
      .def_property_readonly("spec",
                             [](const LayerHandle<T>& h) { return json_text(h.layer->spec()); })
      .def_property_readonly("input_features",
                             [](const LayerHandle<T>& h) { return h.one().input_features(); })
      .def_property_readonly(
          "output_features",
          [](const LayerHandle<T>& h) { return h.layer->outputs().front().features; })
      .def_property_readonly("takes_tokens",
                             [](const LayerHandle<T>& h) { return h.one().takes_tokens(); })
      .def_property_readonly("state_count",
                             [](const LayerHandle<T>& h) {
                               Index count = 0;
                               for (const Port& port : h.layer->inputs())
                                 count += port.kind == Port::Kind::state;
                               return count;
                             })
      .def_property_readonly("inputs",
                             [](const LayerHandle<T>& h) { return listed(h.layer->inputs()); })
      .def_property_readonly("outputs",
                             [](const LayerHandle<T>& h) { return listed(h.layer->outputs()); })
      .def("output_shape",
           [](const LayerHandle<T>& h, Index timesteps) {
             const OutputShape s = h.one().output_shape(timesteps);
             return py::make_tuple(s.timesteps, s.features);
           })
      .def("parameters", &LayerHandle<T>::parameters)
      .def("set_parameters", &LayerHandle<T>::set_parameters, py::arg("values"))
      .def("holds", &LayerHandle<T>::holds, py::arg("values"))
      .def("forward", &forward<T>, py::arg("x"), py::arg("state"), py::arg("remember"),
           py::arg("seed"), py::arg("lengths") = py::none(), py::arg("training") = true,
           py::arg("frozen") = std::vector<std::string>());
  add_plain_method<&quick_call<T>, Handle, 3>(layer, "quick_call");
  add_plain_method<&quick_forward<T>, Handle, 5>(layer, "quick_forward");
}

}  // namespace

void register_layers(py::module_& m) {
  register_layer<float>(m, "32");
  register_layer<double>(m, "64");
}

}  // namespace lstm_native::python
