// Model files: what they are written from, and what is read.
#include <pybind11/stl.h>

#include <algorithm>
#include <tuple>
#include <variant>

#include "bindings/arrays.hpp"
#include "bindings/module.hpp"
#include "bindings/network_handle.hpp"
#include "bindings/trainer_handle.hpp"
#include "core/files/model_file.hpp"

namespace lstm_native::python {
namespace {

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
  if (trainer) trainer->one_at_a_time->check();
  const GilRelease release;
  std::unique_lock<OneAtATime> lock;
  if (trainer) lock = std::unique_lock<OneAtATime>(*trainer->one_at_a_time);
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

template <class T>
void register_files(py::module_& m) {
  m.def("save_model", &save<T>, py::arg("path"), py::arg("network"), py::arg("trainer").none(true),
        py::arg("metadata"), py::arg("extras"));
  m.def("model_bytes", &bytes_of<T>, py::arg("network"), py::arg("trainer").none(true),
        py::arg("metadata"), py::arg("extras"));
}

}  // namespace

void register_model_files(py::module_& m) {
  register_files<float>(m);
  register_files<double>(m);
  m.def("load_model", [](const std::string& path) { return load(path); });
  m.def("load_model_bytes", [](const py::buffer& buffer) {
    const py::buffer_info bytes = buffer.request();  // stays as it is until this is released
    return load(static_cast<const void*>(bytes.ptr), static_cast<std::size_t>(bytes.size));
  });
}

}  // namespace lstm_native::python
