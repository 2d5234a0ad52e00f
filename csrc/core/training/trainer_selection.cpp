// What a step of the trainer works on: rows of a table, a window of its time, checked.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/message_text.hpp"
#include "core/network/graph_windows.hpp"
#include "core/training/trainer_impl.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
void TrainerImpl<T>::check_mean_weight(double given) const {
  const auto mean_weight = static_cast<T>(given);
  // What is divided by it must stay finite.
  if (given != 0 && !(mean_weight >= std::numeric_limits<T>::min() && std::isfinite(mean_weight)))
    throw InvalidArgument("mean_weight: expected 0 or a number > 0 that float" +
                          std::to_string(8 * sizeof(T)) + " can hold, got " + number_text(given));
}

template <class T>
BatchPart TrainerImpl<T>::select_rows(const Batch<T>* x, const Index* rows, Index row_count) const {
  const Index samples = x[0].samples;
  if (!rows) {
    if (row_count != samples)
      throw InvalidArgument("row_count: without rows expected " + std::to_string(samples) +
                            ", the samples of x, got " + std::to_string(row_count));
    return {nullptr, samples, 0, 0, 0};
  }
  if (row_count < 1) throw InvalidArgument("rows: expected at least one, got none");
  for (Index i = 0; i < row_count; ++i)
    if (rows[i] < 0 || rows[i] >= samples)
      throw InvalidArgument("rows: expected indices from 0 to " + std::to_string(samples - 1) +
                            ", got " + std::to_string(rows[i]));
  return {rows, row_count, 0, 0, 0};
}

template <class T>
bool TrainerImpl<T>::select_window(BatchPart& part, const std::vector<OutputShape>& shapes,
                                   const StepOptions<T>& options) const {
  if (options.first_step == 0 && options.steps == 0) return false;
  const Index timesteps = part.timesteps, first = options.first_step;
  if (first < 0 || first >= timesteps || options.steps < 0)
    throw InvalidArgument("window: expected a first step from 0 to " +
                          std::to_string(timesteps - 1) + " and steps >= 0, got " +
                          std::to_string(first) + " and " + std::to_string(options.steps));
  for (const Head& head : heads_) {
    const Index steps = shapes[head.output].timesteps;
    if (steps == 0)
      throw InvalidArgument(
          "truncated back-propagation: expected an output at each step (return_sequences=True), "
          "got one without time axis");
    if (steps != timesteps)
      throw InvalidArgument(
          "truncated back-propagation: expected inputs and outputs of equally many steps, got " +
          std::to_string(timesteps) + " and " + std::to_string(steps));
    if (head.loss->target_shape(shapes[head.output].features).own_steps)
      throw InvalidArgument(
          "truncated back-propagation: expected a loss of each step, got one of whole sequences");
  }
  const NotInWindows found = not_in_windows(graph_);
  if (!found.why.empty())
    throw InvalidArgument(found.label + " cannot be trained in windows of time: " + found.why);
  part.first = first;
  part.steps = std::min(options.steps ? options.steps : timesteps, timesteps - first);
  return true;
}

template <class T>
void TrainerImpl<T>::select(const Batch<T>* x, const Targets<T>* y, const Index* rows,
                            Index row_count, const StepOptions<T>& options) {
  if (!complaint_.empty()) throw InvalidArgument(complaint_);
  check_mean_weight(options.mean_weight);
  Selected& s = selected_;
  s.x.assign(x, x + graph_.inputs());
  for (Batch<T>& table : s.x) table.lengths = nullptr;  // those of the batch are checked below
  graph_.check_shapes(s.x.data());  // before anything is multiplied by its sizes
  std::vector<OutputShape> shapes = impl_.output_shapes(x);
  BatchPart part = select_rows(x, rows, row_count);
  part.timesteps = part.steps = rows_of(1, x[0].timesteps);
  const bool window = select_window(part, shapes, options);
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    Batch<T>& batch = s.x[i];
    BatchPart own = part;
    if (!window || !batch.timesteps)
      own = part.of_steps(rows_of(1, batch.timesteps));
    else if (batch.timesteps != part.timesteps)
      throw InvalidArgument(
          "truncated back-propagation: expected inputs of equally many steps, got " +
          std::to_string(part.timesteps) + " and " + std::to_string(batch.timesteps));
    batch.samples = own.samples;
    if (batch.timesteps) batch.timesteps = own.steps;
    batch.values = own.steps_of(x[i].values, graph_.input_features(i), workspace_);
    batch.tokens = own.steps_of(x[i].tokens, 1, workspace_);
    batch.lengths = own.lengths(x[i].lengths, workspace_);
  }
  s.y.clear();
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    const OutputShape& shape = shapes[heads_[h].output];
    const BatchPart own = window ? part : part.of_steps(rows_of(1, shape.timesteps));
    const TargetShape wanted = heads_[h].loss->target_shape(shape.features);
    s.y.push_back(targets_of(wanted, own, y[h], workspace_));
  }
  graph_.check_inputs(s.x.data());
  if (window)
    for (OutputShape& shape : shapes)
      if (shape.timesteps) shape.timesteps = part.steps;
  s.answer.clear();
  for (const OutputShape& shape : shapes)
    s.answer.push_back({nullptr, nullptr, part.samples, shape.timesteps, shape.features});
  if (options.states) options.states->of(network_).check(part.samples);
}

template class TrainerImpl<float>;
template class TrainerImpl<double>;

}  // namespace lstm_native
