#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/base/random.hpp"
#include "core/network/handles.hpp"
#include "core/network/layer_factory.hpp"
#include "core/numeric/activations.hpp"
#include "core/specs/loss_specs.hpp"
#include "core/specs/optimizer_specs.hpp"
#include "core/specs/windows.hpp"
#include "core/training/trainer_impl.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// The part of a table that a batch is made of: of each sample (or each of `rows`) the steps from
/// `first` on.
struct Part {
  const Index* rows;                       // null: all in order
  Index samples, timesteps, first, steps;  // of the batch, of the table, of the window

  bool whole() const { return !rows && steps == timesteps; }

  /// Samples of `width` values at each step, one after another; null stays null.
  template <class V>
  const V* steps_of(const V* table, Index width, Workspace& workspace) const {
    if (!table || whole()) return table;
    V* out = workspace.take<V>(samples * steps * width);
    for (Index i = 0; i < samples; ++i)
      std::copy_n(table + (sample(i) * timesteps + first) * width, steps * width,
                  out + i * steps * width);
    return out;
  }

  /// The lengths that are left in the window.
  const Index* lengths(const Index* all, Workspace& workspace) const {
    if (!all || whole()) return all;
    Index* out = workspace.take<Index>(samples);
    for (Index i = 0; i < samples; ++i) {
      const Index length = all[sample(i)];
      // What is no length is left as it is, to be refused.
      const bool fits = length >= 0 && length <= timesteps;
      out[i] = fits ? std::clamp<Index>(length - first, 0, steps) : length;
    }
    return out;
  }

 private:
  Index sample(Index i) const { return rows ? rows[i] : i; }
};

/// The weights of a batch's rows, 0 behind the end of each sequence.
template <class T>
const T* weights_within(const Index* lengths, Index samples, Index steps, const T* weights,
                        Workspace& workspace) {
  T* out = workspace.take<T>(samples * steps);
  for (Index i = 0; i < samples; ++i)
    for (Index t = 0; t < steps; ++t) {
      const Index row = i * steps + t;
      out[row] = t >= lengths[i] ? T(0) : weights ? weights[row] : T(1);
    }
  return out;
}

template <class T>
void check_window(const Chain<T>& chain, Index timesteps, Index output_steps,
                  const StepOptions<T>& options) {
  const Index first = options.first_step;
  if (first < 0 || first >= timesteps || options.steps < 0)
    throw InvalidArgument("window: expected a first step from 0 to " +
                          std::to_string(timesteps - 1) + " and steps >= 0, got " +
                          std::to_string(first) + " and " + std::to_string(options.steps));
  if (output_steps != timesteps)
    throw InvalidArgument(
        "truncated back-propagation: expected an output at each step (return_sequences=True), "
        "got one without time axis");
  for (std::size_t i = 0; i < chain.layers().size(); ++i) {
    const std::string why = why_not_in_windows(chain.layers()[i]->spec());
    if (!why.empty())
      throw InvalidArgument("layer " + std::to_string(i) +
                            " cannot be trained in windows of time: " + why);
  }
}

}  // namespace

template <class T>
TrainerImpl<T>::TrainerImpl(Network<T> network, const LossSpec& loss,
                            const OptimizerSpec& optimizer, bool from_file)
    : network_(std::move(network)),
      impl_(Access::impl(network_)),
      loss_(loss),
      optimizer_(optimizer, impl_.parameters()) {
  validate(loss);
  validate(optimizer);
  check_representable<T>("learning_rate", optimizer.learning_rate);
  try {
    end_ = loss_end(loss, impl_.chain());
  } catch (const InvalidArgument& error) {
    if (!from_file) throw;
    complaint_ = error.what();
  }
  for (const auto& [name, p] : impl_.parameters()) {
    gradients_.emplace_back(p->value.size());
    gradient_pointers_.push_back(gradients_.back().data());
    last_good_.emplace_back(p->value.size());
  }
}

