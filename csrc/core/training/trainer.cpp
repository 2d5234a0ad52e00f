// The public Trainer: a handle of TrainerImpl.
#include <algorithm>

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/training/trainer_impl.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// The trainer behind a handle that is used as one of a network with one input and one output.
template <class T>
TrainerImpl<T>& one_to_one(const Trainer<T>& trainer) {
  TrainerImpl<T>& impl = Access::impl(trainer);
  const Graph<T>& graph = Access::impl(impl.network()).graph();
  check_number("input", graph.inputs(), 1);
  check_number("output", graph.outputs(), 1);
  check_number("target", impl.losses().size(), 1, "one for each loss");
  return impl;
}

/// The same for lists, whose entries are counted.
template <class T>
TrainerImpl<T>& counted(const Trainer<T>& trainer, const std::vector<Batch<T>>& x,
                        const std::vector<Targets<T>>& y, const std::vector<T*>& output) {
  TrainerImpl<T>& impl = Access::impl(trainer);
  const Graph<T>& graph = Access::impl(impl.network()).graph();
  check_number("input", graph.inputs(), x.size());
  check_number("target", impl.losses().size(), y.size(), "one for each loss");
  if (!output.empty()) check_number("output", graph.outputs(), output.size());
  return impl;
}

/// Whether a parameter is the one of this name, or inside of what the name stands for.
bool is_within(const std::string& parameter, const std::string& prefix) {
  return prefix.empty() || parameter == prefix || parameter.rfind(prefix + '.', 0) == 0;
}

template <class T>
std::size_t place_of(const TrainerImpl<T>& trainer, const std::string& name) {
  const NetworkImpl<T>& network = Access::impl(trainer.network());
  const std::size_t place = network.place_of(name);
  if (place >= network.parameters().size())
    throw InvalidArgument("no parameter named '" + printable(name) + "'");
  return place;
}

}  // namespace

template <class T>
Trainer<T>::Trainer(Network<T> network, const LossSpec& loss, const OptimizerSpec& optimizer)
    : Trainer(std::move(network), std::vector<OutputLoss>{{0, loss, 1.0}}, optimizer) {}

template <class T>
Trainer<T>::Trainer(Network<T> network, const std::vector<OutputLoss>& losses,
                    const OptimizerSpec& optimizer)
    : impl_(std::make_shared<TrainerImpl<T>>(std::move(network), losses, optimizer)) {}

template <class T>
Trainer<T> Trainer<T>::clone() const {
  // Also of one whose file says what no constructor takes: its steps refuse.
  auto copy = Access::make<Trainer>(std::make_shared<TrainerImpl<T>>(
      network().clone(), losses(), optimizer(), /*from_file=*/true));
  Access::impl(copy).continue_from(Access::impl(*this));
  return copy;
}

template <class T>
Trainer<T> Trainer<T>::with_losses(const std::vector<OutputLoss>& losses) const {
  Trainer other(network(), losses, optimizer());
  Access::impl(other).continue_from(Access::impl(*this));
  return other;
}

template <class T>
StepResult Trainer<T>::step(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                            Index row_count, std::uint64_t seed, T* output,
                            const StepOptions<T>& options) {
  const FloatMode mode;
  return one_to_one(*this).step(&x, &y, rows, row_count, seed, &output, options);
}

template <class T>
StepResult Trainer<T>::step(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                            const Index* rows, Index row_count, std::uint64_t seed,
                            const std::vector<T*>& output, const StepOptions<T>& options) {
  const FloatMode mode;
  return counted(*this, x, y, output)
      .step(x.data(), y.data(), rows, row_count, seed, output.empty() ? nullptr : output.data(),
            options);
}

template <class T>
StepResult Trainer<T>::accumulate(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                                  Index row_count, std::uint64_t seed, T* output,
                                  const StepOptions<T>& options) {
  const FloatMode mode;
  return one_to_one(*this).accumulate(&x, &y, rows, row_count, seed, &output, options);
}

template <class T>
StepResult Trainer<T>::accumulate(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                                  const Index* rows, Index row_count, std::uint64_t seed,
                                  const std::vector<T*>& output, const StepOptions<T>& options) {
  const FloatMode mode;
  return counted(*this, x, y, output)
      .accumulate(x.data(), y.data(), rows, row_count, seed,
                  output.empty() ? nullptr : output.data(), options);
}

template <class T>
StepResult Trainer<T>::apply() {
  const FloatMode mode;
  return Access::impl(*this).apply();
}

