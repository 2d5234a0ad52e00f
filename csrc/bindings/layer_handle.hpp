// A layer as Python holds it.
#pragma once

#include <memory>
#include <string>

#include "bindings/arrays.hpp"
#include "core/layer.hpp"
#include "core/workspace_pool.hpp"

namespace lstm_native::python {

template <class T>
struct LayerHandle {
  std::shared_ptr<Layer<T>> layer;
  std::shared_ptr<WorkspacePool> workspaces = std::make_shared<WorkspacePool>();

  /// Without those that belong to another layer.
  std::vector<Parameter<T>*> own() const;
  py::dict parameters() const;
  /// All or nothing: names and shapes are checked before the first value is written.
  void set_parameters(const py::dict& values) const;
};

}  // namespace lstm_native::python
