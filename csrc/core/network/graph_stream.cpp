#include "core/network/graph_stream.hpp"

#include <algorithm>
#include <string_view>

#include "core/network/graph_tape.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
GraphStream<T>::GraphStream(const HeldValues<T>& held, Index rows)
    : owner_(held.graph()),
      graph_(*owner_),
      rows_(rows),
      held_(held.held()),
      stepped_(held.stepped()),
      now_(graph_.values()),
      stages_(graph_.steps().size()) {
  make_runs();
  const std::vector<OutputShape> shapes = held.shapes();
  for (std::size_t n = 0; n < stages_.size(); ++n) {
    if (!stepped_[static_cast<std::size_t>(graph_.steps()[n].first_value)]) continue;
    try {
      make_stage(n, shapes, held);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(graph_.steps()[n].label + ": " + error.what());
    }
  }
  all_ = tensors();
  Index most = 0;
  for (const StreamTensor<T>& tensor : all_) most = std::max(most, tensor.info.size());
  before_.resize(static_cast<std::size_t>(most));
  after_.resize(static_cast<std::size_t>(most));
  reset();
}

/// Before anything else: a layer that cannot be streamed says so best.
template <class T>
void GraphStream<T>::make_runs() {
  for (std::size_t n = 0; n < stages_.size(); ++n) {
    const GraphStep<T>& step = graph_.steps()[n];
    if (!stepped_[static_cast<std::size_t>(step.first_value)]) continue;
    try {
      stages_[n].run = step.layer->stream(rows_);
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(step.label + ": " + error.what());
    }
  }
}

template <class T>
void GraphStream<T>::make_stage(std::size_t node, const std::vector<OutputShape>& shapes,
                                const HeldValues<T>& held) {
  const GraphStep<T>& step = graph_.steps()[node];
  Stage& stage = stages_[node];
  stage.in.resize(step.inputs.size());
  stage.sources.assign(step.inputs.size(), kNoPort);
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    stage.in[i].samples = rows_;
    if (step.sources[i].place < 0) continue;
    const std::size_t v = graph_.value_of(step.sources[i]);
    if (!stepped_[v]) {
      bind_held(stage, step, i, held.value(v));
      continue;
    }
    if (step.inputs[i].kind == Port::Kind::state)
      throw InvalidArgument(std::string("cannot be streamed: '") + step.inputs[i].name +
                            "' is the state of what is stepped, too, and known at its end alone");
    if (stage.run->must_hold(i))
      throw InvalidArgument(std::string("cannot be streamed: input '") + step.inputs[i].name +
                            "' is stepped, and must be held");
    stage.sources[i] = v;
  }
  stage.out.assign(step.outputs.size(), nullptr);
  stage.goes_to.assign(step.outputs.size(), kNoPort);
  for (std::size_t o = 0; o < step.outputs.size(); ++o) bind_output(stage, step, o, shapes);
  for (std::size_t o = 0; o < step.outputs.size(); ++o) {
    const auto v = static_cast<std::size_t>(step.first_value) + o;
    now_[v] = {stage.out[o], nullptr, rows_, 1, shapes[v].features};
  }
}

template <class T>
void GraphStream<T>::bind_held(Stage& stage, const GraphStep<T>& step, std::size_t port,
                               const Batch<T>& value) {
  const Index times = rows_ / value.samples;
  if (step.inputs[port].kind == Port::Kind::state) {
    const std::vector<TensorInfo> states = stage.run->state();
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i].name == step.inputs[port].name) {
        const std::vector<Index>& shape = states[i].shape;
        std::vector<T> start(static_cast<std::size_t>(states[i].size()));
        repeat_samples(value.values, shape[0], value.samples, shape[2], times, start.data());
        starts_.push_back({stage.run.get(), static_cast<Index>(i), std::move(start)});
      }
    return;
  }
  if (value.timesteps) {
    stage.run->hold(port, value);
    return;
  }
  if (!value.values) throw InvalidArgument("cannot be streamed: reads tokens that are held");
  const Index runs = graph_.reads_joined(step, port) ? graph_.stacked(step.reads[port]) : 1;
  const Index width = runs * value.features;
  std::vector<T> held(static_cast<std::size_t>(value.samples * width));
  join_runs(value.values, runs, value.samples, value.features, held.data());
  AlignedVector<T> copy(static_cast<std::size_t>(rows_ * width));
  repeat_samples(held.data(), 1, value.samples, width, times, copy.data());
  stage.in[port] = {copy.data(), nullptr, rows_, 0, width};
  stage.memory.push_back(std::move(copy));
}

