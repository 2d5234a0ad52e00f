// Inputs of a network as Python hands them over: one array, or a list with one for each input.
#pragma once

#include <vector>

#include "bindings/carried.hpp"

namespace lstm_native::python {

/// The entries of a list; anything else is the only entry. None: as many times None as asked for.
inline std::vector<py::object> entries_of(const py::object& given, std::size_t count) {
  if (given.is_none()) return std::vector<py::object>(count, py::none());
  if (!py::isinstance<py::list>(given)) return {given};
  std::vector<py::object> list;
  for (const py::handle entry : given) list.push_back(py::reinterpret_borrow<py::object>(entry));
  return list;
}

/// One batch for each input, and the arrays that keep them alive.
template <class T>
struct Batches {
  std::vector<Batch<T>> list;
  std::vector<py::object> owners;

  Batches(const Graph<T>& graph, const py::object& x, const py::object& lengths) {
    const std::vector<py::object> arrays = entries_of(x, 0);
    const std::vector<py::object> ends = entries_of(lengths, graph.inputs());
    if (arrays.size() != graph.inputs() || ends.size() != graph.inputs())
      throw InvalidArgument("x: expected " + std::to_string(graph.inputs()) +
                            " arrays, one for each input, and as many lengths, got " +
                            std::to_string(arrays.size()) + " and " + std::to_string(ends.size()));
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      Input<T> input = input_of<T>(arrays[i], graph.takes_tokens(i));
      owners.push_back(lengths_of(ends[i], input.batch));
      owners.push_back(std::move(input.owner));
      list.push_back(input.batch);
    }
  }

  std::vector<Index> timesteps() const {
    std::vector<Index> steps;
    for (const Batch<T>& batch : list) steps.push_back(batch.timesteps);
    return steps;
  }
};

/// Inputs that are held: None, or for each input an array, or None where it is stepped; with their
/// lengths.
template <class T>
struct HeldBatches {
  std::vector<Batch<T>> list;  // none, or one for each input
  std::vector<py::object> owners;

  HeldBatches(const Graph<T>& graph, const py::object& held, const py::object& lengths) {
    if (held.is_none()) return;
    const std::vector<py::object> arrays = entries_of(held, 0);
    const std::vector<py::object> ends = entries_of(lengths, graph.inputs());
    if (arrays.size() != graph.inputs() || ends.size() != graph.inputs())
      throw InvalidArgument("held: expected an entry for each input");
    list.resize(graph.inputs());
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      if (arrays[i].is_none()) continue;
      Input<T> input = input_of<T>(arrays[i], graph.takes_tokens(i));
      owners.push_back(lengths_of(ends[i], input.batch));
      owners.push_back(std::move(input.owner));
      list[i] = input.batch;
    }
  }
};

/// The only one, or a list.
inline py::object one_or_list(std::vector<py::object> entries, bool as_list) {
  if (!as_list) return std::move(entries.front());
  py::list list;
  for (py::object& entry : entries) list.append(std::move(entry));
  return std::move(list);
}

}  // namespace lstm_native::python
