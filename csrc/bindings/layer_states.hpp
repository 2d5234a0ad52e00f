// The states of a layer between arrays and pointers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/fast_arrays.hpp"
#include "core/base/finite.hpp"
#include "core/layers/sequence_layer.hpp"

namespace lstm_native::python {

template <class T>
std::vector<Index> state_dimensions(const SequenceLayer<T>& layer, Index tensor, Index samples) {
  const StateShape s = layer.state_shape();
  return {s.layers, samples, s.features(tensor)};
}

/// Pointers to the state arrays in `states` (a sequence of arrays, or None for zeros).
template <class T, std::size_t N>
void borrow_states(const py::object& states, const SequenceLayer<T>& layer, Index samples,
                   const char* name, const T* (&pointers)[N], std::vector<Array<T>>& owners) {
  if (states.is_none()) return;
  const auto list = py::cast<py::sequence>(states);
  const Index count = layer.state_shape().count;
  if (static_cast<Index>(list.size()) != count)
    throw InvalidArgument(std::string(name) + ": expected " + std::to_string(count) +
                          " arrays, got " + std::to_string(list.size()));
  for (std::size_t i = 0; i < list.size(); ++i) {
    owners.push_back(borrow<T>(list[i], name));
    pointers[i] =
        data_of(owners.back(), state_dimensions(layer, static_cast<Index>(i), samples), name);
  }
}

/// The same from plain arrays, in a tuple when there are several; false when it is none of these,
/// or does not fit.
template <class T, std::size_t N>
bool plain_states(PyObject* states, const SequenceLayer<T>& layer, Index samples,
                  const T* (&pointers)[N]) {
  if (states == Py_None) return true;
  const StateShape shape = layer.state_shape();
  const bool tuple = shape.count > 1;
  if (tuple && (!PyTuple_CheckExact(states) || PyTuple_GET_SIZE(states) != shape.count))
    return false;
  for (Index i = 0; i < shape.count; ++i) {
    PyObject* array = tuple ? PyTuple_GET_ITEM(states, i) : states;
    if (!is_plain<T>(array, {shape.layers, samples, shape.features(i)})) return false;
    pointers[i] = plain_data<T>(array);
    if (!all_finite(pointers[i], shape.size(i, samples))) return false;
  }
  return shape.count > 0;
}

/// New state arrays, as a tuple, and pointers to them.
template <class T, std::size_t N>
py::tuple new_states(const SequenceLayer<T>& layer, Index samples, T* (&pointers)[N]) {
  const StateShape shape = layer.state_shape();
  py::tuple states(static_cast<std::size_t>(shape.count));
  for (Index i = 0; i < shape.count; ++i) {
    py::object array = new_plain<T>({shape.layers, samples, shape.features(i)});
    pointers[i] = plain_data<T>(array.ptr());
    PyTuple_SET_ITEM(states.ptr(), i, array.release().ptr());
  }
  return states;
}

/// The state as the Python face shows it.
inline py::object public_state(py::tuple states) {
  if (states.empty()) return py::none();
  if (states.size() == 1) return states[0];
  return std::move(states);
}

}  // namespace lstm_native::python
