// Methods without ceremony: plain C functions, for calls that take about as long as an ordinary
// one's way through pybind11.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "bindings/module.hpp"

namespace lstm_native::python {

namespace py = pybind11;

/// body(), a new reference; what it throws becomes Python's error.
template <class Body>
PyObject* with_python_errors(const Body& body) {
  try {
    return body();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::bad_alloc& error) {
    set_memory_error(error);
  } catch (const std::invalid_argument& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

/// They as a tuple.
template <class... Objects>
py::object tuple_of(Objects... objects) {
  py::tuple made(sizeof...(objects));
  Py_ssize_t i = 0;
  (PyTuple_SET_ITEM(made.ptr(), i++, py::object(std::move(objects)).release().ptr()), ...);
  return std::move(made);
}

/// The value behind `self`, whose type the method's descriptor has checked. Its class is final, so
/// that there is but one value.
template <class Handle>
Handle& value_of(PyObject* self) {
  auto place = reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder();
  auto* handle = place.template value_ptr<Handle>();
  if (!handle) throw py::type_error("this object was not initialised");
  return *handle;
}

/// So many arguments, none of them named.
template <Py_ssize_t Expected>
class Arguments {
 public:
  Arguments(PyObject* const* values, Py_ssize_t count) : values_(values) {
    if (count != Expected)
      throw py::type_error("expected " + std::to_string(Expected) + " arguments, got " +
                           std::to_string(count));
  }
  PyObject* operator[](std::size_t i) const { return values_[i]; }
  std::uint64_t number(std::size_t i) const {
    const unsigned long long value = PyLong_AsUnsignedLongLong(values_[i]);
    if (PyErr_Occurred()) throw py::error_already_set();
    return value;
  }

 private:
  PyObject* const* values_;
};

template <auto Method, class Handle, Py_ssize_t Expected>
PyObject* call_plain(PyObject* self, PyObject* const* values, Py_ssize_t count) {
  return with_python_errors([&] {
    const Arguments<Expected> arguments(values, count);
    return Method(value_of<Handle>(self), arguments).release().ptr();
  });
}

/// A method of a final class: py::object Method(Handle&, const Arguments<Expected>&).
template <auto Method, class Handle, Py_ssize_t Expected, class Class>
void add_plain_method(Class& of, const char* name) {
  static PyMethodDef method = {name,
                               reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(
                                   &call_plain<Method, Handle, Expected>)),
                               METH_FASTCALL, nullptr};
  auto* type = reinterpret_cast<PyTypeObject*>(of.ptr());
  of.attr(name) = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &method));
}

}  // namespace lstm_native::python
