// reversal [FILE]: an encoder-decoder with attention (Bahdanau et al. 2015) learns to say random
// tokens backwards, is saved, and answers sequences that it has never seen.
#include <algorithm>
#include <iostream>
#include <lstm_native/lstm_native.hpp>
#include <random>
#include <vector>

using namespace lstm_native;
using Tokens = std::vector<std::int64_t>;
constexpr Index kSymbols = 11, kSteps = 8;  // token 0 begins an answer, 1 to 10 are said

struct Task {
  Tokens source, answer, before;  // samples x steps: read, to be said, said one step before
  Task(Index samples, std::mt19937& random) {
    for (Index i = 0; i < samples; ++i) {
      before.push_back(0);
      for (Index t = 0; t < kSteps; ++t) source.push_back(1 + random() % (kSymbols - 1));
      answer.insert(answer.end(), source.rbegin(), source.rbegin() + kSteps);
      before.insert(before.end(), answer.end() - kSteps, answer.end() - 1);
    }
  }
};

Batch<float> batch(const Tokens& tokens) {
  Batch<float> x;
  x.tokens = tokens.data();
  x.samples = static_cast<Index>(tokens.size()) / kSteps;
  x.timesteps = kSteps;
  return x;
}

GraphSpec translator(LSTMSpec encoder, AttentionLSTMSpec decoder) {
  encoder.hidden_size = decoder.hidden_size = 64;
  GraphBuilder net;
  const Symbol source = net.input_tokens("source", kSymbols);
  const Symbol before = net.input_tokens("before", kSymbols);
  const Symbol words = net.add("words", EmbeddingSpec{kSymbols, 16}, {source});
  const Symbol heard = net.reuse("heard", "words", {before});  // with the same weights
  const Symbol memory = net.add("encoder", encoder, {words});
  // What goes in: x, the memory, and the states h and c that the decoder begins with.
  const Symbol y = net.add("decoder", decoder, {heard, memory, memory[1], memory[2]});
  net.output("next", net.add("logits", DenseSpec{kSymbols}, {y}));
  return net.spec();
}

int main(int argc, char** argv) {
  std::mt19937 random(1);
  Network<float> network(translator({}, {}), /*seed=*/1);
  OptimizerSpec adam;
  adam.learning_rate = 4e-3;
  Trainer<float> trainer(network, CategoricalCrossentropyLoss{}, adam);
  for (int i = 1; i <= 600; ++i) {
    const Task task(64, random);
    Targets<float> targets;
    targets.labels = task.answer.data();
    const double loss = trainer.step({batch(task.source), batch(task.before)}, {targets}).loss;
    if (i % 100 == 0) std::cout << "step " << i << "  loss " << loss << std::endl;
  }
  Model{network, {{"task", "reversal"}}}.save(argc > 1 ? argv[1] : "reversal.safetensors");

  const Index samples = 200;
  const Task unseen(samples, random);
  Stream<float> stream = network.stream(samples, {batch(unseen.source), {}});  // source is held
  Tokens said(samples, 0);  // what it has said itself goes back in, and not the right answer
  std::vector<float> logits(samples * kSymbols);
  Index right = 0;
  for (Index t = 0; t < kSteps; ++t) {
    const Batch<float> step[] = {{}, {nullptr, said.data()}};
    if (float* out = logits.data(); !stream.step(step, &out)) return 1;
    for (Index i = 0; i < samples; ++i) {
      const float* row = &logits[i * kSymbols];
      said[i] = std::max_element(row, row + kSymbols) - row;
      right += said[i] == unseen.answer[i * kSteps + t];
    }
  }
  std::cout << "right: " << 100 * right / (samples * kSteps) << " % of unseen tokens\n";
  return right >= 0.95 * samples * kSteps ? 0 : 1;
}
