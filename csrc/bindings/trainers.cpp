#include <pybind11/stl.h>

#include <deque>
#include <tuple>

#include "bindings/batches.hpp"
#include "bindings/losses.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/trainer_handle.hpp"
#include "core/network/handles.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/training/optimizer_specs.hpp"
#include "core/training/trainer_impl.hpp"

namespace lstm_native::python {
namespace {

/// Where the gradients of the inputs go: arrays of their shapes, or None for those not wanted.
template <class T>
std::vector<T*> gradient_pointers(const py::object& arrays, const std::vector<Batch<T>>& x) {
  if (arrays.is_none()) return {};
  std::vector<T*> pointers;
  for (const py::object& entry : entries_of(arrays, x.size())) {
    const Batch<T>& batch = x.at(pointers.size());
    pointers.push_back(nullptr);
    if (entry.is_none()) continue;
    auto array = borrow<T>(entry, "input_gradients");
    data_of(array, output_dimensions(batch.samples, {batch.timesteps, batch.features}),
            "input_gradients");
    pointers.back() = array.mutable_data();
  }
  if (pointers.size() != x.size())
    throw InvalidArgument("input_gradients: expected one for each input");
  return pointers;
}

/// What step and evaluate have in common: checks the arrays, runs `call` without the GIL. Lists
/// have an entry for each input, loss or output; without lists there is one of each.
template <class T, class Call>
py::tuple run(const TrainerHandle<T>& handle, const py::object& x, const py::object& y,
              const py::object& weights, const py::object& rows, bool want_output,
              const py::object& lengths, const py::object& states, Index first_step, Index steps,
              double mean_weight, const py::object& input_gradients, const Call& call) {
  const Trainer<T>& trainer = handle.trainer;
  const Graph<T>& graph = Access::impl(trainer.network()).graph();
  const std::vector<OutputLoss>& losses = trainer.losses();
  const bool as_list = py::isinstance<py::list>(x);
  const Batches<T> batches(graph, x, lengths);
  CarriedStates<T> carried(trainer.network(), states);
  StepOptions<T> options{carried.get(), first_step, steps, mean_weight};
  const std::vector<T*> dx = gradient_pointers<T>(input_gradients, batches.list);
  if (!dx.empty()) options.input_gradients = dx.data();
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
  for (std::size_t i = 0; i < r.parts.size(); ++i)
    parts.append(py::make_tuple(r.parts[i].loss, r.parts[i].weight, losses[i].factor));
  return py::make_tuple(r.loss, r.weight, r.gradient_norm, r.finite, output, carried.result(),
                        py::make_tuple(parts, r.penalty));
}

/// A loss of the only output, or a list of (output, loss, factor).
std::vector<OutputLoss> losses_of(const py::object& given) {
  if (!py::isinstance<py::list>(given)) return {{0, loss_of(given), 1.0}};
  std::vector<OutputLoss> list;
  for (const py::handle entry : given) {
    const auto [output, loss, factor] = entry.cast<std::tuple<Index, py::object, double>>();
    list.push_back({output, loss_of(loss), factor});
  }
  return list;
}

template <class T>
TrainerHandle<T> new_trainer(const NetworkHandle<T>& network, const py::object& losses,
                             const std::string& optimizer) {
  return {Trainer<T>(network.network, losses_of(losses), parse_optimizer(optimizer))};
}

/// {name: gradient} of all parameters, as `apply` would use them.
template <class T>
py::dict gradients_of(const TrainerHandle<T>& t) {
  py::dict found;
  for (const TensorInfo& info : t.trainer.network().parameters()) {
    auto array = new_array<T>(info.shape);
    const std::vector<T> values = t.alone([&] { return t.trainer.get_gradient(info.name); });
    std::copy(values.begin(), values.end(), array.mutable_data());
    found[py::str(info.name)] = std::move(array);
  }
  return found;
}

/// Checks all arrays, one for each parameter in their order, and then makes one update from them.
template <class T>
std::pair<double, bool> apply_gradients(TrainerHandle<T>& t, const py::list& gradients) {
  const std::vector<TensorInfo> infos = t.trainer.network().parameters();
  if (gradients.size() != infos.size())
    throw InvalidArgument("gradients: expected " + std::to_string(infos.size()) + ", got " +
                          std::to_string(gradients.size()));
  std::vector<Array<T>> arrays;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    arrays.push_back(borrow<T>(gradients[i], infos[i].name.c_str()));
    data_of(arrays.back(), infos[i].shape, infos[i].name.c_str());
  }
  const StepResult result = t.alone([&] {
    t.trainer.forget_gradients();
    for (std::size_t i = 0; i < infos.size(); ++i)
      t.trainer.set_gradient(infos[i].name, arrays[i].data(), infos[i].size());
    return t.trainer.apply();
  });
  return {result.gradient_norm, result.finite};
}

/// What has to do with gradients and rates beside a step.
template <class T>
void add_gradients(py::class_<TrainerHandle<T>>& trainer) {
  using Tr = TrainerHandle<T>;
  trainer
      .def_property_readonly(
          "accumulated",
          [](const Tr& t) { return t.alone([&] { return t.trainer.accumulated(); }); })
      .def("forget_gradients", [](Tr& t) { t.alone([&] { t.trainer.forget_gradients(); }); })
      .def("gradients", &gradients_of<T>)
      .def("apply_gradients", &apply_gradients<T>, py::arg("gradients"))
      .def("apply",
           [](Tr& t) {
             const StepResult r = t.alone([&] { return t.trainer.apply(); });
             return py::make_tuple(r.loss, r.weight, r.gradient_norm, r.finite);
           })
      .def(
          "set_rate_factor",
          [](Tr& t, const std::string& name, double factor) {
            t.alone([&] { t.trainer.set_rate_factor(name, factor); });
          },
          py::arg("name"), py::arg("factor"))
      .def_property_readonly("parameter_names",
                             [](const Tr& t) {
                               std::vector<std::string> names;
                               for (const TensorInfo& info : t.trainer.network().parameters())
                                 names.push_back(info.name);
                               return names;
                             })
      .def_property_readonly("rate_factors", [](const Tr& t) {
        return t.alone([&] {  // those that are not 1
          std::map<std::string, double> found;
          const auto& parameters = Access::impl(t.trainer.network()).parameters();
          const auto& optimizer = Access::impl(t.trainer).optimizer();
          for (std::size_t i = 0; i < parameters.size(); ++i)
            if (optimizer.rate_factor(i) != 1)
              found[parameters[i].first] = optimizer.rate_factor(i);
          return found;
        });
      });
}

template <class T>
void register_trainer(py::module_& m, const std::string& suffix) {
  using Tr = TrainerHandle<T>;
  py::class_<Tr> trainer(m, ("Trainer" + suffix).c_str());
  add_gradients(trainer);
  trainer.def(py::init(&new_trainer<T>), py::arg("network"), py::arg("loss"), py::arg("optimizer"))
      .def(
          "step",
          [](Tr& t, const py::object& x, const py::object& y, const py::object& weights,
             const py::object& rows, std::uint64_t seed, bool output, const py::object& lengths,
             const py::object& states, Index first_step, Index steps, double mean_weight,
             bool update, const py::object& input_gradients) {
            return run(t, x, y, weights, rows, output, lengths, states, first_step, steps,
                       mean_weight, input_gradients,
                       [&](const auto& batches, const auto& targets, const Index* index,
                           Index count, const auto& out, const auto& options) {
                         if (!update)
                           return t.trainer.accumulate(batches, targets, index, count, seed, out,
                                                       options);
                         return t.trainer.step(batches, targets, index, count, seed, out, options);
                       });
          },
          py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("rows"), py::arg("seed"),
          py::arg("output") = false, py::arg("lengths") = py::none(),
          py::arg("states") = py::none(), py::arg("first_step") = 0, py::arg("steps") = 0,
          py::arg("mean_weight") = 0.0, py::arg("update") = true,
          py::arg("input_gradients") = py::none())
      .def(
          "evaluate",
          [](Tr& t, const py::object& x, const py::object& y, const py::object& weights,
             const py::object& rows, bool output, const py::object& lengths,
             const py::object& states, Index first_step, Index steps) {
            return run(t, x, y, weights, rows, output, lengths, states, first_step, steps, 0.0,
                       py::none(), [&](const auto&... a) { return t.trainer.evaluate(a...); });
          },
          py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("rows"),
          py::arg("output") = false, py::arg("lengths") = py::none(),
          py::arg("states") = py::none(), py::arg("first_step") = 0, py::arg("steps") = 0)
      .def("with_losses",
           [](const Tr& t, const py::object& given) {
             const std::vector<OutputLoss> losses = losses_of(given);
             return Tr{t.alone([&] { return t.trainer.with_losses(losses); })};
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
