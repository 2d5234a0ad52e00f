#include "bindings/layer_handle.hpp"

#include <algorithm>
#include <cstring>

#include "bindings/fast_arrays.hpp"

namespace lstm_native::python {

template <class T>
std::vector<Parameter<T>*> LayerHandle<T>::own() const {
  auto list = layer->parameters();
  list.erase(list.begin(),
             list.begin() + static_cast<std::ptrdiff_t>(layer->borrowed_parameters()));
  return list;
}

template <class T>
py::dict LayerHandle<T>::parameters() const {
  py::dict d;
  for (const Parameter<T>* p : own()) {
    auto array = new_array<T>(p->info.shape);
    std::copy(p->value.begin(), p->value.end(), array.mutable_data());
    d[py::str(p->info.name)] = std::move(array);
  }
  return d;
}

template <class T>
void LayerHandle<T>::set_parameters(const py::dict& values) const {
  const auto parameters = own();
  std::vector<Array<T>> arrays;
  for (const Parameter<T>* p : parameters) {
    const py::str name(p->info.name);
    if (!values.contains(name)) throw InvalidArgument("missing parameter '" + p->info.name + "'");
    arrays.push_back(borrow<T>(values[name], p->info.name.c_str()));
    data_of(arrays.back(), p->info.shape, p->info.name.c_str());
  }
  if (values.size() != parameters.size())
    for (const auto& item : values) {
      const auto name = py::str(item.first).cast<std::string>();
      bool known = false;
      for (const Parameter<T>* p : parameters) known = known || p->info.name == name;
      if (!known) throw InvalidArgument("unknown parameter '" + name + "'");
    }
  for (std::size_t i = 0; i < parameters.size(); ++i)
    std::copy_n(arrays[i].data(), arrays[i].size(), parameters[i]->value.begin());
  layer->parameters_changed();
}

template <class T>
bool LayerHandle<T>::holds(const py::dict& values) const {
  const auto parameters = own();
  if (values.size() != parameters.size()) return false;
  for (const Parameter<T>* p : parameters) {
    PyObject* const found = PyDict_GetItemString(values.ptr(), p->info.name.c_str());
    const auto* array = found ? plain<T>(found) : nullptr;
    if (!array || static_cast<std::size_t>(array->nd) != p->info.shape.size() ||
        !std::equal(p->info.shape.begin(), p->info.shape.end(), array->dimensions) ||
        std::memcmp(array->data, p->value.data(), p->value.size() * sizeof(T)) != 0)
      return false;
  }
  return true;
}

template <class T>
std::vector<const void*> LayerHandle<T>::parameters_of(
    const std::vector<std::string>& prefixes) const {
  std::vector<const void*> list;
  if (prefixes.empty()) return list;
  for (const Parameter<T>* p : layer->parameters())
    for (const std::string& prefix : prefixes)
      if (p->info.name.compare(0, prefix.size(), prefix) == 0) list.push_back(p);
  return list;
}

template struct LayerHandle<float>;
template struct LayerHandle<double>;

}  // namespace lstm_native::python
