#include <pybind11/stl.h>

#include <deque>
#include <tuple>

#include "bindings/batches.hpp"
#include "bindings/losses.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/trainer_handle.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/specs/optimizer_specs.hpp"
#include "core/training/trainer_impl.hpp"

namespace lstm_native::python {
namespace {

/// What step and evaluate have in common: checks the arrays, runs `call` without the GIL. Lists
/// have an entry for each input, loss or output; without lists there is one of each.
template <class T, class Call>
py::tuple run(const TrainerHandle<T>& handle, const py::object& x, const py::object& y,
              const py::object& weights, const py::object& rows, bool want_output,
              const py::object& lengths, const py::object& states, Index first_step, Index steps,
              double mean_weight, const Call& call) {
  const Trainer<T>& trainer = handle.trainer;
  const Graph<T>& graph = Access::impl(trainer.network()).graph();
  const std::vector<OutputLoss>& losses = trainer.losses();
  const bool as_list = py::isinstance<py::list>(x);
  const Batches<T> batches(graph, x, lengths);
  CarriedStates<T> carried(trainer.network(), states);
  const StepOptions<T> options{carried.get(), first_step, steps, mean_weight};
  const Index samples = batches.list[0].samples;
  graph.check_shapes(batches.list.data());
  const std::vector<OutputShape> shapes = graph.output_shapes(batches.timesteps());

  const std::vector<py::object> ys =
      as_list ? entries_of(y, losses.size()) : std::vector<py::object>{y};
  const std::vector<py::object> ws =
      as_list ? entries_of(weights, losses.size()) : std::vector<py::object>{weights};
  if (ys.size() != losses.size() || ws.size() != losses.size())
    throw InvalidArgument("y: expected " + std::to_string(losses.size()) +
                          " entries, one for each loss, and as many weights, got " +
                          std::to_string(ys.size()) + " and " + std::to_string(ws.size()));
  std::deque<TargetArrays<T>> arrays;
  std::vector<Targets<T>> targets;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const OutputShape& shape = shapes[static_cast<std::size_t>(losses[i].output)];
    arrays.emplace_back(target_shape(losses[i].loss, shape.features), samples, shape.timesteps,
                        ys[i], ws[i]);
    targets.push_back(arrays.back().targets);
  }
  Array<std::int64_t> indices;
  const Index* index_data = nullptr;
  Index count = samples;
  if (!rows.is_none()) {
    indices = borrow<std::int64_t>(rows, "rows");
    index_data = indices.data();
    count = indices.size();
  }
  py::object output = py::none();
  std::vector<T*> output_data;
  if (want_output) {
    std::vector<py::object> outputs;
    for (OutputShape shape : shapes) {
      if (first_step || steps) {  // which are checked in the core, before anything is written
        const Index left = std::max<Index>(shape.timesteps - first_step, 0);
        shape.timesteps = steps > 0 ? std::min(steps, left) : left;
      }
      auto array = new_array<T>(output_dimensions(count, shape));
      output_data.push_back(array.mutable_data());
      outputs.push_back(std::move(array));
    }
    output = one_or_list(std::move(outputs), as_list);
  }
  const StepResult r = handle.alone(
      [&] { return call(batches.list, targets, index_data, count, output_data, options); });
  py::list parts;
  for (const LossPart& part : r.parts) parts.append(py::make_tuple(part.loss, part.weight));
  return py::make_tuple(r.loss, r.weight, r.gradient_norm, r.finite, output, carried.result(),
                        parts);
}

template <class T>
TrainerHandle<T> new_trainer(const NetworkHandle<T>& network, const py::object& losses,
                             const std::string& optimizer) {
  std::vector<OutputLoss> list;
  if (!py::isinstance<py::list>(losses)) {
    list.push_back({0, loss_of(losses), 1.0});
  } else {
    for (const py::handle entry : losses) {
      const auto [output, loss, factor] = entry.cast<std::tuple<Index, py::object, double>>();
      list.push_back({output, loss_of(loss), factor});
    }
  }
  return {Trainer<T>(network.network, list, parse_optimizer(optimizer))};
}

template <class T>
void register_trainer(py::module_& m, const std::string& suffix) {
  using Tr = TrainerHandle<T>;
  py::class_<Tr>(m, ("Trainer" + suffix).c_str())
      .def(py::init(&new_trainer<T>), py::arg("network"), py::arg("loss"), py::arg("optimizer"))
      .def(
          "step",
          [](Tr& t, const py::object& x, const py::object& y, const py::object& weights,
             const py::object& rows, std::uint64_t seed, bool output, const py::object& lengths,
             const py::object& states, Index first_step, Index steps, double mean_weight) {
            return run(t, x, y, weights, rows, output, lengths, states, first_step, steps,
                       mean_weight,
                       [&](const auto& batches, const auto& targets, const Index* index,
                           Index count, const auto& out, const auto& options) {
                         return t.trainer.step(batches, targets, index, count, seed, out, options);
                       });
          },
          py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("rows"), py::arg("seed"),
          py::arg("output") = false, py::arg("lengths") = py::none(),
          py::arg("states") = py::none(), py::arg("first_step") = 0, py::arg("steps") = 0,
          py::arg("mean_weight") = 0.0)
      .def(
          "evaluate",
          [](Tr& t, const py::object& x, const py::object& y, const py::object& weights,
             const py::object& rows, bool output, const py::object& lengths,
             const py::object& states, Index first_step, Index steps) {
            return run(t, x, y, weights, rows, output, lengths, states, first_step, steps, 0.0,
                       [&](const auto&... a) { return t.trainer.evaluate(a...); });
          },
          py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("rows"),
          py::arg("output") = false, py::arg("lengths") = py::none(),
          py::arg("states") = py::none(), py::arg("first_step") = 0, py::arg("steps") = 0)
      .def("with_loss",
           [](const Tr& t, const py::object& loss) {
             const LossSpec spec = loss_of(loss);
             return Tr{t.alone([&] { return t.trainer.with_loss(spec); })};
           })
      .def("set_learning_rate",
           [](Tr& t, double rate) { t.alone([&] { t.trainer.set_learning_rate(rate); }); })
      .def_property_readonly("loss", [](const Tr& t) { return json_text(t.trainer.loss()); })
      .def_property_readonly(
          "losses",
          [](const Tr& t) {
            py::list list;
            for (const OutputLoss& one : t.trainer.losses())
              list.append(py::make_tuple(one.output, json_text(one.loss), one.factor));
            return list;
          })
      .def_property_readonly(
          "optimizer",
          [](const Tr& t) { return t.alone([&] { return json_text(t.trainer.optimizer()); }); })
      .def_property_readonly("iterations", [](const Tr& t) {
        return t.alone([&] { return t.trainer.iterations(); });
      });
}

}  // namespace

void register_trainers(py::module_& m) {
  register_trainer<float>(m, "32");
  register_trainer<double>(m, "64");
}

}  // namespace lstm_native::python
