// Streams: the same bits as predict, step by step, and a step that allocates nothing.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "allocation_count.hpp"
#include "file_helpers.hpp"
#include "network_helpers.hpp"
#include "sanitizers.hpp"

using namespace lstm_native;

namespace {

/// Every kind of layer that can be streamed, with sizes that leave tails.
std::vector<LayerSpec> many_layers() {
  return {lstm_layer(19, true, 2, 0.3),
          {LayerNormSpec{}},
          {DropoutSpec{0.5}},
          dense_layer(7, Activation::softmax),
          {ActivationSpec{Activation::tanh}},
          lstm_layer(5, true),
          dense_layer(6, Activation::relu),
          dense_layer(3)};
}

template <class T>
std::vector<T> predict(const Network<T>& network, const Batch<T>& x) {
  std::vector<T> y(
      static_cast<std::size_t>(x.samples * network.output_shape(x.timesteps).row_size()));
  network.predict(x, y.data());
  return y;
}

/// The values of step t of every sample.
template <class V>
std::vector<V> step_of(const std::vector<V>& x, Index samples, Index timesteps, Index t) {
  const Index width = static_cast<Index>(x.size()) / (samples * timesteps);
  std::vector<V> out;
  for (Index n = 0; n < samples; ++n)
    for (Index i = 0; i < width; ++i) out.push_back(x[(n * timesteps + t) * width + i]);
  return out;
}

template <class T>
std::vector<T> run_step(Stream<T>& stream, const std::vector<T>& x) {
  std::vector<T> y(static_cast<std::size_t>(stream.batch_size() * stream.output_features()));
  REQUIRE(stream.step(x.data(), y.data()));
  return y;
}

}  // namespace

TEST_CASE_TEMPLATE("stream: each step has the bits of predict", T, float, double) {
  const Network<T> network(many_layers(), 3, 4);
  for (const Index batch : {1, 2, 7, 33}) {
    const Series<T> data(batch, 6, 3);
    const auto whole = predict(network, data.batch());
    Stream<T> stream = network.stream(batch);
    CHECK(stream.batch_size() == batch);
    CHECK(stream.input_features() == 3);
    CHECK(stream.output_features() == 3);
    for (Index t = 0; t < data.timesteps; ++t)
      CHECK(same_bits(run_step(stream, step_of(data.x, batch, 6, t)), step_of(whole, batch, 6, t)));
  }
}

TEST_CASE("stream: without sequences, each step answers for the steps so far") {
  const Network<float> network({lstm_layer(9), dense_layer(2)}, 3, 4);
  const Series<float> data(2, 5, 3);
  Stream<float> stream = network.stream(2);
  for (Index t = 0; t < 5; ++t) {
    std::vector<float> so_far;
    for (Index n = 0; n < 2; ++n)
      so_far.insert(so_far.end(), &data.x[n * 15], &data.x[n * 15] + (t + 1) * 3);
    CHECK(same_bits(run_step(stream, step_of(data.x, 2, 5, t)),
                    predict(network, {so_far.data(), nullptr, 2, t + 1, 3})));
  }
}

TEST_CASE("stream: tokens, and those out of range change nothing") {
  const Network<float> network({{EmbeddingSpec{10, 4}}, lstm_layer(5, true)}, 0);
  const std::vector<std::int64_t> tokens = {0, 9, 3, 3, 1, 2};
  const auto whole = predict(network, {nullptr, tokens.data(), 2, 3, 0});
  Stream<float> stream = network.stream(2);
  CHECK(stream.takes_tokens());
  std::vector<float> y(10, 7.0f);
  for (Index t = 0; t < 3; ++t) {
    for (const std::int64_t wrong : {-1, 10}) {
      const std::int64_t bad[] = {1, wrong};
      const auto before = y;
      CHECK_FALSE(stream.step(bad, y.data()));
      CHECK(y == before);
    }
    CHECK_FALSE(stream.step(y.data(), y.data()));
    REQUIRE(stream.step(step_of(tokens, 2, 3, t).data(), y.data()));
    CHECK(same_bits(y, step_of(whole, 2, 3, t)));
  }
  Stream<float> values = Network<float>({lstm_layer(5)}, 1).stream();
  CHECK_FALSE(values.step(tokens.data(), y.data()));
}

