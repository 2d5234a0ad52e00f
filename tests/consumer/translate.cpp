// translate FOLDER
// Trains an encoder and a decoder with attention on sentences of different lengths, saves them as
// FOLDER/translate.safetensors, and writes beside it, as raw values, the sentences (source.raw and
// before.raw, int64), their lengths (lengths.raw, int64) and the answers (answers.raw, float32).
#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <lstm_native/lstm_native.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace lstm_native;

constexpr Index kSamples = 24, kSteps = 7, kWords = 12;

GraphSpec translator() {
  LSTMSpec encoder;
  encoder.hidden_size = 19;
  AttentionLSTMSpec decoder;
  decoder.hidden_size = 19;
  decoder.attention = StepAttention::luong;
  decoder.score = AttentionScore::general;
  GraphBuilder net;
  const Symbol source = net.input_tokens("source", kWords);
  const Symbol before = net.input_tokens("before", kWords);
  const Symbol memory =
      net.add("encoder", encoder, {net.add("words", EmbeddingSpec{kWords, 5}, {source})});
  const Symbol said = net.add("said", EmbeddingSpec{kWords, 5}, {before});
  const Symbol y = net.add("decoder", decoder, {said, memory, memory[1], memory[2]});
  net.output("next", net.add("logits", DenseSpec{kWords}, {y}));
  return net.spec();
}

template <class V>
void write(const std::string& path, const std::vector<V>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(V)));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

bool run(const std::string& folder) {
  std::mt19937 random(3);
  std::vector<std::int64_t> source, before, answer;
  std::vector<Index> lengths;
  for (Index i = 0; i < kSamples; ++i) {
    lengths.push_back(1 + static_cast<Index>(random() % kSteps));
    std::int64_t last = 0;
    for (Index t = 0; t < kSteps; ++t) {
      source.push_back(1 + static_cast<std::int64_t>(random() % (kWords - 1)));
      before.push_back(last);
      answer.push_back(last = source.back());  // a copy of what was read
    }
  }
  Batch<float> read, said;
  read.tokens = source.data();
  said.tokens = before.data();
  read.samples = said.samples = kSamples;
  read.timesteps = said.timesteps = kSteps;
  read.lengths = said.lengths = lengths.data();
  Targets<float> targets;
  targets.labels = answer.data();

  Network<float> network(translator(), 5);
  OptimizerSpec adam;
  adam.learning_rate = 0.01;
  Trainer<float> trainer(network, CategoricalCrossentropyLoss{}, adam);
  const double begin = trainer.evaluate({read, said}, {targets}).loss;
  for (int i = 0; i < 60; ++i)
    if (!trainer.step({read, said}, {targets}).finite) return false;
  const double end = trainer.evaluate({read, said}, {targets}).loss;
  std::cout << "loss " << begin << " -> " << end << '\n';

  Model{network, {}}.save(folder + "/translate.safetensors");
  write(folder + "/source.raw", source);
  write(folder + "/before.raw", before);
  write(folder + "/lengths.raw", lengths);
  write(folder + "/answers.raw", network.predict({read, said}).front());
  return end < 0.5 * begin;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: translate FOLDER\n";
    return 2;
  }
  try {
    return run(argv[1]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "translate: " << error.what() << '\n';
    return 1;
  }
}
