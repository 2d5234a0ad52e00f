// Subnormals: the caller's floating-point settings change no result and are as before after every
// call, and what is flushed is the same on every thread and instruction set.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/float_mode.hpp"
#include "core/runtime/team.hpp"
#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "network_helpers.hpp"
#include "thread_helpers.hpp"

#if defined(__x86_64__) || defined(__aarch64__)

using namespace lstm_native;

namespace {

using Word = FloatMode::Word;

#if defined(__x86_64__)
constexpr Word kSticky = 0x3f;  // what has happened so far
Word plain_settings() { return 0x1f80; }
std::vector<Word> settings() {
  return {0x1f80, 0x9f80, 0x1fc0, 0x9fc0,  // flush to zero, denormals are zeros, both
          0x3f80, 0x5f80, 0x7f80,          // other roundings
          0x1e00, 0x97c0};                 // some exceptions trap
}
#else
constexpr Word kSticky = 0;
Word plain_settings() { return 0; }
std::vector<Word> settings() { return {0, 1 << 24, 1 << 22, 3 << 22, 1 << 25}; }
#endif

/// The processor's settings until the end of the block.
class Settings {
 public:
  explicit Settings(Word word) : before_(FloatMode::read()) { FloatMode::write(word); }
  ~Settings() { FloatMode::write(before_); }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

 private:
  Word before_;
};

/// body() under every setting of the caller's: each is as before when it returns.
template <class Body>
void under_all_settings(const Body& body) {
  for (const Word word : settings()) {
    Word after = 0;
    {
      const Settings used(word);
      body();
      after = FloatMode::read();
    }
    CAPTURE(word);
    CHECK((after & ~kSticky) == word);
  }
}

/// Asked of the bits: arithmetic would depend on the settings.
template <class T>
bool is_subnormal(T value) {
  return std::fpclassify(value) == FP_SUBNORMAL;
}

template <class T>
bool has_subnormals(const std::vector<T>& values) {
  const Settings used(plain_settings());
  for (const T v : values)
    if (is_subnormal(v)) return true;
  return false;
}

/// Some subnormal, some normal, some zeros.
template <class T>
std::vector<T> mixed(Index count, std::uint64_t seed) {
  const Settings used(plain_settings());
  std::vector<T> values = random_values<T>(count, seed);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 3 == 0) values[i] *= std::numeric_limits<T>::min();
    if (i % 7 == 0) values[i] *= 16 * std::numeric_limits<T>::min();
    if (i % 11 == 0) values[i] = 0;
  }
  REQUIRE((count == 0 || has_subnormals(values)));
  return values;
}

/// A layer with subnormals in input, states and weights, and such gradients of what it returns.
template <class T>
struct MixedCase {
  LayerCase<T> layer;
  Upstream<T> up;

  MixedCase(const LayerSpec& spec, Index inputs, Index samples, Index steps)
      : layer(spec, inputs, samples, steps) {
    layer.x = mixed<T>(static_cast<Index>(layer.x.size()), 1);
    layer.h = mixed<T>(static_cast<Index>(layer.h.size()), 2);
    layer.c = mixed<T>(static_cast<Index>(layer.c.size()), 3);
    for (auto* p : layer.layer->parameters()) p->value = mixed<T>(p->info.size(), 4);
    layer.layer->parameters_changed();
    up = {mixed<T>(layer.output_size(), 5), mixed<T>(static_cast<Index>(layer.h.size()), 6),
          mixed<T>(static_cast<Index>(layer.c.size()), 7)};
  }
};

template <class T>
Network<T> mixed_network(Index inputs, Index hidden) {
  Network<T> network({lstm_layer(hidden, true), dense_layer(3, Activation::relu)}, inputs, 1);
  set_weights(network, mixed<T>(network.parameter_count(), 8));
  return network;
}

}  // namespace

TEST_CASE("float mode: set inside, as before outside, also when something is thrown") {
  under_all_settings([] {
    const Word before = FloatMode::read();
    try {
      const FloatMode mode;
      const volatile float tiny = std::numeric_limits<float>::min();
      CHECK(tiny * 0.5f == 0.0f);
      {
        const FloatMode again;
      }
      CHECK(tiny * 0.5f == 0.0f);  // the inner one has left the outer one's settings
      throw std::runtime_error("");
    } catch (const std::runtime_error&) {
    }
    CHECK((FloatMode::read() & ~kSticky) == (before & ~kSticky));
  });
}