#ifdef COUNTS_ALLOCATIONS
TEST_CASE_TEMPLATE("stream: a step allocates nothing", T, float, double) {
  const Index batch = 5;
  const Network<T> network(many_layers(), 3, 4);
  const Network<T> words({{EmbeddingSpec{10, 4}}, lstm_layer(70, true)}, 0);
  Stream<T> stream = network.stream(batch), tokens = words.stream(batch);
  const std::vector<T> x = random_values<T>(batch * 3, 1);
  const std::vector<std::int64_t> t(5, 3);
  std::vector<T> y(static_cast<std::size_t>(batch * 70));
  const long before = allocations;
  CHECK(before > 0);  // they are counted
  for (int i = 0; i < 3; ++i) {
    stream.step(x.data(), y.data());
    tokens.step(t.data(), y.data());
    stream.reset();
  }
  CHECK(allocations == before);
  CHECK(noexcept(stream.step(x.data(), y.data())));
  CHECK(noexcept(stream.step(t.data(), y.data())));
  CHECK(noexcept(stream.reset()));
}
#endif

TEST_CASE("stream: state by name, out of one stream and into another") {
  const Network<float> network(many_layers(), 3, 4);
  Stream<float> stream = network.stream(2), other = network.stream(2);
  const std::vector<std::pair<std::string, std::vector<Index>>> wanted = {
      {"0.h", {2, 2, 19}}, {"0.c", {2, 2, 19}}, {"5.h", {1, 2, 5}}, {"5.c", {1, 2, 5}}};
  const auto infos = stream.state();
  REQUIRE(infos.size() == wanted.size());
  const auto x = random_values<float>(6, 1);
  const auto first = run_step(stream, x);
  for (std::size_t i = 0; i < infos.size(); ++i) {
    CHECK(infos[i].name == wanted[i].first);
    CHECK(infos[i].shape == wanted[i].second);
    const std::vector<float> values = stream.get_state(infos[i].name);
    CHECK(values != std::vector<float>(values.size()));
    other.set_state(infos[i].name, values.data(), infos[i].size());
  }
  CHECK(same_bits(run_step(stream, x), run_step(other, x)));
  CHECK_FALSE(same_bits(run_step(stream, x), first));
  stream.reset();
  CHECK(same_bits(run_step(stream, x), first));
  const float value = 0;
  CHECK(contains(message_of<InvalidArgument>([&] { stream.set_state("0.h", &value, 1); }),
                 "expected 76 values, got 1"));
  CHECK(contains(message_of<InvalidArgument>([&] { stream.set_state("1.h", &value, 1); }), "1.h"));
}

TEST_CASE("stream: keeps the weights of its making") {
  Network<float> network(
      {{EmbeddingSpec{4, 3}}, lstm_layer(6, true), {LayerNormSpec{}}, dense_layer(2)}, 0, 4);
  Stream<float> before = network.stream(), kept = network.stream();
  set_weights(network, random_values<float>(network.parameter_count(), 8));
  Stream<float> after = network.stream();
  for (std::int64_t token : {1, 3, 2}) {
    float y[3][2];
    before.step(&token, y[0]);
    kept.step(&token, y[1]);
    after.step(&token, y[2]);
    CHECK(same_bits(y[0], y[1], 2));
    CHECK_FALSE(same_bits(y[0], y[2], 2));
  }
}

TEST_CASE("stream: what cannot run step by step is refused when it is made") {
  const HighwaySpec highway{3, {lstm_layer(4), dense_layer(2)}};
  const auto refusal = [](const std::vector<LayerSpec>& layers, Index batch) {
    const Network<float> network(layers, 2);
    return message_of<InvalidArgument>([&] { network.stream(batch); });
  };
  CHECK(contains(refusal({{highway}}, 1), "layer 0: Highway: cannot be streamed"));
  CHECK(contains(refusal({lstm_layer(4), lstm_layer(3)}, 1), "layer 1: LSTM"));
  CHECK(contains(refusal({lstm_layer(4)}, 0), "batch_size: expected 1"));
  CHECK(contains(refusal({lstm_layer(4)}, Index{1} << 40), "batch_size: expected 1"));
}

TEST_CASE("stream: several of one network beside each other") {
  const Network<float> network(many_layers(), 3, 4);
  const Series<float> data(1, 40, 3);
  const auto whole = predict(network, data.batch());
  std::vector<char> same(4, 0);
  std::vector<std::thread> threads;
  for (char& found : same)
    threads.emplace_back([&] {
      Stream<float> stream = network.stream();
      std::vector<float> y(3);
      bool all = true;
      for (Index t = 0; t < 40; ++t)
        all = stream.step(&data.x[t * 3], y.data()) && same_bits(y.data(), &whole[t * 3], 3) && all;
      found = all;
    });
  for (auto& thread : threads) thread.join();
  CHECK(same == std::vector<char>(4, 1));
}
