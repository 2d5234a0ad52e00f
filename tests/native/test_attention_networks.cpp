// Encoder-decoders with attention through the public headers: trained, saved, loaded, refused.
#include <doctest/doctest.h>

#include <numeric>

#include "lstm_native/error.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr Index kWords = 12, kSamples = 8, kSteps = 5;

AttentionLSTMSpec decoder(StepAttention attention) {
  AttentionLSTMSpec spec;
  spec.hidden_size = 16;
  spec.attention = attention;
  if (attention == StepAttention::window) spec.components = 3;
  return spec;
}

/// Words are read by an LSTM, whose states start a decoder that reads what has been said so far.
GraphSpec translator(StepAttention attention) {
  GraphBuilder net;
  const Symbol words = net.input_tokens("words", kWords), said = net.input_tokens("said", kWords);
  const Symbol read = net.add("embedding", EmbeddingSpec{kWords, 6}, {words});
  const Symbol coded = net.add("encoder", lstm_layer(16, true), {read});
  const Symbol heard = net.reuse("heard", "embedding", {said});
  const Symbol y = net.add("decoder", decoder(attention), {heard, coded, coded[1], coded[2]});
  net.output("words", net.add("logits", dense_layer(kWords), {y}));
  net.output("weights", y[attention == StepAttention::bahdanau ? 4
                          : attention == StepAttention::luong  ? 5
                                                               : 6]);
  return net.spec();
}

/// Sentences to be said backwards.
struct Sentences {
  std::vector<std::int64_t> words, said, answers;
  std::vector<Index> lengths;

  Sentences() : words(kSamples * kSteps), said(kSamples * kSteps), answers(kSamples * kSteps) {
    for (Index n = 0; n < kSamples; ++n) {
      lengths.push_back(2 + n % (kSteps - 1));
      for (Index t = 0; t < lengths.back(); ++t) {
        const auto at = static_cast<std::size_t>(n * kSteps + t);
        words[at] = 1 + (3 * n + 5 * t) % (kWords - 1);
        answers[static_cast<std::size_t>(n * kSteps + lengths.back() - 1 - t)] = words[at];
      }
      for (Index t = 1; t < kSteps; ++t)
        said[static_cast<std::size_t>(n * kSteps + t)] =
            answers[static_cast<std::size_t>(n * kSteps + t - 1)];
    }
  }
  template <class T>
  std::vector<Batch<T>> batches() const {
    return {{nullptr, words.data(), kSamples, kSteps, 0, lengths.data()},
            {nullptr, said.data(), kSamples, kSteps, 0, lengths.data()}};
  }
};

}  // namespace

TEST_CASE("attention networks: an encoder-decoder learns, and comes back from its file") {
  const Sentences data;
  for (const auto attention :
       {StepAttention::bahdanau, StepAttention::luong, StepAttention::window}) {
    CAPTURE(static_cast<int>(attention));
    const Network<float> network(translator(attention), 3);
    OptimizerSpec optimizer;
    optimizer.learning_rate = 0.01;
    Trainer<float> trainer(network, std::vector<OutputLoss>{{0, CategoricalCrossentropyLoss{}}},
                           optimizer);
    const auto step = [&] {
      return trainer.step(data.batches<float>(), {Targets<float>{nullptr, data.answers.data()}})
          .loss;
    };
    const double first = step();
    double last = first;
    for (int i = 0; i < 60; ++i) last = step();
    CHECK(last < 0.5 * first);

    const auto bytes = BasicModel<float>{network, {}}.to_bytes();
    const auto back = BasicModel<float>::load(bytes.data(), bytes.size());
    const auto wanted = network.predict(data.batches<float>());
    const auto got = back.network.predict(data.batches<float>());
    REQUIRE(wanted.size() == 2);
    CHECK(wanted[1].size() == kSamples * kSteps * kSteps);
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(same_bits(got[i], wanted[i]));
  }
}

TEST_CASE("attention networks: what does not fit is refused by the node's name") {
  const auto refusal = [](LayerSpec spec, std::size_t inputs) {
    GraphBuilder net;
    const Symbol x = net.input("x", 3), memory = net.input("memory", 5);
    const Symbol vector = net.add("last", lstm_layer(5), {memory});
    const std::vector<Symbol> all{x, memory, vector};
    const std::vector<Symbol> given(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(inputs));
    net.output("y", net.add("looking", std::move(spec), given));
    net.output("vector", vector);
    try {
      Network<float>(net.spec());
    } catch (const InvalidArgument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  AttentionSpec dot;
  dot.score = AttentionScore::dot;
  CHECK(contains(refusal(dot, 2), "node 'looking'"));
  CHECK(contains(refusal(dot, 2), "as many features, got 3 and 5"));
  CHECK(contains(refusal(AttentionSpec{}, 1), "node 'looking': input 'memory' reads nothing"));
  CHECK(contains(refusal(decoder(StepAttention::luong), 1), "input 'memory' reads nothing"));
  CHECK(contains(refusal(decoder(StepAttention::luong), 3), "node 'looking': input 'h'"));
}
