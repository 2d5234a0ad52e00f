// Networks and trainers through the public headers, as a C++ program uses them.
#pragma once

#include <lstm_native/lstm_native.hpp>
#include <string>
#include <vector>

#include "numeric_helpers.hpp"

inline lstm_native::LayerSpec lstm_layer(Index hidden, bool sequences = false, Index layers = 1,
                                         double dropout = 0.0) {
  lstm_native::LSTMSpec spec;
  spec.hidden_size = hidden;
  spec.num_layers = layers;
  spec.return_sequences = sequences;
  spec.dropout = dropout;
  return {spec};
}

inline lstm_native::LayerSpec dense_layer(
    Index units, lstm_native::Activation activation = lstm_native::Activation::linear) {
  return {lstm_native::DenseSpec{units, activation, true}};
}

inline lstm_native::OptimizerSpec sgd(double learning_rate) {
  lstm_native::OptimizerSpec spec;
  spec.kind = lstm_native::OptimizerKind::sgd;
  spec.learning_rate = learning_rate;
  return spec;
}

inline lstm_native::OptimizerSpec adam(double learning_rate) {
  lstm_native::OptimizerSpec spec;
  spec.learning_rate = learning_rate;
  return spec;
}

/// All parameters of a network, one after another.
template <class T>
std::vector<T> weights_of(const lstm_native::Network<T>& network) {
  std::vector<T> all(static_cast<std::size_t>(network.parameter_count()));
  T* out = all.data();
  for (const auto& p : network.parameters()) {
    network.get_parameter(p.name, out, p.size());
    out += p.size();
  }
  return all;
}

template <class T>
void set_weights(lstm_native::Network<T> network, const std::vector<T>& all) {
  const T* values = all.data();
  for (const auto& p : network.parameters()) {
    network.set_parameter(p.name, values, p.size());
    values += p.size();
  }
}

template <class T>
std::vector<T> parameter(const lstm_native::Network<T>& network, const std::string& name) {
  for (const auto& p : network.parameters())
    if (p.name == name) return network.get_parameter(name);
  return {};
}

/// All of an optimiser's state tensors, one after another.
template <class T>
std::vector<T> state_of(const lstm_native::Trainer<T>& trainer) {
  std::vector<T> all;
  for (const auto& slot : trainer.state()) {
    const std::vector<T> values = trainer.get_state(slot.name);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Sequences and the values a network should find in them: the mean of each feature's steps,
/// those of the first one with a sign that alternates.
template <class T>
struct Series {
  Index samples, timesteps, features;
  std::vector<T> x, y;

  Series(Index n, Index steps, Index width, std::uint64_t seed = 9)
      : samples(n),
        timesteps(steps),
        features(width),
        x(random_values<T>(n * steps * width, seed)) {
    for (Index i = 0; i < n; ++i)
      for (Index f = 0; f < width; ++f) {
        T sum = 0;
        for (Index t = 0; t < steps; ++t)
          sum += x[(i * steps + t) * width + f] * T(f == 0 && t % 2 ? -1 : 1);
        y.push_back(sum / static_cast<T>(steps));
      }
  }

  lstm_native::Batch<T> batch() const { return {x.data(), nullptr, samples, timesteps, features}; }
  lstm_native::Targets<T> targets() const { return {y.data(), nullptr, nullptr}; }
};

/// One step over everything.
template <class T>
lstm_native::StepResult step_all(lstm_native::Trainer<T>& trainer, const Series<T>& data,
                                 std::uint64_t seed = 0) {
  return trainer.step(data.batch(), data.targets(), nullptr, data.samples, seed);
}
