// Losses and their targets as Python hands them over.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "bindings/arrays.hpp"
#include "lstm_native/losses.hpp"

namespace lstm_native::python {

/// A loss from its JSON, or from (JSON, function): see `Loss._native` in lstm_native/losses.
LossSpec loss_of(const py::object& given);

/// Targets, and the arrays that keep them alive.
template <class T>
class TargetArrays {
 public:
  /// y: values or int64 labels of the output's rows (samples, or samples x timesteps) as the loss
  /// wants them, or None where it wants none. Labels with steps of their own are samples x steps:
  /// (labels, lengths), or labels alone that end at the first negative.
  TargetArrays(const TargetShape& wanted, Index samples, Index timesteps, const py::object& y,
               const py::object& weights) {
    std::vector<Index> rows{samples};
    if (timesteps && !wanted.own_steps) rows.push_back(timesteps);
    if (wanted.own_steps) {
      take_sequences(samples, y);
    } else if (wanted.labels && !Array<T>::check_(y)) {  // else soft labels
      const auto labels = borrow<std::int64_t>(y, "y");
      targets.labels = data_of(labels, rows, "y");
      owners_[0] = labels;
    } else if (wanted.features) {
      const auto values = borrow<T>(y, "y");
      std::vector<Index> shape = rows;
      shape.push_back(wanted.features);
      targets.values = data_of(values, shape, "y");
      owners_[0] = values;
    }
    if (weights.is_none()) return;
    const auto array = borrow<T>(weights, "weights");
    targets.weights = data_of(array, rows, "weights");
    owners_[1] = array;
  }

  TargetArrays(TargetArrays&&) noexcept = default;  // keeps where lengths_ lies

  Targets<T> targets;

 private:
  void take_sequences(Index samples, const py::object& y) {
    const bool both = py::isinstance<py::tuple>(y);
    const auto labels = borrow<std::int64_t>(both ? py::object(y[py::int_(0)]) : y, "y");
    const Index steps = labels.ndim() == 2 ? labels.shape(1) : 0;
    targets.labels = data_of(labels, {samples, steps}, "y");
    targets.timesteps = steps;
    owners_[0] = labels;
    if (both) {
      const auto lengths = borrow<std::int64_t>(y[py::int_(1)], "lengths of y");
      targets.lengths = data_of(lengths, {samples}, "lengths of y");
      owners_[2] = lengths;
      return;
    }
    for (Index i = 0; i < samples; ++i) {
      Index length = 0;
      while (length < steps && targets.labels[i * steps + length] >= 0) ++length;
      lengths_.push_back(length);
    }
    targets.lengths = lengths_.data();
  }

  py::object owners_[3];
  std::vector<Index> lengths_;
};

}  // namespace lstm_native::python
