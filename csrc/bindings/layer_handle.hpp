// A layer as Python holds it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "core/base/workspace_pool.hpp"
#include "core/layers/sequence_layer.hpp"

namespace lstm_native::python {

template <class T>
struct LayerHandle {
  std::shared_ptr<Layer<T>> layer;
  std::shared_ptr<SequenceLayer<T>> sequence;  // the same, where it is one
  double weights = 0;                          // multiply-adds for each row, about
  std::shared_ptr<WorkspacePool> workspaces = std::make_shared<WorkspacePool>();

  explicit LayerHandle(std::shared_ptr<Layer<T>> made)
      : layer(std::move(made)), sequence(std::dynamic_pointer_cast<SequenceLayer<T>>(layer)) {
    if (layer->inputs().front().kind == Port::Kind::tokens) return;
    for (const Parameter<T>* p : layer->parameters())
      weights += static_cast<double>(p->value.size());
  }

  /// Throws InvalidArgument for a layer of several inputs.
  SequenceLayer<T>& one() const {
    if (!sequence) throw InvalidArgument("this layer has several inputs");
    return *sequence;
  }

  /// Without those that belong to another layer.
  std::vector<Parameter<T>*> own() const;
  py::dict parameters() const;
  /// All or nothing: names and shapes are checked before the first value is written.
  void set_parameters(const py::dict& values) const;
  /// Addresses of those whose names begin so.
  std::vector<const void*> parameters_of(const std::vector<std::string>& prefixes) const;
  /// Whether `values` are the parameters, bit for bit, in plain arrays.
  bool holds(const py::dict& values) const;
};

}  // namespace lstm_native::python
