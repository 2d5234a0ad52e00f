// A layer with any ports, run forward, backward and as a stream, and its gradients checked.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/float_mode.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/network/layer_factory.hpp"
#include "numeric_helpers.hpp"

/// What came back: one entry for each port or parameter.
template <class T>
struct PortResult {
  std::vector<std::vector<T>> out, dx, gradients;

  bool same_forward(const PortResult& o) const { return same(out, o.out); }
  bool same_backward(const PortResult& o) const {
    return same(dx, o.dx) && same(gradients, o.gradients);
  }

 private:
  static bool same(const std::vector<std::vector<T>>& a, const std::vector<std::vector<T>>& b) {
    bool same = a.size() == b.size();
    for (std::size_t i = 0; same && i < a.size(); ++i) same = same_bits(a[i], b[i]);
    return same;
  }
};

/// A layer and inputs for it. Weights, inputs and states are drawn at random.
template <class T>
struct PortCase {
  using Port = lstm_native::Port;

  std::shared_ptr<lstm_native::Layer<T>> layer;
  Index samples;
  std::vector<Port> inputs, outputs;
  std::vector<Index> timesteps;  // of each input; of states 0
  std::vector<std::vector<T>> x;
  std::vector<std::vector<Index>> lengths;  // of each input; empty: none

  /// steps: of the inputs that are no states. An empty x leaves an optional input out.
  PortCase(const lstm_native::LayerSpec& spec, const std::vector<Index>& features, Index n,
           std::vector<Index> steps, double weights = 0.5)
      : layer(lstm_native::make_layer<T>(spec, features, 1)),
        samples(n),
        inputs(layer->inputs()),
        outputs(layer->outputs()),
        timesteps(std::move(steps)),
        lengths(inputs.size()) {
    timesteps.resize(inputs.size(), 0);
    std::uint64_t draw = 20;
    for (auto* p : layer->parameters())
      p->value = random_values<T>(p->info.size(), ++draw, weights);
    layer->parameters_changed();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      x.push_back(random_values<T>(
          lstm_native::rows_of(n, timesteps[i]) * inputs[i].stacked * inputs[i].features, ++draw));
  }

  std::vector<lstm_native::Batch<T>> batches() const {
    std::vector<lstm_native::Batch<T>> in;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      in.push_back({x[i].empty() ? nullptr : x[i].data(), nullptr, samples, timesteps[i],
                    inputs[i].features, lengths[i].empty() ? nullptr : lengths[i].data()});
    return in;
  }

  std::vector<Index> output_sizes() const {
    std::vector<lstm_native::OutputShape> shapes;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      shapes.push_back({timesteps[i], inputs[i].features});
    std::vector<Index> sizes;
    for (std::size_t o = 0; o < outputs.size(); ++o)
      sizes.push_back(outputs[o].stacked * samples *
                      layer->output_shape(o, shapes.data()).row_size());
    return sizes;
  }

  /// Gradients of all outputs; zeros where the lengths of the first input say there is padding.
  std::vector<std::vector<T>> upstream() const {
    std::vector<std::vector<T>> up;
    std::uint64_t draw = 60;
    for (const Index size : output_sizes()) up.push_back(random_values<T>(size, ++draw));
    return up;
  }

  PortResult<T> forward() const { return run(nullptr); }
  PortResult<T> backward(const std::vector<std::vector<T>>& up) const { return run(&up); }

  double loss(const std::vector<std::vector<T>>& up) const {
    layer->parameters_changed();
    const PortResult<T> r = forward();
    double sum = 0;
    for (std::size_t o = 0; o < up.size(); ++o) sum += dot(r.out[o], up[o]);
    return sum;
  }