TEST_CASE("float mode: every thread of a gang has it") {
  const Threads used(4);
  Gang gang(4);
  const FloatMode mode;
  std::vector<float> halves(4, 1.0f);
  gang.run(gang.size(), [&](Index part) {
    const volatile float tiny = std::numeric_limits<float>::min();
    halves[static_cast<std::size_t>(part)] = tiny * 0.5f;
  });
  CHECK(halves == std::vector<float>(4, 0.0f));
}

TEST_CASE_TEMPLATE("float mode: a caller's settings change no prediction and no streamed step", T,
                   float, double) {
  constexpr Index samples = 5, steps = 9, inputs = 6, hidden = 21;
  for_each_set([&](const std::string&) {
    const Network<T> network = mixed_network<T>(inputs, hidden);
    const std::vector<T> x = mixed<T>(samples * steps * inputs, 9);
    const auto predict = [&](Index first, Index count) {
      std::vector<T> y(static_cast<std::size_t>(count * steps * 3));
      network.predict({x.data() + first * steps * inputs, nullptr, count, steps, inputs}, y.data());
      return y;
    };
    const std::vector<T> wanted = predict(0, samples);
    under_all_settings([&] {
      CHECK(same_bits(predict(0, samples), wanted));
      const std::vector<T> alone = predict(2, 1);
      CHECK(same_bits(alone.data(), wanted.data() + 2 * steps * 3, steps * 3));
    });
    under_all_settings([&] {
      Stream<T> stream = network.stream(1);
      std::vector<T> y(static_cast<std::size_t>(steps * 3));
      for (Index t = 0; t < steps; ++t)
        CHECK(stream.step(x.data() + (2 * steps + t) * inputs, y.data() + t * 3));
      CHECK(same_bits(y.data(), wanted.data() + 2 * steps * 3, steps * 3));
    });
    under_all_settings([&] {
      std::vector<T> y(static_cast<std::size_t>(samples * steps * 3));
      CHECK_THROWS_AS(network.predict({x.data(), nullptr, samples, steps, inputs + 1}, y.data()),
                      InvalidArgument);
    });
  });
}

TEST_CASE_TEMPLATE("float mode: a caller's settings change no training and no initial weight", T,
                   float, double) {
  constexpr Index samples = 6, steps = 5, inputs = 4, hidden = 17;
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::rmsprop}) {
    struct Found {
      std::vector<T> weights, moments;
      double loss;
    };
    const auto train = [&]() -> Found {
      Network<T> network = mixed_network<T>(inputs, hidden);
      OptimizerSpec spec;
      spec.kind = kind;
      spec.weight_decay = 1e-3;
      Trainer<T> trainer(network, LossSpec{}, spec);
      const std::vector<T> x = mixed<T>(samples * steps * inputs, 9);
      const std::vector<T> y = mixed<T>(samples * steps * 3, 10);
      const Targets<T> targets{y.data(), nullptr, nullptr};
      for (int i = 0; i < 4; ++i)
        trainer.step({x.data(), nullptr, samples, steps, inputs}, targets, nullptr, samples, 0);
      const Index bad = samples;
      CHECK_THROWS_AS(
          trainer.step({x.data(), nullptr, samples, steps, inputs}, targets, &bad, 1, 0),
          InvalidArgument);
      const auto last =
          trainer.evaluate({x.data(), nullptr, samples, steps, inputs}, targets, nullptr, samples);
      return {weights_of(network), state_of(trainer), last.loss};
    };
    const Found wanted = train();
    under_all_settings([&] {
      const Found found = train();
      CHECK(same_bits(found.weights, wanted.weights));
      CHECK(same_bits(found.moments, wanted.moments));
      CHECK(found.loss == wanted.loss);
    });
  }
  const auto fresh = [] { return weights_of(Network<T>({lstm_layer(9), dense_layer(2)}, 5, 3)); };
  const std::vector<T> wanted = fresh();
  under_all_settings([&] { CHECK(same_bits(fresh(), wanted)); });
}

TEST_CASE_TEMPLATE("float mode: subnormals are flushed alike on any number of threads", T, float,
                   double) {
  LSTMSpec spec;
  for (const Index samples : {24, 1}) {
    spec.hidden_size = samples == 1 ? 192 : 33;
    for_each_set([&](const std::string&) {
      const MixedCase<T> c({spec}, 16, samples, 12);
      LayerResult<T> one;
      for (const int threads : {1, 2, 3}) {
        const Threads used(threads);
        const auto got = c.layer.backward(c.up);
        if (threads == 1) one = got;
        CHECK(got.same_forward(one));
        CHECK(got.same_backward(one));
      }
    });
  }
}