template <class T>
typename TrainerImpl<T>::Selected TrainerImpl<T>::select(const Batch<T>& x, const Targets<T>& y,
                                                         const Index* rows, Index row_count,
                                                         const StepOptions<T>& options) {
  if (!complaint_.empty()) throw InvalidArgument(complaint_);
  const auto mean_weight = static_cast<T>(options.mean_weight);
  // What is divided by it must stay finite.
  if (options.mean_weight != 0 &&
      !(mean_weight >= std::numeric_limits<T>::min() && std::isfinite(mean_weight)))
    throw InvalidArgument("mean_weight: expected 0 or a number > 0 that float" +
                          std::to_string(8 * sizeof(T)) + " can hold, got " +
                          number_text(options.mean_weight));
  Batch<T> table = x;
  table.lengths = nullptr;            // those of the batch are checked below
  check_shape(impl_.first(), table);  // before anything is multiplied by its sizes
  Selected s{x, y, impl_.chain().output_shape(x.timesteps), 0};
  Part part{rows, x.samples, rows_of(1, x.timesteps), 0, rows_of(1, x.timesteps)};
  if (rows) {
    if (row_count < 1) throw InvalidArgument("rows: expected at least one, got none");
    for (Index i = 0; i < row_count; ++i)
      if (rows[i] < 0 || rows[i] >= x.samples)
        throw InvalidArgument("rows: expected indices from 0 to " + std::to_string(x.samples - 1) +
                              ", got " + std::to_string(rows[i]));
    part.samples = row_count;
  } else if (row_count != x.samples) {
    throw InvalidArgument("row_count: without rows expected " + std::to_string(x.samples) +
                          ", the samples of x, got " + std::to_string(row_count));
  }
  Part target = part;
  target.timesteps = target.steps = rows_of(1, s.shape.timesteps);
  if (options.first_step != 0 || options.steps != 0) {
    check_window(impl_.chain(), x.timesteps, s.shape.timesteps, options);
    part.first = options.first_step;
    part.steps =
        std::min(options.steps ? options.steps : x.timesteps, x.timesteps - options.first_step);
    target = part;
    s.x.timesteps = part.steps;
    s.shape.timesteps = part.steps;
  }
  s.x.samples = part.samples;
  s.x.values = part.steps_of(x.values, impl_.first().input_features(), workspace_);
  s.x.tokens = part.steps_of(x.tokens, 1, workspace_);
  s.x.lengths = part.lengths(x.lengths, workspace_);
  s.y.values = target.steps_of(y.values, s.shape.features, workspace_);
  s.y.labels = target.steps_of(y.labels, 1, workspace_);
  s.y.weights = target.steps_of(y.weights, 1, workspace_);
  check_input(impl_.first(), s.x);
  if (s.x.lengths && s.shape.timesteps)
    s.y.weights =
        weights_within(s.x.lengths, s.x.samples, s.shape.timesteps, s.y.weights, workspace_);
  s.output_rows = rows_of(s.x.samples, s.shape.timesteps);
  s.y.weights = weights_without_ignored(loss_, s.output_rows, s.y, workspace_);
  check_targets(loss_, s.output_rows, s.shape.features, s.y);
  if (options.states) options.states->of(network_).check(s.x.samples);
  return s;
}

template <class T>
void TrainerImpl<T>::write_output(const Selected& s, const T* predictions, T* output) const {
  std::copy_n(predictions, s.output_rows * s.shape.features, output);
  if (end_.layer == kNoLayer) return;
  activate(end_.activation, s.output_rows, s.shape.features, output);
  if (!s.x.lengths || !s.shape.timesteps) return;
  for (Index i = 0; i < s.x.samples; ++i) {
    T* sample = output + i * s.shape.timesteps * s.shape.features;
    std::fill(sample + s.x.lengths[i] * s.shape.features,
              sample + s.shape.timesteps * s.shape.features, T(0));
  }
}

template <class T>
void TrainerImpl<T>::save_weights() {
  for (std::size_t i = 0; i < last_good_.size(); ++i)
    last_good_[i] = impl_.parameters()[i].second->value;
}

template <class T>
void TrainerImpl<T>::restore_untrained() {
  for (std::size_t i = 0; i < last_good_.size(); ++i) {
    Parameter<T>& parameter = *impl_.parameters()[i].second;
    if (!parameter.trained) parameter.value = last_good_[i];
  }
}

template <class T>
void TrainerImpl<T>::restore_weights() {
  // Weights written by somebody else since then are not ours to undo.
  if (last_good_version_ != impl_.chain().version()) return;
  for (std::size_t i = 0; i < last_good_.size(); ++i)
    impl_.parameters()[i].second->value = last_good_[i];
  impl_.parameters_changed();
  // Its state has seen the update that is undone.
  optimizer_.reset();
}

template <class T>
void TrainerImpl<T>::continue_from(TrainerImpl& other) {
  optimizer_.set_iterations(other.optimizer_.iterations());
  const auto to = optimizer_.slots(), from = other.optimizer_.slots();
  for (std::size_t i = 0; i < to.size(); ++i) *to[i].values = *from[i].values;
  const bool can_undo = other.last_good_version_ == other.impl_.chain().version();
  last_good_ = other.last_good_;
  last_good_version_ = can_undo ? impl_.chain().version() : -1;
}

