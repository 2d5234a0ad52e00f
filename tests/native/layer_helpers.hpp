// A layer run forward and backward with everything it needs, and its gradients checked.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "core/base/float_mode.hpp"
#include "core/layers/sequence_layer.hpp"
#include "core/network/layer_factory.hpp"
#include "numeric_helpers.hpp"

/// What came back. States are layers x samples x features.
template <class T>
struct LayerResult {
  std::vector<T> y, h, c;
  std::vector<T> dx, dh, dc;
  std::vector<std::vector<T>> gradients;

  bool same_forward(const LayerResult& o) const {
    return same_bits(y, o.y) && same_bits(h, o.h) && same_bits(c, o.c);
  }
  bool same_backward(const LayerResult& o) const {
    bool same = same_bits(dx, o.dx) && same_bits(dh, o.dh) && same_bits(dc, o.dc) &&
                gradients.size() == o.gradients.size();
    for (std::size_t i = 0; same && i < gradients.size(); ++i)
      same = same_bits(gradients[i], o.gradients[i]);
    return same;
  }
};

/// Gradients of what a pass returns.
template <class T>
struct Upstream {
  std::vector<T> dy, dh, dc;
};

/// A layer and one input for it. Weights, input and states are drawn at random.
template <class T>
struct LayerCase {
  std::shared_ptr<lstm_native::SequenceLayer<T>> layer;
  Index samples, timesteps;
  std::vector<T> x, h, c;
  std::vector<std::int64_t> tokens;
  bool training = false;
  std::uint64_t seed = 5;  // of dropout

  LayerCase(const lstm_native::LayerSpec& spec, Index inputs, Index n, Index steps,
            double weights = 0.5)
      : layer(std::dynamic_pointer_cast<lstm_native::SequenceLayer<T>>(
            lstm_native::make_layer<T>(spec, inputs, 1))),
        samples(n),
        timesteps(steps) {
    std::uint64_t draw = 20;
    for (auto* p : layer->parameters())
      p->value = random_values<T>(p->info.size(), ++draw, weights);
    layer->parameters_changed();
    x = random_values<T>(lstm_native::rows_of(n, steps) * inputs, 2);
    h = random_values<T>(layer->state_shape().size(0, n), 3, 0.5);
    if (layer->state_shape().count > 1) c = random_values<T>(layer->state_shape().size(1, n), 4);
  }

  Index output_size() const { return samples * layer->output_shape(timesteps).row_size(); }

  Upstream<T> upstream() const {
    return {random_values<T>(output_size(), 6), random_values<T>(static_cast<Index>(h.size()), 7),
            random_values<T>(static_cast<Index>(c.size()), 8)};
  }

  lstm_native::Batch<T> batch() const {
    const Index rows = lstm_native::rows_of(samples, timesteps);
    if (!tokens.empty()) return {nullptr, tokens.data(), samples, timesteps, 0};
    return {x.data(), nullptr, samples, timesteps, static_cast<Index>(x.size()) / rows};
  }

  LayerResult<T> forward() const { return run(nullptr); }
  LayerResult<T> backward(const Upstream<T>& up) const { return run(&up); }

  /// The loss whose gradients `up` is.
  double loss(const Upstream<T>& up) const {
    layer->parameters_changed();
    const LayerResult<T> r = forward();
    return dot(r.y, up.dy) + dot(r.h, up.dh) + dot(r.c, up.dc);
  }

 private:
  LayerResult<T> run(const Upstream<T>* up) const {
    const lstm_native::FloatMode mode;  // as every public entry has it
    lstm_native::Workspace workspace;
    LayerResult<T> r;
    r.y.resize(static_cast<std::size_t>(output_size()));
    r.h.resize(h.size());
    r.c.resize(c.size());
    lstm_native::States<T> states;
    if (!h.empty()) {
      states.initial[0] = h.data();
      states.final[0] = r.h.data();
    }
    if (!c.empty()) {
      states.initial[1] = c.data();
      states.final[1] = r.c.data();
    }
    const lstm_native::Batch<T> input = batch();
    lstm_native::check_input(*layer, input);
    const auto tape = layer->forward(input, r.y.data(), states,
                                     {workspace, /*remember=*/up != nullptr, training, seed});
    REQUIRE((tape != nullptr) == (up != nullptr));
    if (!up) return r;
    r.dx.resize(x.size());
    r.dh.resize(h.size());
    r.dc.resize(c.size());
    std::vector<T*> pointers;
    for (auto* p : layer->parameters()) r.gradients.emplace_back(p->value.size());
    for (auto& g : r.gradients) pointers.push_back(g.data());
    lstm_native::StateGradients<T> gradients;
    if (!h.empty()) {
      gradients.final[0] = up->dh.data();
      gradients.initial[0] = r.dh.data();
    }
    if (!c.empty()) {
      gradients.final[1] = up->dc.data();
      gradients.initial[1] = r.dc.data();
    }
    tape->backward(up->dy.data(), tokens.empty() ? r.dx.data() : nullptr, gradients,
                   pointers.data(), workspace);
    return r;
  }
};

/// Every gradient of a layer against central differences, in double.
inline void check_gradients(LayerCase<double> layer) {
  const Upstream<double> up = layer.upstream();
  const LayerResult<double> got = layer.backward(up);
  REQUIRE(got.same_forward(layer.forward()));
  const auto differences = [&](std::vector<double>& of) {
    return central_differences(of, [&] { return layer.loss(up); });
  };
  if (layer.tokens.empty())
    CHECK(relative_error(got.dx, differences(layer.x)) <= kGradientTolerance);
  CHECK(relative_error(got.dh, differences(layer.h)) <= kGradientTolerance);
  CHECK(relative_error(got.dc, differences(layer.c)) <= kGradientTolerance);
  const auto parameters = layer.layer->parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i]->info.name);
    CHECK(relative_error(got.gradients[i], differences(parameters[i]->value)) <=
          kGradientTolerance);
  }
}
