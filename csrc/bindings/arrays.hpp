// NumPy arrays at the boundary: each kind is named once, checked once.
//
// The Python face hands over C-contiguous arrays of the right dtype (lstm_native/_base/checks.py);
// what arrives here otherwise is a TypeError, never a silent copy.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "lstm_native/error.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native::python {

namespace py = pybind11;

template <class V>
using Array = py::array_t<V, py::array::c_style>;

/// Borrows `object` as a C-contiguous array of exactly this dtype.
template <class V>
Array<V> borrow(const py::handle& object, const char* name) {
  if (!Array<V>::check_(object))
    throw py::type_error(std::string(name) + ": expected a C-contiguous array of " +
                         py::str(py::dtype::of<V>()).cast<std::string>());
  return py::reinterpret_borrow<Array<V>>(object);
}

inline std::string shape_text(const std::vector<Index>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

inline std::vector<Index> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

/// The data of an array that must have this shape.
template <class V>
const V* data_of(const Array<V>& array, const std::vector<Index>& shape, const char* name) {
  if (shape_of(array) != shape)
    throw InvalidArgument(std::string(name) + ": expected shape " + shape_text(shape) + ", got " +
                          shape_text(shape_of(array)));
  return array.data();
}

template <class V>
Array<V> new_array(const std::vector<Index>& shape) {
  return Array<V>(std::vector<py::ssize_t>(shape.begin(), shape.end()));
}

/// A network's input and the arrays that keep it alive.
template <class T>
struct Input {
  Batch<T> batch;
  py::array owner;
};

/// (N, T, F) or (N, F) values; (N, T) or (N,) int64 tokens.
template <class T>
Input<T> input_of(const py::object& x, bool takes_tokens) {
  Input<T> input;
  Batch<T>& b = input.batch;
  const auto refuse = [](const char* expected, py::ssize_t ndim) {
    throw InvalidArgument(std::string("x: expected ") + expected + ", got " + std::to_string(ndim) +
                          " dimensions");
  };
  if (takes_tokens) {
    const auto array = borrow<std::int64_t>(x, "x");
    if (array.ndim() < 1 || array.ndim() > 2)
      refuse("tokens (samples, timesteps) or (samples,)", array.ndim());
    b.tokens = array.data();
    b.samples = array.shape(0);
    b.timesteps = array.ndim() == 2 ? array.shape(1) : 0;
    input.owner = array;
  } else {
    const auto array = borrow<T>(x, "x");
    if (array.ndim() < 2 || array.ndim() > 3)
      refuse("(samples, timesteps, features) or (samples, features)", array.ndim());
    b.values = array.data();
    b.samples = array.shape(0);
    b.timesteps = array.ndim() == 3 ? array.shape(1) : 0;
    b.features = array.shape(array.ndim() - 1);
    input.owner = array;
  }
  if (input.owner.size() == 0)
    throw InvalidArgument("x: expected at least one value, got shape " +
                          shape_text(shape_of(input.owner)));
  return input;
}

inline std::vector<Index> output_dimensions(Index samples, const OutputShape& shape) {
  if (shape.timesteps) return {samples, shape.timesteps, shape.features};
  return {samples, shape.features};
}

}  // namespace lstm_native::python
