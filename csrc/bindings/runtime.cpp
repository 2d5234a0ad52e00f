#include "lstm_native/runtime.hpp"

#include <pybind11/stl.h>

#include "bindings/module.hpp"
#include "core/random.hpp"

namespace lstm_native::python {

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
      "derive_seed",
      [](std::uint64_t seed, std::uint64_t index) { return derive_seed(seed, index); },
      py::arg("seed"), py::arg("index"));
}

}  // namespace lstm_native::python
