// Arrays without ceremony, for calls that take about as long as the checks of an ordinary one.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "bindings/gil.hpp"
#include "core/layers/sequence_layer.hpp"
#include "core/network/layer_factory.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native::python {

namespace py = pybind11;

using NumPy = py::detail::npy_api;

/// NumPy's own descriptor of V: arrays of this dtype nearly always share it.
template <class V>
PyObject* descriptor() {
  static PyObject* const found = py::dtype::of<V>().release().ptr();
  return found;
}

/// `object` as a plain ndarray of V, aligned and C-contiguous, else null. Null for some arrays that
/// fit as well: whoever asks has a slower way for those.
template <class V>
const py::detail::PyArray_Proxy* plain(PyObject* object) {
  if (Py_TYPE(object) != NumPy::get().PyArray_Type_) return nullptr;
  const auto* array = py::detail::array_proxy(object);
  constexpr int wanted = NumPy::NPY_ARRAY_C_CONTIGUOUS_ | NumPy::NPY_ARRAY_ALIGNED_;
  if (array->descr != descriptor<V>() || (array->flags & wanted) != wanted) return nullptr;
  return array;
}

/// Sizes of up to three axes, without an allocation.
struct Shape {
  int count = 0;
  Index sizes[3] = {};

  Shape(std::initializer_list<Index> list) {
    for (const Index size : list) sizes[count++] = size;
  }
  /// Of samples; the time axis is left out when it has no steps.
  static Shape of_rows(Index samples, Index timesteps, Index features) {
    if (timesteps) return {samples, timesteps, features};
    return {samples, features};
  }
  Index size() const {
    Index product = 1;
    for (int i = 0; i < count; ++i) product *= sizes[i];
    return product;
  }
};

/// Whether `object` is plain and of this shape.
template <class V>
bool is_plain(PyObject* object, const Shape& shape) {
  const auto* array = plain<V>(object);
  return array && array->nd == shape.count &&
         std::equal(shape.sizes, shape.sizes + shape.count, array->dimensions);
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

/// A new array, its values not set. Throws MemoryError.
template <class V>
py::object new_plain(const Shape& shape) {
  static_assert(sizeof(Index) == sizeof(Py_intptr_t), "NumPy's dimensions");
  const NumPy& api = NumPy::get();
  PyObject* dtype = descriptor<V>();
  Py_INCREF(dtype);  // the call below takes it over
  auto array = py::reinterpret_steal<py::object>(api.PyArray_NewFromDescr_(
      api.PyArray_Type_, dtype, shape.count, reinterpret_cast<const Py_intptr_t*>(shape.sizes),
      nullptr, nullptr, 0, nullptr));
  if (!array) throw py::error_already_set();
  return array;
}

/// Releases the GIL around work of so many multiply-adds, unless the release would cost more than
/// other threads could gain.
template <class Work>
auto without_gil(double multiply_adds, const Work& work) {
  constexpr double kLarge = 2.5e5;
  if (multiply_adds < kLarge) return work();
  const GilRelease release;
  return work();
}

/// A batch from a plain array that fits, as `check` says by an InvalidArgument; false when x is
/// none, or has another shape or range. Values may still be NaN or infinite.
template <class T, class Check>
bool plain_batch(PyObject* x, bool tokens, Batch<T>& batch, const Check& check) {
  const auto* array = tokens ? plain<std::int64_t>(x) : plain<T>(x);
  const int axes = tokens ? 1 : 2;  // without time
  if (!array || array->nd < axes || array->nd > axes + 1) return false;
  const Py_intptr_t* sizes = array->dimensions;
  batch.samples = sizes[0];
  batch.timesteps = array->nd > axes ? sizes[1] : 0;
  if (batch.samples == 0 || (array->nd > axes && batch.timesteps == 0)) return false;
  if (tokens) {
    batch.tokens = plain_data<std::int64_t>(x);
  } else {
    batch.values = plain_data<T>(x);
    batch.features = sizes[axes == array->nd ? 1 : 2];
  }
  try {
    check(batch);
  } catch (const InvalidArgument&) {
    return false;  // the slower way says what is wrong
  }
  return true;
}

/// The lengths of a batch's sequences, from None or a plain array that fits; false as above. What
/// is found is copied to `kept`; where all are whole there is nothing to keep.
template <class T>
bool plain_lengths(PyObject* lengths, const SequenceLayer<T>& layer, Batch<T>& batch,
                   std::vector<Index>& kept) {
  if (lengths == Py_None) return true;
  if (batch.timesteps == 0 || layer.lengths_use() == LengthsUse::refused ||
      !is_plain<std::int64_t>(lengths, {batch.samples}))
    return false;
  const std::int64_t* from = plain_data<std::int64_t>(lengths);
  kept.assign(from, from + batch.samples);
  const auto [least, most] = std::minmax_element(kept.begin(), kept.end());
  if (*least < 0 || *most > batch.timesteps) return false;
  if (*least < batch.timesteps) batch.lengths = kept.data();
  return true;
}

}  // namespace lstm_native::python
