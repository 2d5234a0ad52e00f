#include "bindings/layer_handle.hpp"

#include <algorithm>

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

template struct LayerHandle<float>;
template struct LayerHandle<double>;

}  // namespace lstm_native::python
