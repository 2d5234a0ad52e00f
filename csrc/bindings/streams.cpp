// Streams. A step of a small network takes less time than an ordinary call into C++, so `step` is
// a plain C method with a short way for arrays that need no conversion. All others go through a
// check of the Python face, which converts them or says what is wrong.
#include <pybind11/stl.h>

#include "bindings/batches.hpp"
#include "bindings/fast_arrays.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/plain_method.hpp"
#include "core/base/finite.hpp"
#include "core/network/handles.hpp"
#include "core/network/layer_factory.hpp"
#include "core/network/stream.hpp"

namespace lstm_native::python {
namespace {

template <class T>
struct StreamHandle {
  Stream<T> stream;
  py::object check;  // check(x) returns x as a plain array, or raises
  bool single;       // one input and one output are stepped: `step` serves, else `step_all`
  Index batch, inputs = 0, outputs = 0;
  bool tokens = false;
  bool busy = false;  // in a step that runs without the GIL

  StreamHandle(Stream<T> made, py::object check_input)
      : stream(std::move(made)),
        check(std::move(check_input)),
        single(stream.inputs() == 1 && stream.outputs() == 1),
        batch(stream.batch_size()) {
    if (!single) return;
    inputs = stream.input_features();
    outputs = stream.output_features();
    tokens = stream.takes_tokens();
  }

  StreamImpl<T>& idle() {
    if (busy)
      throw std::runtime_error("this stream is in a step in another thread: one call at a time");
    return Access::impl(stream);
  }

  /// Whether x can be stepped with as it is.
  bool fits(PyObject* x) const {
    if (tokens) return is_plain<std::int64_t>(x, {batch});
    return is_plain<T>(x, {batch, inputs}) && all_finite(plain_data<T>(x), batch * inputs);
  }

  /// Refuses what the check may not return; dtypes need not be the same object here.
  template <class V>
  static void usable(PyObject* x, const std::vector<Index>& shape) {
    lstm_native::python::data_of(borrow<V>(x, "x"), shape, "x");
    if (!is_aligned(x)) throw InvalidArgument("x: expected an aligned array");
  }

  /// False when a token is out of range.
  bool run(PyObject* x, T* y) {
    StreamImpl<T>& impl = idle();
    const auto call = [&] {
      return tokens ? impl.step(plain_data<std::int64_t>(x), y) : impl.step(plain_data<T>(x), y);
    };
    busy = true;
    const bool made = without_gil(impl.work(), call);
    busy = false;
    return made;
  }

  T* data_of_output(PyObject* out) const {
    const std::vector<Index> shape{batch, outputs};
    const auto array = borrow<T>(out, "out");
    lstm_native::python::data_of(array, shape, "out");
    if (!array.writeable() || !is_aligned(out))
      throw InvalidArgument("out: expected an aligned array that can be written to");
    return plain_data<T>(out);
  }

  PyObject* step(PyObject* x, PyObject* out) {
    if (!single) throw InvalidArgument("step: several inputs or outputs go to step_all");
    py::object checked;
    if (!fits(x)) {
      checked = check(py::handle(x));
      x = checked.ptr();
      tokens ? usable<std::int64_t>(x, {batch}) : usable<T>(x, {batch, inputs});
    }
    py::object result;
    T* y;
    if (out) {
      y = is_plain<T>(out, {batch, outputs}) && is_writeable(out) ? plain_data<T>(out)
                                                                  : data_of_output(out);
      const char* from = plain_data<char>(x);
      const Index size =
          tokens ? batch * Index{sizeof(std::int64_t)} : batch * inputs * Index{sizeof(T)};
      const char* to = reinterpret_cast<const char*>(y);
      if (from < to + batch * outputs * Index{sizeof(T)} && to < from + size)
        throw InvalidArgument("out: expected an array that shares no memory with x");
      result = py::reinterpret_borrow<py::object>(out);
    } else {
      result = new_plain<T>({batch, outputs});
      y = plain_data<T>(result.ptr());
    }
    if (!run(x, y)) {
      check(py::handle(x));  // says which token
      throw InvalidArgument("x: a token is out of range");
    }
    return result.release().ptr();
  }

  /// One array for each input that is stepped, checked as far as its tokens' range; one for each
  /// output that is. None when a token is out of range.
  py::object step_all(const py::list& x) {
    StreamImpl<T>& impl = idle();
    const Graph<T>& graph = impl.graph();
    if (x.size() != impl.inputs().size())
      throw InvalidArgument("x: expected " + std::to_string(impl.inputs().size()) +
                            " arrays, one for each input that is stepped, got " +
                            std::to_string(x.size()));
    std::vector<Batch<T>> in(graph.inputs());
    std::vector<T*> out(graph.outputs(), nullptr);
    for (std::size_t i = 0; i < x.size(); ++i) {
      Batch<T>& to = in[impl.inputs()[i]];
      if (graph.takes_tokens(impl.inputs()[i])) {
        usable<std::int64_t>(x[i].ptr(), {batch});
        to.tokens = plain_data<std::int64_t>(x[i].ptr());
      } else {
        usable<T>(x[i].ptr(), {batch, graph.input_features(impl.inputs()[i])});
        to.values = plain_data<T>(x[i].ptr());
      }
    }
    py::list result;
    for (const std::size_t k : impl.outputs()) {
      py::object y = new_plain<T>({batch, graph.output_features(k)});
      out[k] = plain_data<T>(y.ptr());
      result.append(std::move(y));
    }
    busy = true;
    const bool made = without_gil(impl.work(), [&] { return impl.step(in.data(), out.data()); });
    busy = false;
    if (!made) return py::none();
    return std::move(result);
  }