  /// The outputs step by step: the second input is held, the states begin as given.
  PortResult<T> streamed() const {
    const lstm_native::FloatMode mode;
    const auto in = batches();
    const auto stream = layer->stream(samples);
    stream->reset();
    stream->hold(1, in[1]);
    const std::vector<lstm_native::TensorInfo> states = stream->state();
    for (std::size_t s = 0; s < states.size(); ++s)
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (states[s].name == inputs[i].name && !x[i].empty())
          stream->set_state(static_cast<Index>(s), x[i].data());
    PortResult<T> r;
    const std::vector<Index> sizes = output_sizes();
    for (const Index size : sizes) r.out.emplace_back(static_cast<std::size_t>(size));
    const Index steps = timesteps[0] ? timesteps[0] : 1, features = inputs[0].features;
    std::vector<T> step_x(static_cast<std::size_t>(samples * features));
    for (Index t = 0; t < steps; ++t) {
      for (Index n = 0; n < samples; ++n)
        std::copy_n(x[0].data() + (n * steps + t) * features, features,
                    step_x.data() + n * features);
      std::vector<lstm_native::Batch<T>> now(inputs.size());
      now[0] = {step_x.data(), nullptr, samples, timesteps[0] ? 1 : 0, features};
      std::vector<std::vector<T>> y(outputs.size());
      std::vector<T*> out(outputs.size(), nullptr);
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        if (outputs[o].kind == Port::Kind::state) continue;
        y[o].resize(static_cast<std::size_t>(sizes[o] / steps));
        out[o] = y[o].data();
      }
      stream->step(now.data(), out.data());
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        const Index width = static_cast<Index>(y[o].size()) / samples;
        for (Index n = 0; n < samples && width > 0; ++n)
          std::copy_n(y[o].data() + n * width, width, r.out[o].data() + (n * steps + t) * width);
      }
    }
    for (std::size_t s = 0; s < states.size(); ++s)
      for (std::size_t o = 0; o < outputs.size(); ++o)
        if (states[s].name == outputs[o].name && outputs[o].kind == Port::Kind::state)
          stream->get_state(static_cast<Index>(s), r.out[o].data());
    return r;
  }

 private:
  PortResult<T> run(const std::vector<std::vector<T>>* up) const {
    const lstm_native::FloatMode mode;  // as every public entry has it
    lstm_native::Workspace workspace;
    PortResult<T> r;
    std::vector<T*> out, dx, gradients;
    std::vector<const T*> dy;
    for (const Index size : output_sizes()) {
      r.out.emplace_back(static_cast<std::size_t>(size), T(7));
      out.push_back(r.out.back().empty() ? nullptr : r.out.back().data());
    }
    for (auto& o : r.out) out[static_cast<std::size_t>(&o - r.out.data())] = o.data();
    const auto in = batches();
    const auto tape = layer->forward(in.data(), out.data(), {workspace, up != nullptr});
    REQUIRE((tape != nullptr) == (up != nullptr));
    if (!up) return r;
    for (const auto& d : *up) dy.push_back(d.empty() ? nullptr : d.data());
    for (const auto& values : x) r.dx.emplace_back(values.size(), T(7));
    for (auto& d : r.dx) dx.push_back(d.empty() ? nullptr : d.data());
    for (auto* p : layer->parameters()) r.gradients.emplace_back(p->value.size());
    for (auto& g : r.gradients) gradients.push_back(g.data());
    tape->backward(dy.data(), dx.data(), gradients.data(), workspace);
    return r;
  }
};

/// Every gradient of a layer against central differences, in double.
inline void check_gradients(PortCase<double> layer) {
  const auto up = layer.upstream();
  const PortResult<double> got = layer.backward(up);
  REQUIRE(got.same_forward(layer.forward()));
  const auto differences = [&](std::vector<double>& of) {
    return central_differences(of, [&] { return layer.loss(up); });
  };
  for (std::size_t i = 0; i < layer.x.size(); ++i) {
    INFO(layer.inputs[i].name);
    CHECK(relative_error(got.dx[i], differences(layer.x[i])) <= kGradientTolerance);
  }
  const auto parameters = layer.layer->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i]->info.name);
    CHECK(relative_error(got.gradients[i], differences(parameters[i]->value)) <=
          kGradientTolerance);
  }
}

/// Some samples of a case, with other padding: what must not change the rest.
template <class T>
PortCase<T> some_samples(const PortCase<T>& of, const std::vector<Index>& which,
                         const std::vector<Index>& more_steps) {
  PortCase<T> some = of;
  some.samples = static_cast<Index>(which.size());
  for (std::size_t i = 0; i < of.x.size(); ++i) {
    const Index steps = of.timesteps[i], more = steps ? more_steps[i] : 0;
    const Index width = of.inputs[i].features, row = lstm_native::rows_of(1, steps) * width;
    some.timesteps[i] = steps + more;
    some.x[i].clear();
    some.lengths[i].clear();
    for (const Index n : which) {
      const auto from = of.x[i].begin() + n * row;
      some.x[i].insert(some.x[i].end(), from, from + (of.x[i].empty() ? 0 : row));
      some.x[i].insert(some.x[i].end(), static_cast<std::size_t>(more * width),
                       std::numeric_limits<T>::quiet_NaN());
      if (steps)
        some.lengths[i].push_back(
            of.lengths[i].empty() ? steps : of.lengths[i][static_cast<std::size_t>(n)]);
    }
  }
  return some;
}
