#include <pybind11/stl.h>

#include <algorithm>
#include <mutex>
#include <tuple>
#include <variant>

#include "bindings/carried.hpp"
#include "bindings/fast_arrays.hpp"
#include "bindings/gil.hpp"
#include "bindings/layer_handle.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/plain_method.hpp"
#include "core/base/finite.hpp"
#include "core/files/model_file.hpp"
#include "core/network/handles.hpp"
#include "core/specs/json_specs.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/specs/optimizer_specs.hpp"
#include "core/specs/windows.hpp"
#include "core/training/losses.hpp"
#include "core/training/trainer_impl.hpp"

namespace lstm_native::python {
namespace {

template <class T>
NetworkHandle<T> network_of(const std::vector<std::shared_ptr<LayerHandle<T>>>& handles) {
  std::vector<std::shared_ptr<SequenceLayer<T>>> layers;
  for (const auto& h : handles) {
    if (!h) throw InvalidArgument("layers: expected native layers, got None");
    layers.push_back(h->layer);
  }
  return {Access::make<Network<T>>(std::make_shared<NetworkImpl<T>>(std::move(layers)))};
}

template <class T>
std::vector<LayerHandle<T>> layers_of(const NetworkHandle<T>& handle) {
  std::vector<LayerHandle<T>> handles;
  for (const auto& layer : Access::impl(handle.network).chain().layers())
    handles.emplace_back(layer);
  return handles;
}

/// The output or, with states, (output, states).
template <class T>
py::object predict(const NetworkHandle<T>& handle, const py::object& x, const py::object& lengths,
                   const py::object& states) {
  const Network<T>& network = handle.network;
  Input<T> input = input_of<T>(x, network.takes_tokens());
  const py::object keeps_lengths = lengths_of(lengths, input.batch);
  CarriedStates<T> carried(network, states);
  const OutputShape shape = network.output_shape(input.batch.timesteps);
  auto y = new_array<T>(output_dimensions(input.batch.samples, shape));
  T* data = y.mutable_data();
  {
    const GilRelease release;
    network.predict(input.batch, data, carried.get());
  }
  if (carried.get()) return py::make_tuple(std::move(y), carried.result());
  return std::move(y);
}

/// (x, batch size) to what the Python face's predict returns, for a plain array of no more samples.
/// None when something needs to be converted, cut or refused.
template <class T>
py::object quick_predict(NetworkHandle<T>& handle, const Arguments<2>& given) {
  PyObject* const x = given[0];
  const NetworkImpl<T>& network = Access::impl(handle.network);
  Batch<T> batch;
  if (!plain_batch(x, network.first(), batch) ||
      static_cast<std::uint64_t>(batch.samples) > given.number(1))
    return py::none();
  const Index rows = rows_of(batch.samples, batch.timesteps);
  if (batch.values && !all_finite(batch.values, rows * batch.features)) return py::none();
  const OutputShape shape = network.chain().output_shape(batch.timesteps);
  py::object y = new_plain<T>(Shape::of_rows(batch.samples, shape.timesteps, shape.features));
  T* data = plain_data<T>(y.ptr());
  const double work = static_cast<double>(rows) * static_cast<double>(network.parameter_count());
  without_gil(work, [&] { network.predict(batch, data); });
  return y;
}

template <class T>
struct TrainerHandle {
  Trainer<T> trainer;
  std::unique_ptr<std::mutex> one_at_a_time = std::make_unique<std::mutex>();

  /// Runs body without the GIL while no step is under way.
  template <class Body>
  auto alone(const Body& body) const {
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(*one_at_a_time);
    return body();
  }

