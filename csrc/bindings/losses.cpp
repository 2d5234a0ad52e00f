#include "bindings/losses.hpp"

#include <algorithm>
#include <memory>
#include <string>

#include "bindings/gil.hpp"
#include "bindings/module.hpp"
#include "core/base/float_mode.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/training/losses/loss.hpp"

namespace lstm_native::python {
namespace {

/// A Python object that may be copied and let go of without the GIL.
std::shared_ptr<PyObject> shared(const py::object& object) {
  return {object.inc_ref().ptr(), [](PyObject* held) {
            const py::gil_scoped_acquire gil;
            Py_DECREF(held);
          }};
}

/// The shape of one value, or of `features`, for each row.
template <class T>
std::vector<Index> shape_of_rows(const OwnLossBatch<T>& batch, Index features) {
  std::vector<Index> shape{batch.samples};
  if (batch.timesteps) shape.push_back(batch.timesteps);
  if (features) shape.push_back(features);
  return shape;
}

template <class V>
py::object copy_of(const V* values, const std::vector<Index>& shape) {
  auto array = new_array<V>(shape);
  std::copy_n(values, array.size(), array.mutable_data());
  return std::move(array);
}

/// (y_true, y_pred, whether rows are weighted) -> (losses, gradient): float64 of the rows' shape, T
/// of the output's.
template <class T>
void call(PyObject* function, const OwnLossBatch<T>& batch) {
  const py::gil_scoped_acquire gil;
  const py::object output = copy_of(batch.output, shape_of_rows(batch, batch.features));
  const py::object target =
      batch.labels ? copy_of(batch.labels, shape_of_rows(batch, 0))
                   : copy_of(batch.values, shape_of_rows(batch, batch.target_features));
  const py::tuple found = py::handle(function)(target, output, batch.weights != nullptr);
  const auto losses = borrow<double>(found[0], "losses");
  const auto gradient = borrow<T>(found[1], "gradient");
  const double* from = data_of(losses, shape_of_rows(batch, 0), "losses");
  std::copy_n(from, losses.size(), batch.losses);
  const T* slopes = data_of(gradient, shape_of_rows(batch, batch.features), "gradient");
  if (batch.gradient) std::copy_n(slopes, gradient.size(), batch.gradient);
}

/// (loss, gradient or None) of outputs (samples, timesteps, features) or (samples, features).
template <class T>
py::tuple value_of(const LossSpec& spec, const py::array& given, const py::object& y,
                   const py::object& weights, const py::object& lengths, bool want_gradient) {
  const auto array = borrow<T>(given, "y_pred");
  LossOutput<T> output;
  output.samples = array.shape(0);
  output.timesteps = array.ndim() == 3 ? array.shape(1) : 0;
  output.features = array.shape(array.ndim() - 1);
  output.values = array.data();
  Array<std::int64_t> ends;
  if (!lengths.is_none()) {
    ends = borrow<std::int64_t>(lengths, "lengths");
    output.lengths = data_of(ends, {output.samples}, "lengths");
  }
  const auto loss = make_loss<T>(spec);
  const TargetArrays<T> arrays(loss->target_shape(output.features), output.samples,
                               output.timesteps, y, weights);
  py::object gradient = py::none();
  T* slopes = nullptr;
  if (want_gradient) {
    auto made = new_array<T>(shape_of(array));
    slopes = made.mutable_data();
    gradient = std::move(made);
  }
  LossValue value;
  {
    const GilRelease release;
    const FloatMode mode;
    Workspace workspace;
    const Targets<T> ready = loss->prepare(output, arrays.targets, workspace);
    value = loss->compute(output, ready, 0.0, slopes, workspace);
  }
  return py::make_tuple(value.loss, gradient);
}

}  // namespace

LossSpec loss_of(const py::object& given) {
  if (!py::isinstance<py::tuple>(given)) return parse_loss(given.cast<std::string>());
  const auto both = given.cast<py::tuple>();
  auto spec = std::get<FunctionLoss>(parse_loss(both[0].cast<std::string>()).options);
  const auto function = shared(both[1]);
  spec.float32 = [function](const OwnLossBatch<float>& batch) { call(function.get(), batch); };
  spec.float64 = [function](const OwnLossBatch<double>& batch) { call(function.get(), batch); };
  return spec;
}

void register_losses(py::module_& m) {
  m.def(
      "target_shape",
      [](const py::object& loss, Index features) {
        const TargetShape wanted = target_shape(loss_of(loss), features);
        return py::make_tuple(wanted.features, wanted.labels, wanted.own_steps);
      },
      py::arg("loss"), py::arg("features"));
  m.def(
      "loss_value",
      [](const py::object& loss, const py::array& output, const py::object& y,
         const py::object& weights, const py::object& lengths, bool gradient) {
        const LossSpec spec = loss_of(loss);
        if (output.ndim() < 2 || output.ndim() > 3)
          throw InvalidArgument(
              "y_pred: expected (samples, timesteps, features) or (samples, features), got " +
              std::to_string(output.ndim()) + " dimensions");
        if (Array<double>::check_(output))
          return value_of<double>(spec, output, y, weights, lengths, gradient);
        return value_of<float>(spec, output, y, weights, lengths, gradient);
      },
      py::arg("loss"), py::arg("output"), py::arg("y"), py::arg("weights"), py::arg("lengths"),
      py::arg("gradient"));
}

}  // namespace lstm_native::python
