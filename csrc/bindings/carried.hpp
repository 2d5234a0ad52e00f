// Lengths and carried states as Python hands them over.
#pragma once

#include <algorithm>
#include <optional>

#include "bindings/arrays.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"

namespace lstm_native::python {

/// The lengths of a batch, (N,) int64 or None. The array returned keeps them alive.
template <class T>
py::object lengths_of(const py::object& lengths, Batch<T>& batch) {
  if (lengths.is_none()) return py::none();
  const auto array = borrow<std::int64_t>(lengths, "lengths");
  batch.lengths = data_of(array, {batch.samples}, "lengths");
  return array;
}

/// What nodes carry, one entry for each: None for a node that begins with zeros each time, an empty
/// tuple for one that does so this time, else its tensors.
template <class T>
class CarriedStates {
 public:
  CarriedStates(const Network<T>& network, const py::object& given)
      : graph_(Access::impl(network).graph()) {
    if (given.is_none()) return;
    entries_ = py::cast<py::list>(given);
    if (static_cast<std::size_t>(py::len(entries_)) != graph_.steps().size())
      throw InvalidArgument("states: expected " + std::to_string(graph_.steps().size()) +
                            " entries, one for each layer, got " +
                            std::to_string(py::len(entries_)));
    states_.emplace(network);
    for (std::size_t n = 0; n < graph_.steps().size(); ++n)
      if (filled(n)) set(n, py::cast<py::tuple>(entries_[n]));
  }

  NetworkStates<T>* get() { return states_ ? &*states_ : nullptr; }

  /// How the nodes ended, in the form they were given in; None when none were.
  py::object result() {
    if (!states_) return py::none();
    py::list out;
    const GraphStates<T>& states = Access::impl(*states_);
    for (std::size_t n = 0; n < graph_.steps().size(); ++n) {
      if (py::object(entries_[n]).is_none() || !states_->batch_size()) {
        out.append(entries_[n]);
        continue;
      }
      const std::vector<std::size_t>& ports = states.ports(n);
      py::tuple tensors(ports.size());
      for (std::size_t i = 0; i < ports.size(); ++i) {
        auto array = new_array<T>(dimensions(n, ports[i]));
        const std::vector<T>& values = states.now()[n][ports[i]];
        std::copy(values.begin(), values.end(), array.mutable_data());
        tensors[i] = std::move(array);
      }
      out.append(std::move(tensors));
    }
    return std::move(out);
  }

 private:
  bool filled(std::size_t n) const {
    const py::object entry = entries_[n];
    return !entry.is_none() && py::len(entry) > 0;
  }

  std::vector<Index> dimensions(std::size_t n, std::size_t port) const {
    const Port& state = graph_.steps()[n].inputs[port];
    return {state.stacked, states_->batch_size(), state.features};
  }

  void set(std::size_t n, const py::tuple& tensors) {
    GraphStates<T>& states = Access::impl(*states_);
    const std::vector<std::size_t>& ports = states.ports(n);
    const std::string name = "states of " + graph_.steps()[n].label;
    if (tensors.size() != ports.size())
      throw InvalidArgument(name + ": expected " + std::to_string(ports.size()) + " arrays, got " +
                            std::to_string(tensors.size()));
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const auto array = borrow<T>(tensors[i], name.c_str());
      if (!states_->batch_size() && array.ndim() == 3) states_->reset(array.shape(1));
      const T* from = data_of(array, dimensions(n, ports[i]), name.c_str());
      std::vector<T>& to = states.now()[n][ports[i]];
      std::copy_n(from, to.size(), to.begin());
    }
  }

  const Graph<T>& graph_;
  py::list entries_;
  std::optional<NetworkStates<T>> states_;
};

}  // namespace lstm_native::python