  void reorder(const py::object& rows) {
    const auto from = borrow<std::int64_t>(rows, "rows");
    lstm_native::python::data_of(from, {batch}, "rows");
    if (!idle().reorder(from.data()))
      throw InvalidArgument("rows: expected indices from 0 to " + std::to_string(batch - 1));
  }

  /// Copies: for each layer, its state tensors of (stacked layers, batch, units); of a layer that
  /// holds others, theirs one after another.
  py::list state() {
    StreamImpl<T>& impl = idle();
    py::list layers;
    for (std::size_t n = 0; n < impl.run().nodes(); ++n) {
      py::list tensors;
      for (const StreamTensor<T>& tensor : impl.run().tensors(n)) {
        auto array = new_array<T>(tensor.info.shape);
        tensor.run->get_state(tensor.index, array.mutable_data());
        tensors.append(std::move(array));
      }
      layers.append(std::move(tensors));
    }
    return layers;
  }

  /// All or nothing, from what `state` returned.
  void set_state(const py::list& layers) {
    const py::list now = state();
    const auto refuse = [] { throw InvalidArgument("state: expected what state() returns"); };
    if (layers.size() != now.size()) refuse();
    StreamImpl<T>& impl = idle();
    std::vector<std::pair<StreamTensor<T>, Array<T>>> all;
    for (std::size_t l = 0; l < now.size(); ++l) {
      const auto old = now[l].cast<py::list>(), tensors = layers[l].cast<py::list>();
      if (tensors.size() != old.size()) refuse();
      const auto targets = impl.run().tensors(l);
      for (std::size_t i = 0; i < old.size(); ++i) {
        auto values = borrow<T>(tensors[i], "state");
        lstm_native::python::data_of(values, shape_of(old[i].cast<py::array>()), "state");
        all.emplace_back(targets[i], std::move(values));
      }
    }
    for (const auto& [target, values] : all) target.run->set_state(target.index, values.data());
  }
};

/// step(x, *, out=None)
template <class T>
PyObject* step(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  static PyObject* const out_name = PyUnicode_InternFromString("out");  // as callers' code has it
  return with_python_errors([&] {
    PyObject* x = count > 0 ? arguments[0] : nullptr;
    PyObject* out = nullptr;
    bool known = count <= 1;
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
      PyObject* name = PyTuple_GET_ITEM(names, i);
      if (name == out_name || PyUnicode_CompareWithASCIIString(name, "out") == 0)
        out = arguments[count + i];
      else if (!x && PyUnicode_CompareWithASCIIString(name, "x") == 0)
        x = arguments[count + i];
      else
        known = false;
    }
    if (!x || !known) throw py::type_error("step(x, *, out=None): expected one array, and out");
    return value_of<StreamHandle<T>>(self).step(x, out == Py_None ? nullptr : out);
  });
}

template <class T>
StreamHandle<T> new_stream(const NetworkHandle<T>& handle, Index batch_size,
                           const py::object& check, const py::object& held,
                           const py::object& lengths) {
  const HeldBatches<T> batches(Access::impl(handle.network).graph(), held, lengths);
  if (batches.list.empty()) return {handle.network.stream(batch_size), check};
  return {handle.network.stream(batch_size, batches.list), check};
}

template <class T>
void register_stream(py::module_& m, const std::string& suffix) {
  using S = StreamHandle<T>;
  py::class_<S> stream(m, ("Stream" + suffix).c_str(), py::is_final());
  stream
      .def(py::init(&new_stream<T>), py::arg("network"), py::arg("batch_size"), py::arg("check"),
           py::arg("held") = py::none(), py::arg("lengths") = py::none())
      .def_readonly("single", &S::single)
      // Which of the network's inputs and outputs are stepped.
      .def_property_readonly("inputs", [](S& s) { return s.idle().inputs(); })
      .def_property_readonly("outputs", [](S& s) { return s.idle().outputs(); })
      .def("step_all", &S::step_all, py::arg("x"))
      .def("reorder", &S::reorder, py::arg("rows"))
      .def("reset", [](S& s) { s.idle().run().reset(); })
      .def("state", &S::state)
      .def("set_state", &S::set_state, py::arg("layers"));
  static PyMethodDef method = {
      "step", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&step<T>)),
      METH_FASTCALL | METH_KEYWORDS, nullptr};
  auto* type = reinterpret_cast<PyTypeObject*>(stream.ptr());
  stream.attr("step") = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &method));
}

}  // namespace

void register_streams(py::module_& m) {
  register_stream<float>(m, "32");
  register_stream<double>(m, "64");
}

}  // namespace lstm_native::python
