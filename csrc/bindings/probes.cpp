// The limits of this processor, for benchmarks to print beside their figures.
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "bindings/gil.hpp"
#include "bindings/module.hpp"
#include "core/base/aligned.hpp"
#include "core/recurrent/partition.hpp"
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

/// How a float32 LSTM's step would be cut for so many threads, and how much faster the model takes
/// it to be than one.
std::tuple<Index, Index, double> plan_step(Index threads, Index samples, Index inputs,
                                           Index hidden_size) {
  if (threads < 1 || samples < 1 || inputs < 1 || hidden_size < 1)
    throw InvalidArgument("plan_step: expected numbers >= 1");
  const Index multiple = std::max(4 * kernels<float>().lanes, kGateBlock<float>);
  const StepSize size{samples, inputs, hidden_size, 4, Index{sizeof(float)}, multiple};
  const Partition grid = choose_partition(threads, size);
  return {grid.row_parts, grid.unit_parts, modelled_step(size, {}) / modelled_step(size, grid)};
}

}  // namespace

void register_probes(py::module_& m) {
  // Nothing of Python is touched while they run.
  m.def("probe_multiply_add", &probe_multiply_add, py::arg("iterations"),
        py::call_guard<GilRelease>());
  m.def("probe_read", &probe_read, py::arg("buffer_bytes"), py::arg("repetitions"),
        py::call_guard<GilRelease>());
  m.def("plan_step", &plan_step, py::arg("threads"), py::arg("samples"), py::arg("inputs"),
        py::arg("hidden_size"));
}

}  // namespace lstm_native::python
