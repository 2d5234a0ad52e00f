// The parts of the module, one file each.
#pragma once

#include <pybind11/pybind11.h>

#include <new>

namespace lstm_native::python {

namespace py = pybind11;

/// Sets Python's MemoryError.
void set_memory_error(const std::bad_alloc& error);

void register_runtime(py::module_& m);
void register_layers(py::module_& m);
void register_losses(py::module_& m);
void register_networks(py::module_& m);
void register_trainers(py::module_& m);
void register_model_files(py::module_& m);
void register_optimizers(py::module_& m);
void register_probes(py::module_& m);
// After the networks, which their signatures name:
void register_streams(py::module_& m);
void register_decoding(py::module_& m);
void register_weight_averages(py::module_& m);

}  // namespace lstm_native::python