  /// Shared by step and evaluate: checks the arrays, runs `call` without the GIL.
  template <class Call>
  py::tuple run(const py::object& x, const py::object& y, const py::object& weights,
                const py::object& rows, bool want_output, const py::object& lengths,
                const py::object& states, Index first_step, Index steps, double mean_weight,
                const Call& call) {
    const Network<T>& network = trainer.network();
    Input<T> input = input_of<T>(x, network.takes_tokens());
    const py::object keeps_lengths = lengths_of(lengths, input.batch);
    CarriedStates<T> carried(network, states);
    const StepOptions<T> options{carried.get(), first_step, steps, mean_weight};
    const Index samples = input.batch.samples;
    const OutputShape shape = network.output_shape(input.batch.timesteps);
    std::vector<Index> row_shape{samples};
    if (shape.timesteps) row_shape.push_back(shape.timesteps);

    Targets<T> targets;
    py::array owners[2];
    if (takes_labels(trainer.loss().kind) && !Array<T>::check_(y)) {  // else soft labels
      const auto labels = borrow<std::int64_t>(y, "y");
      targets.labels = data_of(labels, row_shape, "y");
      owners[0] = labels;
    } else {
      const auto values = borrow<T>(y, "y");
      targets.values = data_of(values, output_dimensions(samples, shape), "y");
      owners[0] = values;
    }
    if (!weights.is_none()) {
      const auto array = borrow<T>(weights, "weights");
      targets.weights = data_of(array, row_shape, "weights");
      owners[1] = array;
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
    T* output_data = nullptr;
    if (want_output) {
      OutputShape window = shape;
      if (first_step || steps) {  // which are checked in the core, before anything is written
        const Index left = std::max<Index>(shape.timesteps - first_step, 0);
        window.timesteps = steps > 0 ? std::min(steps, left) : left;
      }
      auto array = new_array<T>(output_dimensions(count, window));
      output_data = array.mutable_data();
      output = std::move(array);
    }
    const StepResult r =
        alone([&] { return call(input.batch, targets, index_data, count, output_data, options); });
    return py::make_tuple(r.loss, r.weight, r.gradient_norm, r.finite, output, carried.result());
  }
};

/// (JSON, [(name, dtype as files have it, C-contiguous array)]): what is kept beside the model.
struct GivenExtras {
  std::string text;
  std::vector<TensorSource> tensors;
  std::vector<py::array> owners;

