// Small model files, to be read, changed and written again.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/files/model_file.hpp"
#include "core/files/safetensors.hpp"
#include "file_helpers.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

inline OptimizerSpec adam() {
  OptimizerSpec spec;
  spec.learning_rate = 0.01;
  spec.clip_norm = 1.0;
  return spec;
}

/// Some inputs and targets of 4 samples, 5 steps, 2 features.
template <class T>
struct Data {
  std::vector<T> x, y;

  Data() {
    for (int i = 0; i < 4 * 5 * 2; ++i) x.push_back(static_cast<T>(i % 7 - 3) / 4);
    for (int i = 0; i < 4; ++i) y.push_back(static_cast<T>(i % 3) / 2);
  }
  Batch<T> batch() const { return {x.data(), nullptr, 4, 5, 2}; }
  Targets<T> targets() const { return {y.data(), nullptr, nullptr}; }
};

template <class T>
void train(Trainer<T>& trainer, int steps) {
  const Data<T> data;
  for (int i = 0; i < steps; ++i) trainer.step(data.batch(), data.targets(), nullptr, 4, 7);
}

/// A file's metadata and tensors, to be changed and written as another file.
struct Content {
  std::map<std::string, std::string> metadata;
  std::vector<TensorSource> tensors;

  explicit Content(const std::string& path) {
    const SafetensorsFile file(path);
    metadata = file.header().metadata;
    for (const auto& [name, tensor] : file.header().tensors) {
      std::string bytes(static_cast<std::size_t>(tensor.end - tensor.begin), '\0');
      file.read(tensor, bytes.data());
      tensors.push_back({name, tensor.dtype, tensor.shape, [bytes](void* out) {
                           std::copy(bytes.begin(), bytes.end(), static_cast<char*>(out));
                         }});
    }
  }

  TensorSource& tensor(const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const TensorSource& tensor) { return tensor.name == name; });
  }
};

/// A small model file as bytes: one LSTM, one Dense, Adam's state.
inline std::string small_file(const std::string& path) {
  Network<float> network({{LSTMSpec{2, 1, false}}, {DenseSpec{1}}}, 2, 1);
  Trainer<float> trainer(network, LossSpec{}, adam());
  train(trainer, 1);
  save_model<float>(path, network, &trainer, {{"unit", "months"}});
  return read_bytes(path);
}

/// True when the file loads, false when it is refused as it should be. Bytes in memory are the
/// same to it.
inline bool loads(const std::string& path) {
  const std::string bytes = read_bytes(path);
  const auto refusal = [](const auto& load) {
    return message_of<FormatError>([&] { load(); }).substr(0, 5);
  };
  const std::string file = refusal([&] { load_model<float>(path); });
  const std::string memory =
      refusal([&] { ModelSource(bytes.data(), bytes.size()).load<float>(true); });
  CHECK(file == memory);
  return file.empty();
}

}  // namespace lstm_native
