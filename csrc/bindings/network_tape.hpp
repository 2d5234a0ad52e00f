// A pass through a network, as Python holds it until it is led back.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/batches.hpp"
#include "bindings/gil.hpp"
#include "bindings/network_handle.hpp"
#include "core/base/float_mode.hpp"
#include "core/network/graph_pass.hpp"
#include "core/network/handles.hpp"
#include "core/network/network_impl.hpp"

namespace lstm_native::python {

/// Owns copies of the inputs and all that the pass wrote. Can lead back once.
template <class T>
class NetworkTape {
 public:
  /// Runs the network.
  NetworkTape(const Network<T>& network, const Batches<T>& inputs, std::uint64_t seed,
              bool training)
      : network_(network), graph_(Access::impl(network_).graph()), x_(inputs.list) {
    graph_.check_inputs(x_.data());
    Access::impl(network_).output_shapes(x_.data());
    version_ = graph_.version();
    const GilRelease release;
    const FloatMode mode;
    for (Batch<T>& batch : x_) {
      const Index rows = rows_of(batch.samples, batch.timesteps);
      batch.values = kept(batch.values, rows * batch.features);
      batch.tokens = kept(batch.tokens, rows);
      batch.lengths = kept(batch.lengths, batch.samples);
    }
    found_.resize(graph_.outputs());
    const std::vector<T*> nowhere(found_.size(), nullptr);
    std::vector<std::function<void()>> after;
    Pass pass{workspace_, /*remember=*/true, training, seed};
    pass.when_taken = &after;
    tape_ = run_graph(graph_, x_.data(), nowhere.data(), found_.data(), pass);
    for (const auto& change : after) change();
  }
  NetworkTape(const NetworkTape&) = delete;
  NetworkTape& operator=(const NetworkTape&) = delete;

  py::list outputs() const {
    py::list list;
    for (const Batch<T>& answer : found_) {
      auto array = new_array<T>(dimensions(answer));
      std::copy_n(answer.values, array.size(), array.mutable_data());
      list.append(std::move(array));
    }
    return list;
  }

  /// Of each output, None where all its steps are true.
  py::list lengths() const {
    py::list list;
    for (const Batch<T>& answer : found_)
      if (answer.lengths && tape_)
        list.append(py::array_t<Index>(answer.samples, answer.lengths));
      else
        list.append(py::none());
    return list;
  }

  /// dy: a list with an array for each output, or None. Returns (dx, {name: gradient}).
  py::tuple backward(const py::list& dy) {
    if (!tape_)
      throw std::runtime_error("this tape was already used: call forward again for a new one");
    if (version_ != graph_.version())
      throw std::runtime_error(
          "the layer's weights have changed since forward: call forward again");
    if (dy.size() != found_.size())
      throw InvalidArgument("dy: expected " + std::to_string(found_.size()) + " arrays, got " +
                            std::to_string(dy.size()));
    std::vector<const T*> of_outputs;
    for (std::size_t k = 0; k < found_.size(); ++k) {
      const py::object entry = dy[k];
      of_outputs.push_back(nullptr);
      if (!entry.is_none())
        of_outputs.back() = data_of(borrow<T>(entry, "dy"), dimensions(found_[k]), "dy");
    }
    py::list dx;
    std::vector<T*> of_inputs;
    for (const Batch<T>& batch : x_) {
      of_inputs.push_back(nullptr);
      if (batch.tokens) {
        dx.append(py::none());
        continue;
      }
      auto array = new_array<T>(dimensions(batch));
      of_inputs.back() = array.mutable_data();
      dx.append(std::move(array));
    }
    py::dict gradients;
    std::vector<T*> of_parameters;
    for (const auto& [name, p] : Access::impl(network_).parameters()) {
      of_parameters.push_back(nullptr);
      if (!p->trained) continue;
      auto array = new_array<T>(p->info.shape);
      of_parameters.back() = array.mutable_data();
      std::fill_n(of_parameters.back(), p->info.size(), T(0));
      gradients[py::str(name)] = std::move(array);
    }
    // Used, even when it fails. The arrays above may have let another thread of Python in here.
    const std::unique_ptr<GraphTape<T>> once = std::move(tape_);
    if (!once) throw std::runtime_error("this tape was used meanwhile by another thread");
    {
      const GilRelease release;
      const FloatMode mode;
      once->backward(of_outputs.data(), of_inputs.data(), of_parameters.data(), workspace_);
    }
    return py::make_tuple(std::move(dx), std::move(gradients));
  }

 private:
  static std::vector<Index> dimensions(const Batch<T>& batch) {
    return output_dimensions(batch.samples, {batch.timesteps, batch.features});
  }

  template <class V>
  const V* kept(const V* from, Index count) {
    if (!from) return nullptr;
    V* to = workspace_.template take<V>(count);
    std::copy_n(from, count, to);
    return to;
  }

  Network<T> network_;  // kept alive
  const Graph<T>& graph_;
  std::vector<Batch<T>> x_, found_;  // in the workspace
  Workspace workspace_;
  std::unique_ptr<GraphTape<T>> tape_;
  Index version_ = 0;  // of the weights
};

/// (outputs, tape) of a pass that is remembered.
template <class T>
py::tuple forward_all(const NetworkHandle<T>& handle, const py::object& x,
                      const py::object& lengths, std::uint64_t seed, bool training) {
  const Batches<T> batches(Access::impl(handle.network).graph(), x, lengths);
  auto tape = std::make_unique<NetworkTape<T>>(handle.network, batches, seed, training);
  py::list outputs = tape->outputs();
  return py::make_tuple(std::move(outputs), py::cast(std::move(tape)));
}

template <class T>
void register_network_tape(py::module_& m, const std::string& suffix) {
  py::class_<NetworkTape<T>>(m, ("NetworkTape" + suffix).c_str(), py::is_final())
      .def_property_readonly("lengths", &NetworkTape<T>::lengths)
      .def("backward", &NetworkTape<T>::backward, py::arg("dy"));
}

}  // namespace lstm_native::python
