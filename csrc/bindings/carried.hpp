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

/// What layers carry, one entry for each: None for a layer that begins with zeros each time, an
/// empty tuple for one that does so this time, else its tensors.
template <class T>
class CarriedStates {
 public:
  CarriedStates(const Network<T>& network, const py::object& given)
      : layers_(Access::impl(network).chain().layers()) {
    if (given.is_none()) return;
    entries_ = py::cast<py::list>(given);
    if (static_cast<std::size_t>(py::len(entries_)) != layers_.size())
      throw InvalidArgument("states: expected " + std::to_string(layers_.size()) +
                            " entries, one for each layer, got " +
                            std::to_string(py::len(entries_)));
    states_.emplace(network);
    for (std::size_t l = 0; l < layers_.size(); ++l)
      if (filled(l)) set(l, py::cast<py::tuple>(entries_[l]));
  }

  NetworkStates<T>* get() { return states_ ? &*states_ : nullptr; }

  /// How the layers ended, in the form they were given in; None when none were.
  py::object result() {
    if (!states_) return py::none();
    py::list out;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      if (py::object(entries_[l]).is_none() || !states_->batch_size()) {
        out.append(entries_[l]);
        continue;
      }
      const StateShape shape = layers_[l]->state_shape();
      py::tuple tensors(static_cast<std::size_t>(shape.count));
      for (Index i = 0; i < shape.count; ++i) {
        auto array = new_array<T>({shape.layers, states_->batch_size(), shape.features(i)});
        const std::vector<T>& values = Access::impl(*states_).now()[l].values[i];
        std::copy(values.begin(), values.end(), array.mutable_data());
        tensors[static_cast<std::size_t>(i)] = std::move(array);
      }
      out.append(std::move(tensors));
    }
    return std::move(out);
  }

 private:
  bool filled(std::size_t l) const {
    const py::object entry = entries_[l];
    return !entry.is_none() && py::len(entry) > 0;
  }

  void set(std::size_t l, const py::tuple& tensors) {
    const StateShape shape = layers_[l]->state_shape();
    const std::string name = "states of layer " + std::to_string(l);
    if (static_cast<Index>(tensors.size()) != shape.count)
      throw InvalidArgument(name + ": expected " + std::to_string(shape.count) + " arrays, got " +
                            std::to_string(tensors.size()));
    for (Index i = 0; i < shape.count; ++i) {
      const auto array = borrow<T>(tensors[static_cast<std::size_t>(i)], name.c_str());
      if (!states_->batch_size() && array.ndim() == 3) states_->reset(array.shape(1));
      const T* from =
          data_of(array, {shape.layers, states_->batch_size(), shape.features(i)}, name.c_str());
      std::vector<T>& to = Access::impl(*states_).now()[l].values[i];
      std::copy_n(from, to.size(), to.begin());
    }
  }

  const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers_;
  py::list entries_;
  std::optional<NetworkStates<T>> states_;
};

}  // namespace lstm_native::python
