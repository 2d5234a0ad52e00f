// Means of a network's weights.
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "bindings/arrays.hpp"
#include "bindings/gil.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "lstm_native/weight_average.hpp"

namespace lstm_native::python {
namespace {

template <class T>
class AverageHandle {
 public:
  explicit AverageHandle(const NetworkHandle<T>& handle)
      : network_(handle.network), average_(handle.network) {}

  void add() {
    alone([&] { average_.add(); });
  }
  void add_exponential(double decay) {
    alone([&] { average_.add_exponential(decay); });
  }
  void copy_to(const NetworkHandle<T>& handle) {
    alone([&] { average_.copy_to(handle.network); });
  }
  Index count() {
    return alone([&] { return average_.count(); });
  }

  /// {name: mean}, as copies.
  py::dict state() {
    py::dict found;
    for (const TensorInfo& info : network_.parameters()) {
      const std::vector<T> values = alone([&] { return average_.get(info.name); });
      auto array = new_array<T>(info.shape);
      std::copy(values.begin(), values.end(), array.mutable_data());
      found[py::str(info.name)] = std::move(array);
    }
    return found;
  }

  /// Arrays in the order of the parameters.
  void set_state(Index count, const py::list& given) {
    const std::vector<TensorInfo> infos = network_.parameters();
    if (given.size() != infos.size())
      throw InvalidArgument("expected " + std::to_string(infos.size()) + " arrays, got " +
                            std::to_string(given.size()));
    std::vector<Array<T>> arrays;
    for (std::size_t i = 0; i < infos.size(); ++i) {
      arrays.push_back(borrow<T>(given[i], infos[i].name.c_str()));
      data_of(arrays.back(), infos[i].shape, infos[i].name.c_str());
    }
    alone([&] {
      average_.set_count(count);
      for (std::size_t i = 0; i < infos.size(); ++i)
        average_.set(infos[i].name, arrays[i].data(), infos[i].size());
    });
  }

 private:
  /// Runs body without the GIL, one at a time.
  template <class Body>
  auto alone(const Body& body) {
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(*one_at_a_time_);
    return body();
  }

  Network<T> network_;
  WeightAverage<T> average_;
  std::unique_ptr<std::mutex> one_at_a_time_ = std::make_unique<std::mutex>();
};

template <class T>
void register_average(py::module_& m, const char* name) {
  using Handle = AverageHandle<T>;
  py::class_<Handle, std::unique_ptr<Handle>>(m, name, py::is_final())
      .def(py::init<const NetworkHandle<T>&>(), py::arg("network"))
      .def("add", &Handle::add)
      .def("add_exponential", &Handle::add_exponential, py::arg("decay"))
      .def("copy_to", &Handle::copy_to, py::arg("network"))
      .def_property_readonly("count", &Handle::count)
      .def("state", &Handle::state)
      .def("set_state", &Handle::set_state, py::arg("count"), py::arg("tensors"));
}

}  // namespace

void register_weight_averages(py::module_& m) {
  register_average<float>(m, "WeightAverage32");
  register_average<double>(m, "WeightAverage64");
}

}  // namespace lstm_native::python