template <class T>
Index Trainer<T>::accumulated() const {
  return Access::impl(*this).accumulated();
}

template <class T>
void Trainer<T>::forget_gradients() {
  Access::impl(*this).forget_gradients();
}

template <class T>
std::vector<T> Trainer<T>::get_gradient(const std::string& name) const {
  const auto& impl = Access::impl(*this);
  const std::size_t place = place_of(impl, name);
  if (!impl.accumulated()) return std::vector<T>(impl.gradient(place).size());
  return impl.gradient(place);
}

template <class T>
void Trainer<T>::set_gradient(const std::string& name, const T* values, Index count) {
  auto& impl = Access::impl(*this);
  const std::size_t place = place_of(impl, name);
  check_count(name, static_cast<Index>(impl.gradient(place).size()), count);
  impl.set_gradient(place, values);
}

template <class T>
void Trainer<T>::set_rate_factor(const std::string& prefix, double factor) {
  auto& impl = Access::impl(*this);
  const auto& parameters = Access::impl(impl.network()).parameters();
  bool found = false;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!is_within(parameters[i].first, prefix)) continue;
    impl.optimizer().set_rate_factor(i, factor);
    found = true;
  }
  if (!found) throw InvalidArgument("no parameter named '" + printable(prefix) + "'");
}

template <class T>
double Trainer<T>::rate_factor(const std::string& name) const {
  auto& impl = Access::impl(*this);
  return impl.optimizer().rate_factor(place_of(impl, name));
}

template <class T>
StepResult Trainer<T>::evaluate(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                                Index row_count, T* output, const StepOptions<T>& options) const {
  const FloatMode mode;
  return one_to_one(*this).evaluate(&x, &y, rows, row_count, &output, options);
}

template <class T>
StepResult Trainer<T>::evaluate(const std::vector<Batch<T>>& x, const std::vector<Targets<T>>& y,
                                const Index* rows, Index row_count, const std::vector<T*>& output,
                                const StepOptions<T>& options) const {
  const FloatMode mode;
  return counted(*this, x, y, output)
      .evaluate(x.data(), y.data(), rows, row_count, output.empty() ? nullptr : output.data(),
                options);
}

template <class T>
void Trainer<T>::set_learning_rate(double learning_rate) {
  Access::impl(*this).optimizer().set_learning_rate(learning_rate);
}

template <class T>
const LossSpec& Trainer<T>::loss() const {
  return losses().front().loss;
}

template <class T>
const std::vector<OutputLoss>& Trainer<T>::losses() const {
  return Access::impl(*this).losses();
}

template <class T>
const OptimizerSpec& Trainer<T>::optimizer() const {
  return Access::impl(*this).optimizer().spec();
}

template <class T>
const Network<T>& Trainer<T>::network() const {
  return Access::impl(*this).network();
}

template <class T>
Index Trainer<T>::iterations() const {
  return Access::impl(*this).optimizer().iterations();
}

template <class T>
void Trainer<T>::set_iterations(Index iterations) {
  Access::impl(*this).optimizer().set_iterations(iterations);
}

template <class T>
std::vector<TensorInfo> Trainer<T>::state() const {
  std::vector<TensorInfo> list;
  for (const auto& slot : Access::impl(*this).optimizer().slots())
    list.push_back({slot.name, slot.parameter->info.shape});
  return list;
}

namespace {

template <class T>
std::vector<T>& find_slot(TrainerImpl<T>& trainer, const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) {
    const std::size_t place = Access::impl(trainer.network()).place_of(name.substr(dot + 1));
    if (std::vector<T>* values = trainer.optimizer().slot(name.substr(0, dot), place))
      return *values;
  }
  throw InvalidArgument("no optimiser state named '" + printable(name) + "'");
}

}  // namespace

template <class T>
std::vector<T> Trainer<T>::get_state(const std::string& name) const {
  return find_slot(Access::impl(*this), name);
}

template <class T>
void Trainer<T>::get_state(const std::string& name, T* out, Index count) const {
  const std::vector<T>& values = find_slot(Access::impl(*this), name);
  check_count(name, static_cast<Index>(values.size()), count);
  std::copy(values.begin(), values.end(), out);
}

template <class T>
void Trainer<T>::set_state(const std::string& name, const T* values, Index count) {
  std::vector<T>& slot = find_slot(Access::impl(*this), name);
  check_count(name, static_cast<Index>(slot.size()), count);
  std::copy_n(values, count, slot.begin());
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace lstm_native
