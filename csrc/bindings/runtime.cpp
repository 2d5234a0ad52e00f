#include "lstm_native/runtime.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/fast_arrays.hpp"
#include "bindings/module.hpp"
#include "core/base/finite.hpp"
#include "core/base/random.hpp"

namespace lstm_native::python {

namespace {

/// lengths: None, or for values (N, T, ...) how many of the T of each sample count.
template <class T>
bool is_finite(const py::object& values, const py::object& lengths) {
  const auto array = borrow<T>(values, "values");
  const T* data = array.data();
  const Index count = array.size();
  if (lengths.is_none())
    return without_gil(static_cast<double>(count), [&] { return all_finite(data, count); });
  if (array.ndim() < 2) throw InvalidArgument("values: expected at least 2 dimensions");
  const auto owner = borrow<std::int64_t>(lengths, "lengths");
  const Index samples = array.shape(0), steps = array.shape(1);
  const Index* const ends = data_of(owner, {samples}, "lengths");
  const Index width = samples && steps ? count / samples / steps : 0;
  return without_gil(static_cast<double>(count),
                     [&] { return all_finite(data, ends, samples, steps, width); });
}

}  // namespace

void register_runtime(py::module_& m) {
  m.def("build_info", [] {
    const BuildInfo info = build_info();
    py::dict d;
    d["version"] = info.version;
    d["compiler"] = info.compiler;
    d["eigen"] = info.eigen;
    d["build_type"] = info.build_type;
    d["isas_compiled"] = info.isas_compiled;
    d["isas_available"] = info.isas_available;
    d["isa"] = info.isa;
    d["threads"] = info.threads;
    return d;
  });
  m.def("set_isa", &set_isa, py::arg("name"));
  m.def("set_num_threads", &set_num_threads, py::arg("threads"));
  m.def("get_num_threads", &num_threads);
  m.def(
      "all_finite",
      [](const py::object& values, const py::object& lengths) {
        return Array<float>::check_(values) ? is_finite<float>(values, lengths)
                                            : is_finite<double>(values, lengths);
      },
      py::arg("values"), py::arg("lengths") = py::none());
  m.def(
      "derive_seed",
      [](std::uint64_t seed, std::uint64_t index) { return derive_seed(seed, index); },
      py::arg("seed"), py::arg("index"));
}

}  // namespace lstm_native::python