  explicit GivenExtras(const py::tuple& extras) : text(extras[0].cast<std::string>()) {
    for (const py::handle item : extras[1]) {
      const auto [name, dtype, array] =
          item.cast<std::tuple<std::string, std::string, py::array>>();
      const auto size = static_cast<std::size_t>(array.nbytes());
      if (!(array.flags() & py::array::c_style)) throw py::type_error(name + ": not contiguous");
      if (byte_size(shape_of(array), element_size(dtype).value_or(0)) != size)
        throw py::type_error(name + ": not of dtype " + dtype);
      const char* data = static_cast<const char*>(array.data());
      tensors.push_back({name, dtype, shape_of(array), [data, size](void* out) {
                           std::copy_n(data, size, static_cast<char*>(out));
                         }});
      owners.push_back(array);
    }
  }
};

/// Calls write(content) without the GIL; no step of the trainer runs meanwhile.
template <class T, class Write>
auto with_content(const NetworkHandle<T>& network, const TrainerHandle<T>* trainer,
                  std::map<std::string, std::string> metadata, const py::tuple& extras,
                  const Write& write) {
  const GivenExtras given(extras);
  const GilRelease release;
  std::unique_lock<std::mutex> lock;
  if (trainer) lock = std::unique_lock<std::mutex>(*trainer->one_at_a_time);
  return write(ModelContent<T>{network.network, trainer ? &trainer->trainer : nullptr,
                               std::move(metadata), given.text, given.tensors});
}

template <class T>
void save(const std::string& path, const NetworkHandle<T>& network, const TrainerHandle<T>* trainer,
          std::map<std::string, std::string> metadata, const py::tuple& extras) {
  with_content(network, trainer, std::move(metadata), extras,
               [&](const ModelContent<T>& content) { save_model(path, content); });
}

template <class T>
py::bytes bytes_of(const NetworkHandle<T>& network, const TrainerHandle<T>* trainer,
                   std::map<std::string, std::string> metadata, const py::tuple& extras) {
  const std::vector<std::byte> content =
      with_content(network, trainer, std::move(metadata), extras,
                   [](const ModelContent<T>& all) { return model_bytes(all); });
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

template <class T>
void register_network(py::module_& m, const std::string& suffix) {
  using N = NetworkHandle<T>;
  using Tr = TrainerHandle<T>;
  py::class_<N> network(m, ("Network" + suffix).c_str(), py::is_final());
  network.def(py::init(&network_of<T>), py::arg("layers"))
      .def_property_readonly("layers", &layers_of<T>)
      .def_property_readonly("input_features",
                             [](const N& n) { return n.network.input_features(); })
      .def_property_readonly("takes_tokens", [](const N& n) { return n.network.takes_tokens(); })
      .def_property_readonly("parameter_count",
                             [](const N& n) { return n.network.parameter_count(); })
      .def("output_shape",
           [](const N& n, Index timesteps) {
             const OutputShape s = n.network.output_shape(timesteps);
             return py::make_tuple(s.timesteps, s.features);
           })
      .def_property_readonly(
          "end_activation",
          [](const N& n) {
            return activation_name(network_end(Access::impl(n.network).chain()).activation);
          })
      .def("reads_probabilities",
           [](const N& n, const std::string& loss) {
             return loss_end(parse_loss(loss), Access::impl(n.network).chain()).layer != kNoLayer;
           })
      .def("why_not_in_windows",
           [](const N& n) {
             const auto& layers = Access::impl(n.network).chain().layers();
             for (std::size_t l = 0; l < layers.size(); ++l) {
               const std::string why = why_not_in_windows(layers[l]->spec());
               if (!why.empty()) return "layer " + std::to_string(l) + ": " + why;
             }
             return std::string();
           })
      .def("predict", &predict<T>, py::arg("x"), py::arg("lengths") = py::none(),
           py::arg("states") = py::none());
  add_plain_method<&quick_predict<T>, N, 2>(network, "quick_predict");

  py::class_<Tr>(m, ("Trainer" + suffix).c_str())
      .def(py::init([](const N& n, const std::string& loss, const std::string& optimizer) {
             return Tr{Trainer<T>(n.network, parse_loss(loss), parse_optimizer(optimizer))};
           }),
           py::arg("network"), py::arg("loss"), py::arg("optimizer"))
      .def(
          "step",
          [](Tr& t, const py::object& x, const py::object& y, const py::object& weights,
             const py::object& rows, std::uint64_t seed, bool output, const py::object& lengths,
             const py::object& states, Index first_step, Index steps, double mean_weight) {
            return t.run(x, y, weights, rows, output, lengths, states, first_step, steps,
                         mean_weight,
                         [&](const Batch<T>& batch, const Targets<T>& targets, const Index* index,
                             Index count, T* out, const StepOptions<T>& options) {
                           return t.trainer.step(batch, targets, index, count, seed, out, options);
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
            return t.run(x, y, weights, rows, output, lengths, states, first_step, steps, 0.0,
                         [&](const auto&... a) { return t.trainer.evaluate(a...); });
          },
          py::arg("x"), py::arg("y"), py::arg("weights"), py::arg("rows"),
          py::arg("output") = false, py::arg("lengths") = py::none(),
          py::arg("states") = py::none(), py::arg("first_step") = 0, py::arg("steps") = 0)
      .def("set_learning_rate",
           [](Tr& t, double rate) { t.alone([&] { t.trainer.set_learning_rate(rate); }); })
      .def_property_readonly("loss", [](const Tr& t) { return json_text(t.trainer.loss()); })
      .def_property_readonly(
          "optimizer",
          [](const Tr& t) { return t.alone([&] { return json_text(t.trainer.optimizer()); }); })
      .def_property_readonly("iterations", [](const Tr& t) {
        return t.alone([&] { return t.trainer.iterations(); });
      });

  m.def("save_model", &save<T>, py::arg("path"), py::arg("network"), py::arg("trainer").none(true),
        py::arg("metadata"), py::arg("extras"));
  m.def("model_bytes", &bytes_of<T>, py::arg("network"), py::arg("trainer").none(true),
        py::arg("metadata"), py::arg("extras"));
}

template <class T>
py::object loaded(LoadedModel<T> model) {
  py::object trainer = py::none();
  if (model.trainer) trainer = py::cast(TrainerHandle<T>{std::move(*model.trainer)});
  py::dict tensors;
  for (const Extras::Tensor& t : model.extras.tensors)
    tensors[py::str(t.name)] = py::make_tuple(
        t.dtype, t.shape,
        py::bytearray(reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()));
  return py::make_tuple(NetworkHandle<T>{std::move(model.network)}, trainer,
                        std::move(model.metadata),
                        py::make_tuple(model.extras.text, std::move(tensors)));
}

/// Reads and builds without the GIL; the arguments say from where.
template <class... From>
py::object load(const From&... from) {
  AnyModel model = [&] {
    const GilRelease release;
    return ModelSource(from...).load_any(/*with_extras=*/true);
  }();
  return std::visit([](auto& found) { return loaded(std::move(found)); }, model);
}

}  // namespace

void register_networks(py::module_& m) {
  register_network<float>(m, "32");
  register_network<double>(m, "64");
  m.def("load_model", [](const std::string& path) { return load(path); });
  m.def("load_model_bytes", [](const py::buffer& buffer) {
    const py::buffer_info bytes = buffer.request();  // stays as it is until this is released
    return load(static_cast<const void*>(bytes.ptr), static_cast<std::size_t>(bytes.size));
  });
}

}  // namespace lstm_native::python
