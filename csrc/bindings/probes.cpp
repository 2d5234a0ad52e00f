// The limits of this processor, for benchmarks to print beside their figures.
#include <pybind11/stl.h>

#include <chrono>
#include <utility>

#include "bindings/gil.hpp"
#include "bindings/module.hpp"
#include "core/aligned.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native::python {
namespace {

using Measured = std::pair<double, double>;  // operations or bytes, and the seconds they took

template <class Work>
Measured timed(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const ProbeResult<float> done = work();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  volatile float keep = done.sum;  // or the compiler would leave the work out
  (void)keep;
  return {done.amount, time.count()};
}

Measured probe_multiply_add(Index iterations) {
  if (iterations < 1) throw InvalidArgument("probe_multiply_add: expected iterations >= 1");
  return timed([&] { return kernels<float>().probe_multiply_add(iterations); });
}

Measured probe_read(Index buffer_bytes, Index repetitions) {
  if (buffer_bytes < 4096 || buffer_bytes > (Index(1) << 32) || repetitions < 1)
    throw InvalidArgument("probe_read: expected 4096 to 2^32 bytes and repetitions >= 1");
  const AlignedVector<float> values(static_cast<std::size_t>(buffer_bytes) / sizeof(float), 1.0f);
  const auto read = [&](Index times) {
    return kernels<float>().probe_read(values.data(), static_cast<Index>(values.size()), times);
  };
  timed([&] { return read(1); });  // brings the buffer into the level that can hold it
  return timed([&] { return read(repetitions); });
}

}  // namespace

void register_probes(py::module_& m) {
  // Nothing of Python is touched while they run.
  m.def("probe_multiply_add", &probe_multiply_add, py::arg("iterations"),
        py::call_guard<GilRelease>());
  m.def("probe_read", &probe_read, py::arg("buffer_bytes"), py::arg("repetitions"),
        py::call_guard<GilRelease>());
}

}  // namespace lstm_native::python
