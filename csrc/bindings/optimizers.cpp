// Optimisers over arrays, for training loops that are written in Python.
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "bindings/arrays.hpp"
#include "bindings/gil.hpp"
#include "bindings/module.hpp"
#include "core/base/float_mode.hpp"
#include "core/training/optimizer.hpp"
#include "core/training/optimizer_specs.hpp"

namespace lstm_native::python {
namespace {

using Shapes = std::vector<std::pair<std::string, std::vector<Index>>>;

/// An optimiser with its state for parameters of these names and shapes. Their values are the
/// caller's: they are brought to each update.
template <class T>
class OptimizerHandle {
 public:
  OptimizerHandle(const std::string& settings, const Shapes& parameters)
      : parameters_(make(parameters)), optimizer_(parse_optimizer(settings), named(parameters_)) {
    for (const Parameter<T>& p : parameters_) gradients_.emplace_back(p.value.size());
  }

  /// Changes the arrays in place. (norm of the gradients, whether anything was done): an update
  /// that would leave numbers that are none is not made; one that is found too late to have left
  /// some leaves the arrays as they are and forgets the state, as a Trainer does.
  std::pair<double, bool> update(double learning_rate, const py::list& values,
                                 const py::list& gradients) {
    const auto into = borrowed(values, "parameter");
    const auto from = borrowed(gradients, "gradient of");
    std::vector<T*> targets;  // with the GIL: throws for an array that cannot be written to
    for (py::array array : into) targets.push_back(static_cast<T*>(array.mutable_data()));
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(*one_at_a_time_);
    const FloatMode mode;
    std::vector<T*> pointers;
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
      std::copy_n(from[i].data(), gradients_[i].size(), gradients_[i].begin());
      pointers.push_back(gradients_[i].data());
    }
    const double norm = optimizer_.norm_of(pointers.data());
    if (!optimizer_.can_take(norm)) return {norm, false};
    for (std::size_t i = 0; i < targets.size(); ++i)
      std::copy_n(targets[i], parameters_[i].value.size(), parameters_[i].value.begin());
    optimizer_.set_learning_rate(learning_rate);
    if (!optimizer_.update(pointers.data(), norm)) return {norm, false};
    for (std::size_t i = 0; i < targets.size(); ++i)
      std::copy(parameters_[i].value.begin(), parameters_[i].value.end(), targets[i]);
    return {norm, true};
  }

  /// (number of updates, the tensors of the state), as copies.
  py::tuple state() {
    const auto slots = optimizer_.slots();
    std::vector<std::vector<T>> values;
    Index iterations = 0;
    {
      // Whoever holds the lock needs no GIL: what Python does meanwhile may ask for the state too.
      const GilRelease release;
      const std::lock_guard<std::mutex> lock(*one_at_a_time_);
      for (const auto& slot : slots) values.push_back(*slot.values);
      iterations = optimizer_.iterations();
    }
    py::list tensors;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      auto array = new_array<T>(slots[i].parameter->info.shape);
      std::copy(values[i].begin(), values[i].end(), array.mutable_data());
      tensors.append(std::move(array));
    }
    return py::make_tuple(iterations, std::move(tensors));
  }

  void set_state(Index iterations, const py::list& tensors) {
    const auto slots = optimizer_.slots();
    if (tensors.size() != slots.size())
      throw InvalidArgument("state: expected " + std::to_string(slots.size()) + " tensors");
    std::vector<Array<T>> arrays;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      arrays.push_back(borrow<T>(tensors[i], slots[i].name.c_str()));
      data_of(arrays.back(), slots[i].parameter->info.shape, slots[i].name.c_str());
    }
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(*one_at_a_time_);
    optimizer_.set_iterations(iterations);
    for (std::size_t i = 0; i < slots.size(); ++i)
      std::copy_n(arrays[i].data(), slots[i].values->size(), slots[i].values->begin());
  }

 private:
  static std::vector<Parameter<T>> make(const Shapes& shapes) {
    std::vector<Parameter<T>> made;
    for (const auto& [name, shape] : shapes) made.push_back(make_parameter<T>(name, shape));
    return made;
  }

  static std::vector<std::pair<std::string, Parameter<T>*>> named(std::vector<Parameter<T>>& all) {
    std::vector<std::pair<std::string, Parameter<T>*>> list;
    for (Parameter<T>& p : all) list.emplace_back(p.info.name, &p);
    return list;
  }

  /// One array for each parameter, in their order, kept alive by what is returned.
  std::vector<Array<T>> borrowed(const py::list& given, const char* what) const {
    if (given.size() != parameters_.size())
      throw InvalidArgument("expected " + std::to_string(parameters_.size()) + " arrays, got " +
                            std::to_string(given.size()));
    std::vector<Array<T>> arrays;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const std::string name = what + (" '" + parameters_[i].info.name + "'");
      arrays.push_back(borrow<T>(given[i], name.c_str()));
      data_of(arrays.back(), parameters_[i].info.shape, name.c_str());
    }
    return arrays;
  }

  std::vector<Parameter<T>> parameters_;  // the optimiser points into it
  Optimizer<T> optimizer_;
  std::vector<std::vector<T>> gradients_;
  std::unique_ptr<std::mutex> one_at_a_time_ = std::make_unique<std::mutex>();
};

template <class T>
void register_optimizer(py::module_& m, const char* name) {
  using Handle = OptimizerHandle<T>;
  py::class_<Handle, std::unique_ptr<Handle>>(m, name, py::is_final())
      .def(py::init<const std::string&, const Shapes&>(), py::arg("settings"),
           py::arg("parameters"))
      .def("update", &Handle::update, py::arg("learning_rate"), py::arg("values"),
           py::arg("gradients"))
      .def("state", &Handle::state)
      .def("set_state", &Handle::set_state, py::arg("iterations"), py::arg("tensors"));
}

}  // namespace

void register_optimizers(py::module_& m) {
  register_optimizer<float>(m, "Optimizer32");
  register_optimizer<double>(m, "Optimizer64");
}

}  // namespace lstm_native::python
