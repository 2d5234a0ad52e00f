// Streams of graphs: inputs that are held, several that are stepped, beams.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "allocation_count.hpp"
#include "network_helpers.hpp"
#include "sanitizers.hpp"

using namespace lstm_native;

namespace {

constexpr Index kVocabulary = 7;

/// An encoder whose state begins a decoder.
GraphSpec encoder_decoder() {
  GraphBuilder net;
  const Symbol source = net.input("source", 3);
  const Symbol words = net.input_tokens("words", kVocabulary);
  const Symbol code = net.add("encoder", lstm_layer(5, true), {source});
  const Symbol vectors = net.add("vectors", EmbeddingSpec{kVocabulary, 4}, {words});
  const Symbol y = net.add("decoder", lstm_layer(5, true), {vectors, code[1], code[2]});
  net.output("word", net.add("word", dense_layer(kVocabulary), {y}));
  return net.spec();
}

std::vector<std::int64_t> words_of(Index samples, Index timesteps) {
  std::vector<std::int64_t> words;
  for (Index i = 0; i < samples * timesteps; ++i) words.push_back((i * 5 + i / 3) % kVocabulary);
  return words;
}

/// Step t of every sequence.
template <class V>
std::vector<V> step_of(const std::vector<V>& x, Index samples, Index t) {
  std::vector<V> out;
  const Index steps = static_cast<Index>(x.size()) / samples;
  for (Index n = 0; n < samples; ++n) out.push_back(x[static_cast<std::size_t>(n * steps + t)]);
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE("graph stream: a decoder holds the source", T, float, double) {
  const Network<T> network(encoder_decoder(), 3);
  const Series<T> source(3, 5, 3);
  const auto words = words_of(3, 4);
  const std::vector<Batch<T>> x{source.batch(), {nullptr, words.data(), 3, 4, 0}};
  const std::vector<T> whole = network.predict(x)[0];

  Stream<T> stream = network.stream(3, {source.batch(), {}});
  CHECK(stream.inputs() == 1);
  CHECK(stream.takes_tokens());
  CHECK(stream.output_features() == kVocabulary);
  for (int round = 0; round < 2; ++round) {
    for (Index t = 0; t < 4; ++t) {
      std::vector<T> y(3 * kVocabulary);
      const auto step = step_of(words, 3, t);
      REQUIRE(stream.step(step.data(), y.data()));
      for (Index n = 0; n < 3; ++n)
        for (Index k = 0; k < kVocabulary; ++k)
          CHECK(y[n * kVocabulary + k] == whole[(n * 4 + t) * kVocabulary + k]);
    }
    stream.reset();
  }
}

TEST_CASE("graph stream: beams go on from one another, and a step allocates nothing") {
  const Network<float> network(encoder_decoder(), 3);
  Series<float> source(3, 5, 3);
  for (std::size_t i = 0; i < 2 * 15; ++i) source.x[15 + i] = source.x[i % 15];
  const std::vector<std::int64_t> first{1, 2, 3}, second{4, 5, 6};
  Stream<float> stream = network.stream(3, {source.batch(), {}});
  std::vector<float> y(3 * kVocabulary);
  REQUIRE(stream.step(first.data(), y.data()));
  const std::vector<Index> from{2, 0, 2}, wrong{0, 1, 3};
  CHECK_FALSE(stream.reorder(wrong.data()));
#ifdef COUNTS_ALLOCATIONS
  const long before = allocations;
#endif
  CHECK(stream.reorder(from.data()));
  REQUIRE(stream.step(second.data(), y.data()));
#ifdef COUNTS_ALLOCATIONS
  CHECK(allocations == before);
#endif

  const std::vector<std::int64_t> words{3, 4, 1, 5, 3, 6};
  const auto whole = network.predict({source.batch(), {nullptr, words.data(), 3, 2, 0}})[0];
  for (Index n = 0; n < 3; ++n)
    for (Index k = 0; k < kVocabulary; ++k)
      CHECK(y[n * kVocabulary + k] == whole[(n * 2 + 1) * kVocabulary + k]);
}

TEST_CASE("graph stream: what cannot be held is refused") {
  const Network<float> network(encoder_decoder(), 3);
  const Series<float> source(3, 5, 3);
  const auto words = words_of(3, 4);
  const Batch<float> given{nullptr, words.data(), 3, 4, 0};
  CHECK_THROWS_AS(network.stream(3), InvalidArgument);  // a state that is known at its end
  CHECK_THROWS_AS(network.stream(2, {source.batch(), {}}), InvalidArgument);
  CHECK_THROWS_AS(network.stream(3, {source.batch()}), InvalidArgument);
  CHECK_THROWS_AS(network.stream(3, {source.batch(), given}), InvalidArgument);
}
