#include "bindings/module.hpp"

#include <new>
#include <system_error>

#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native::python {
namespace {

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const FileError& e) {
    // OSError picks the subclass (FileNotFoundError, ...) from the number.
    const std::string reason =
        std::generic_category().message(e.error_number()) + " (" + e.failed() + ")";
    const auto path = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(
        e.path().size() > 4096 ? (e.path().substr(0, 400) + "...").c_str() : e.path().c_str()));
    const py::tuple arguments = py::make_tuple(e.error_number(), reason, path);
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
  } catch (const std::bad_alloc& e) {
    set_memory_error(e);
  }
}

}  // namespace

void set_memory_error(const std::bad_alloc& error) {
  const bool says_enough = dynamic_cast<const OutOfMemory*>(&error) != nullptr;
  PyErr_SetString(PyExc_MemoryError, says_enough
                                         ? error.what()
                                         : "not enough memory in the native core of lstm_native");
}

}  // namespace lstm_native::python

PYBIND11_MODULE(_core_of_main_interpreter, m) {
  m.doc() = "The native core of lstm_native. Its Python face is the package itself.";
  m.attr("__version__") = lstm_native::version();
  pybind11::register_exception_translator(&lstm_native::python::translate);
  lstm_native::python::register_runtime(m);
  lstm_native::python::register_layers(m);
  lstm_native::python::register_losses(m);
  lstm_native::python::register_networks(m);
  lstm_native::python::register_trainers(m);
  lstm_native::python::register_model_files(m);
  lstm_native::python::register_optimizers(m);
  lstm_native::python::register_probes(m);
  lstm_native::python::register_streams(m);
  lstm_native::python::register_decoding(m);
  lstm_native::python::register_weight_averages(m);
}

/// What Python calls. Before 3.12 it lets any module into subinterpreters, where pybind11 would
/// wait for ever for the interpreter's lock.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError,
                    "lstm_native runs in the main interpreter alone, not in a subinterpreter: use "
                    "processes, or threads of the main interpreter");
    return nullptr;
  }
  return PyInit__core_of_main_interpreter();
}