template <class T>
StepResult TrainerImpl<T>::step(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                                Index row_count, std::uint64_t seed, T* output,
                                const StepOptions<T>& options) {
  workspace_.reset();
  const Selected s = select(x, y, rows, row_count, options);
  ChainStates<T>* states = options.states ? &options.states->of(network_) : nullptr;
  const Index size = s.output_rows * s.shape.features;
  T* predictions = workspace_.take<T>(size);
  Pass pass{workspace_, /*remember=*/true, /*training=*/true,
            derive_seed(seed, static_cast<std::uint64_t>(optimizer_.iterations()))};
  double penalty = 0;
  pass.penalty = &penalty;
  std::vector<std::function<void()>> when_taken;
  pass.when_taken = &when_taken;
  const auto tape = impl_.chain().forward(s.x, predictions, pass, states, end_.layer);
  if (output) write_output(s, predictions, output);

  StepResult result;
  T* gradient = workspace_.take<T>(size);
  const LossValue value = compute_loss(loss_, s.output_rows, s.shape.features, predictions, s.y,
                                       options.mean_weight, gradient, workspace_);
  result.loss = value.loss + penalty;
  result.weight = value.weight;
  if (value.weight == 0) {  // everything masked: nothing to learn
    if (states) states->advance(s.x.samples);
    return result;
  }

  result.finite = std::isfinite(result.loss);
  if (result.finite) {
    for (auto& g : gradients_) std::fill(g.begin(), g.end(), T(0));
    tape->backward(gradient, nullptr, {}, gradient_pointers_.data(), workspace_);
    result.gradient_norm = global_norm(gradients_);
    result.finite = optimizer_.can_take(result.gradient_norm);
  }
  if (!result.finite) {
    restore_weights();
    return result;
  }
  save_weights();
  result.finite = optimizer_.update(gradient_pointers_.data(), result.gradient_norm);
  restore_untrained();
  if (result.finite)
    for (const auto& change : when_taken) change();
  impl_.parameters_changed();
  last_good_version_ = impl_.chain().version();
  if (!result.finite)
    restore_weights();
  else if (states)
    states->advance(s.x.samples);
  return result;
}

template <class T>
StepResult TrainerImpl<T>::evaluate(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                                    Index row_count, T* output, const StepOptions<T>& options) {
  workspace_.reset();
  const Selected s = select(x, y, rows, row_count, options);
  ChainStates<T>* states = options.states ? &options.states->of(network_) : nullptr;
  const bool direct = output && end_.layer == kNoLayer;
  T* predictions = direct ? output : workspace_.take<T>(s.output_rows * s.shape.features);
  impl_.chain().forward(s.x, predictions, Pass{workspace_}, states, end_.layer);
  if (output && !direct) write_output(s, predictions, output);
  if (states) states->advance(s.x.samples);
  const LossValue value = compute_loss<T>(loss_, s.output_rows, s.shape.features, predictions, s.y,
                                          0.0, nullptr, workspace_);
  StepResult result;
  result.loss = value.loss;
  result.weight = value.weight;
  result.finite = std::isfinite(value.loss);
  return result;
}

template <class T>
Trainer<T>::Trainer(Network<T> network, const LossSpec& loss, const OptimizerSpec& optimizer)
    : impl_(std::make_shared<TrainerImpl<T>>(std::move(network), loss, optimizer)) {}

template <class T>
Trainer<T> Trainer<T>::clone() const {
  // Also of one whose file says what no constructor takes: its steps refuse.
  auto copy = Access::make<Trainer>(
      std::make_shared<TrainerImpl<T>>(network().clone(), loss(), optimizer(), /*from_file=*/true));
  Access::impl(copy).continue_from(Access::impl(*this));
  return copy;
}

template <class T>
StepResult Trainer<T>::step(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                            Index row_count, std::uint64_t seed, T* output,
                            const StepOptions<T>& options) {
  const FloatMode mode;
  return Access::impl(*this).step(x, y, rows, row_count, seed, output, options);
}

template <class T>
StepResult Trainer<T>::evaluate(const Batch<T>& x, const Targets<T>& y, const Index* rows,
                                Index row_count, T* output, const StepOptions<T>& options) const {
  const FloatMode mode;
  return Access::impl(*this).evaluate(x, y, rows, row_count, output, options);
}

template <class T>
void Trainer<T>::set_learning_rate(double learning_rate) {
  OptimizerSpec spec = Access::impl(*this).optimizer().spec();
  spec.learning_rate = learning_rate;
  validate(spec);
  check_representable<T>("learning_rate", learning_rate);
  Access::impl(*this).optimizer().spec() = spec;
}

template <class T>
const LossSpec& Trainer<T>::loss() const {
  return Access::impl(*this).loss();
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

template class TrainerImpl<float>;
template class TrainerImpl<double>;
template class Trainer<float>;
template class Trainer<double>;

}  // namespace lstm_native