TEST_CASE_TEMPLATE("float mode: subnormals are flushed alike on AVX2 and AVX-512", T, float,
                   double) {
  LSTMSpec lstm;
  lstm.hidden_size = 19;
  for (const LayerSpec& spec :
       {LayerSpec{lstm}, LayerSpec{DenseSpec{13, Activation::softmax, true}},
        LayerSpec{DenseSpec{13, Activation::tanh, true}},
        LayerSpec{DenseSpec{13, Activation::relu, true}}, LayerSpec{LayerNormSpec{}}}) {
    std::vector<LayerResult<T>> found;
    for_every_set([&](const std::string& name) {
      if (name != "avx2" && name != "avx512") return;
      const MixedCase<T> c(spec, 10, 5, 7);
      found.push_back(c.layer.backward(c.up));
    });
    for (const LayerResult<T>& got : found) {
      CHECK(got.same_forward(found.front()));
      CHECK(got.same_backward(found.front()));
    }
  }
}

TEST_CASE_TEMPLATE("float mode: states and moments that decay end in zeros, not in subnormals", T,
                   float, double) {
  Network<T> network({lstm_layer(16, true)}, 2, 1);
  Stream<T> stream = network.stream(1);
  const std::vector<T> silence(2, T(0)), small(16, 1000 * std::numeric_limits<T>::min());
  std::vector<T> y(16), c(16);
  stream.set_state("0.h", small.data(), 16);
  stream.set_state("0.c", small.data(), 16);
  for (int i = 0; i < 4000; ++i) stream.step(silence.data(), y.data());
  stream.get_state("0.c", c.data(), 16);
  CHECK(y == std::vector<T>(16, T(0)));
  CHECK(c == std::vector<T>(16, T(0)));

  // A token that is never seen again: its moments shrink by a tenth and a thousandth a step.
  EmbeddingSpec embedding;
  embedding.vocabulary = 4;
  embedding.features = 3;
  Network<T> words({LayerSpec{embedding}, dense_layer(1)}, 0, 1);
  OptimizerSpec spec = adam(1e-3);
  spec.beta2 = 0.9;
  Trainer<T> trainer(words, LossSpec{}, spec);
  const T wanted = 1;
  for (int i = 0; i < 10000; ++i) {
    const std::int64_t token = i == 0;
    trainer.step({nullptr, &token, 1, 0, 0}, {&wanted, nullptr, nullptr}, nullptr, 1, 0);
  }
  CHECK_FALSE(has_subnormals(state_of(trainer)));
}

TEST_CASE_TEMPLATE("float mode: a gradient that vanishes over 2,000 steps stays right", T, float,
                   double) {
  LSTMSpec spec;
  spec.hidden_size = 64;
  spec.return_sequences = false;
  LayerCase<T> layer({spec}, 4, 2, 2000, 0.1);
  const Upstream<T> up = layer.upstream();
  const auto found = layer.backward(up);
  CHECK_FALSE(has_subnormals(found.dx));
  for (const auto& gradient : found.gradients) CHECK_FALSE(has_subnormals(gradient));
  // What is lost is below the smallest normal number: the same in double, which has it all.
  LayerCase<double> exact({spec}, 4, 2, 2000, 0.1);
  exact.x = to_double(layer.x);
  exact.h = to_double(layer.h);
  exact.c = to_double(layer.c);
  for (std::size_t i = 0; i < layer.layer->parameters().size(); ++i)
    exact.layer->parameters()[i]->value = to_double(layer.layer->parameters()[i]->value);
  exact.layer->parameters_changed();
  const auto wanted = exact.backward({to_double(up.dy), to_double(up.dh), to_double(up.dc)});
  CHECK(relative_error(found.dx, wanted.dx) <= 20 * kForwardTolerance<T>);
  for (std::size_t i = 0; i < found.gradients.size(); ++i)
    CHECK(relative_error(found.gradients[i], wanted.gradients[i]) <= 20 * kForwardTolerance<T>);
}

TEST_CASE("float mode: rates and epsilons that would be zeros are refused") {
  const Network<float> network({dense_layer(1)}, 1, 1);
  OptimizerSpec spec = adam(1e-40);
  CHECK_THROWS_AS(Trainer<float>(network, LossSpec{}, spec), InvalidArgument);
  spec = adam(1e-3);
  spec.epsilon = 1e-40;
  CHECK_THROWS_AS(Trainer<float>(network, LossSpec{}, spec), InvalidArgument);
  const Network<double> wide({dense_layer(1)}, 1, 1);
  CHECK_NOTHROW(Trainer<double>(wide, LossSpec{}, spec));
}

#endif