template <class T>
void GraphStream<T>::bind_output(Stage& stage, const GraphStep<T>& step, std::size_t port,
                                 const std::vector<OutputShape>& shapes) {
  const std::size_t v = static_cast<std::size_t>(step.first_value) + port;
  if (step.outputs[port].kind == Port::Kind::state) {
    if (graph_.is_read(v))
      throw InvalidArgument(std::string("cannot be streamed: its state '") +
                            step.outputs[port].name + "' is read, which is known at the end alone");
    return;
  }
  for (std::size_t k = 0; k < graph_.outputs(); ++k)
    if (graph_.value_of(graph_.structure().outputs[k].source) == v) {
      stage.goes_to[port] = k;
      return;
    }
  if (port != 0 && !graph_.is_read(v)) return;
  stage.memory.emplace_back(static_cast<std::size_t>(rows_ * shapes[v].features));
  stage.out[port] = stage.memory.back().data();
}

template <class T>
Index GraphStream<T>::features(std::size_t output) const {
  const Index known = graph_.output_features(output);
  const GraphSource& source = graph_.structure().outputs[output].source;
  return known == kAnyFeatures ? now_[graph_.value_of(source)].features : known;
}

template <class T>
void GraphStream<T>::step(const Batch<T>* x, T* const* y) noexcept {
  for (std::size_t i = 0; i < graph_.inputs(); ++i)
    if (!held_[i]) now_[i] = x[i];
  for (std::size_t n = 0; n < stages_.size(); ++n) {
    Stage& stage = stages_[n];
    if (!stage.run) continue;
    for (std::size_t i = 0; i < stage.in.size(); ++i)
      if (stage.sources[i] != kNoPort) stage.in[i] = now_[stage.sources[i]];
    const auto first = static_cast<std::size_t>(graph_.steps()[n].first_value);
    for (std::size_t o = 0; o < stage.out.size(); ++o)
      if (stage.goes_to[o] != kNoPort) now_[first + o].values = stage.out[o] = y[stage.goes_to[o]];
    stage.run->step(stage.in.data(), stage.out.data());
  }
  for (std::size_t k = 0; k < graph_.outputs(); ++k) {
    const GraphSource& source = graph_.structure().outputs[k].source;
    const Batch<T>& value = now_[graph_.value_of(source)];
    if (is_stepped(source) && value.values != y[k])
      std::copy_n(value.values, rows_ * features(k), y[k]);
  }
}

template <class T>
void GraphStream<T>::reset() noexcept {
  for (Stage& stage : stages_)
    if (stage.run) stage.run->reset();
  for (const Start& start : starts_) start.run->set_state(start.index, start.values.data());
}

template <class T>
void GraphStream<T>::reorder(const Index* from) noexcept {
  for (const StreamTensor<T>& tensor : all_) {
    tensor.run->get_state(tensor.index, before_.data());
    const Index stacked = tensor.info.shape[0], features = tensor.info.size() / (stacked * rows_);
    for (Index s = 0; s < stacked; ++s)
      for (Index i = 0; i < rows_; ++i)
        std::copy_n(before_.data() + (s * rows_ + from[i]) * features, features,
                    after_.data() + (s * rows_ + i) * features);
    tensor.run->set_state(tensor.index, after_.data());
  }
}

template <class T>
std::vector<StreamTensor<T>> GraphStream<T>::tensors(std::size_t node) const {
  std::vector<StreamTensor<T>> list;
  const Stage& stage = stages_[node];
  if (!stage.run) return list;
  for (TensorInfo& info : stage.run->state())
    list.push_back({std::move(info), stage.run.get(), static_cast<Index>(list.size())});
  for (StreamTensor<T>& tensor : stage.run->inner_tensors()) {
    tensor.info.name.insert(0, "layers.");
    list.push_back(std::move(tensor));
  }
  return list;
}

template <class T>
std::vector<StreamTensor<T>> GraphStream<T>::tensors() const {
  std::vector<StreamTensor<T>> list;
  for (std::size_t n = 0; n < stages_.size(); ++n)
    for (StreamTensor<T>& tensor : tensors(n)) {
      tensor.info.name = graph_.structure().nodes[n].name + "." + tensor.info.name;
      list.push_back(std::move(tensor));
    }
  return list;
}

template class GraphStream<float>;
template class GraphStream<double>;

}  // namespace lstm_native
