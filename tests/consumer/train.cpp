// train MODEL
// Learns the next value of a sine from the last 16, without Python. Ends in 0 when the loss has
// fallen to a tenth and the saved model predicts the same bits after loading.
#include <cmath>
#include <exception>
#include <iostream>
#include <lstm_native/lstm_native.hpp>
#include <vector>

namespace {

using lstm_native::Index;

constexpr Index kTimesteps = 16;
constexpr Index kSamples = 64;

bool run(const char* path) {
  std::vector<float> x;
  std::vector<float> y;
  for (Index i = 0; i < kSamples; ++i) {
    for (Index t = 0; t < kTimesteps; ++t) x.push_back(std::sin(0.3f * static_cast<float>(i + t)));
    y.push_back(std::sin(0.3f * static_cast<float>(i + kTimesteps)));
  }
  lstm_native::Batch<float> batch;
  batch.values = x.data();
  batch.samples = kSamples;
  batch.timesteps = kTimesteps;
  batch.features = 1;
  lstm_native::Targets<float> targets;
  targets.values = y.data();

  lstm_native::LSTMSpec lstm;
  lstm.hidden_size = 8;
  lstm.return_sequences = false;
  lstm_native::DenseSpec dense;
  dense.units = 1;
  lstm_native::Network<float> network({{lstm}, {dense}}, batch.features, 1);

  lstm_native::OptimizerSpec adam;
  adam.learning_rate = 0.01;
  lstm_native::Trainer<float> trainer(network, lstm_native::LossSpec{}, adam);

  const double before = trainer.evaluate(batch, targets, nullptr, kSamples).loss;
  for (int i = 0; i < 200; ++i)
    if (!trainer.step(batch, targets, nullptr, kSamples, 0).finite) return false;
  const double after = trainer.evaluate(batch, targets, nullptr, kSamples).loss;
  std::cout << "loss " << before << " -> " << after << '\n';

  const lstm_native::Model model{network, {{"made by", "tests/consumer"}}};
  model.save(path);
  const auto loaded = lstm_native::Model::load(path);
  std::vector<float> predicted(kSamples);
  std::vector<float> again(kSamples);
  model.predict(batch, predicted.data());
  loaded.predict(batch, again.data());
  return after < 0.1 * before && predicted == again && loaded.metadata == model.metadata;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: train MODEL\n";
    return 2;
  }
  try {
    return run(argv[1]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "train: " << error.what() << '\n';
    return 1;
  }
}
