// Arrays without ceremony, for calls that take about as long as the checks of an ordinary one.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "lstm_native/types.hpp"

namespace lstm_native::python {

namespace py = pybind11;

using NumPy = py::detail::npy_api;

/// NumPy's own descriptor of V: arrays of this dtype nearly always share it.
template <class V>
PyObject* descriptor() {
  static PyObject* const found = py::dtype::of<V>().release().ptr();
  return found;
}

/// Whether `object` is a plain ndarray of V, aligned and C-contiguous, of this shape. False for
/// some arrays that fit as well: whoever asks has a slower way for those.
template <class V>
bool is_plain(PyObject* object, std::initializer_list<Index> shape) {
  if (Py_TYPE(object) != NumPy::get().PyArray_Type_) return false;
  const auto* array = py::detail::array_proxy(object);
  constexpr int wanted = NumPy::NPY_ARRAY_C_CONTIGUOUS_ | NumPy::NPY_ARRAY_ALIGNED_;
  return array->descr == descriptor<V>() && (array->flags & wanted) == wanted &&
         array->nd == static_cast<int>(shape.size()) &&
         std::equal(shape.begin(), shape.end(), array->dimensions);
}

template <class V>
V* plain_data(PyObject* array) {
  return reinterpret_cast<V*>(py::detail::array_proxy(array)->data);
}

inline bool is_aligned(PyObject* array) {
  return (py::detail::array_proxy(array)->flags & NumPy::NPY_ARRAY_ALIGNED_) != 0;
}

inline bool is_writeable(PyObject* array) {
  return (py::detail::array_proxy(array)->flags & NumPy::NPY_ARRAY_WRITEABLE_) != 0;
}

/// A new array, its values not set; null with Python's error set when there is no memory.
template <class V>
PyObject* new_plain(std::initializer_list<Index> shape) {
  static_assert(sizeof(Index) == sizeof(Py_intptr_t), "NumPy's dimensions");
  const NumPy& api = NumPy::get();
  PyObject* dtype = descriptor<V>();
  Py_INCREF(dtype);  // the call below takes it over
  return api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype, static_cast<int>(shape.size()),
                                   reinterpret_cast<const Py_intptr_t*>(shape.begin()), nullptr,
                                   nullptr, 0, nullptr);
}

}  // namespace lstm_native::python
