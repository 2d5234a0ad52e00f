// The public handles as objects: empty, moved from, copied, cloned; getters that know sizes; NaN.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "file_helpers.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

const std::vector<LayerSpec> kLayers = {lstm_layer(5, true), lstm_layer(3), dense_layer(2)};

template <class Call>
bool says_empty(const char* kind, const Call& call) {
  return message_of<InvalidArgument>(call) ==
         std::string("this ") + kind + " is empty: it was default-constructed or moved from";
}

void check_empty(Network<float>& network) {
  const char* const kind = "Network";
  const float value = 0;
  float out = 0;
  std::vector<float> y;
  const Batch<float> x{&value, nullptr, 1, 1, 1};
  CHECK_FALSE(network);
  CHECK(says_empty(kind, [&] { network.layers(); }));
  CHECK(says_empty(kind, [&] { network.input_features(); }));
  CHECK(says_empty(kind, [&] { network.takes_tokens(); }));
  CHECK(says_empty(kind, [&] { network.output_shape(1); }));
  CHECK(says_empty(kind, [&] { network.predict(x, &out); }));
  CHECK(says_empty(kind, [&] { network.predict(x, y); }));
  CHECK(says_empty(kind, [&] { network.predict(x); }));
  CHECK(says_empty(kind, [&] { network.stream(); }));
  CHECK(says_empty(kind, [&] { network.parameters(); }));
  CHECK(says_empty(kind, [&] { network.parameter_count(); }));
  CHECK(says_empty(kind, [&] { network.get_parameter("0.bias"); }));
  CHECK(says_empty(kind, [&] { network.get_parameter("0.bias", &out, 1); }));
  CHECK(says_empty(kind, [&] { network.set_parameter("0.bias", &value, 1); }));
  CHECK(says_empty(kind, [&] { network.clone(); }));
  CHECK(says_empty(kind, [&] { NetworkStates<float>{network}; }));
  CHECK(says_empty(kind, [&] { Trainer<float>(network, LossSpec{}, OptimizerSpec{}); }));
}

void check_empty(NetworkStates<float>& states, const Network<float>& network) {
  const char* const kind = "NetworkStates";
  const float value = 0;
  float out[2];
  CHECK_FALSE(states);
  CHECK(says_empty(kind, [&] { states.batch_size(); }));
  CHECK(says_empty(kind, [&] { states.reset(); }));
  CHECK(says_empty(kind, [&] { states.tensors(); }));
  CHECK(says_empty(kind, [&] { states.get("0.h"); }));
  CHECK(says_empty(kind, [&] { states.get("0.h", out, 1); }));
  CHECK(says_empty(kind, [&] { states.set("0.h", &value, 1); }));
  CHECK(says_empty(kind, [&] { network.predict({&value, nullptr, 1, 1, 1}, out, &states); }));
}

void check_empty(Stream<float>& stream) {
  const char* const kind = "Stream";
  const float value = 0;
  const std::int64_t token = 0;
  float out = 7;
  CHECK_FALSE(stream);
  CHECK_FALSE(stream.step(&value, &out));
  CHECK_FALSE(stream.step(&token, &out));
  CHECK(out == 7);
  stream.reset();
  CHECK(says_empty(kind, [&] { stream.batch_size(); }));
  CHECK(says_empty(kind, [&] { stream.input_features(); }));
  CHECK(says_empty(kind, [&] { stream.output_features(); }));
  CHECK(says_empty(kind, [&] { stream.takes_tokens(); }));
  CHECK(says_empty(kind, [&] { stream.state(); }));
  CHECK(says_empty(kind, [&] { stream.get_state("0.h"); }));
  CHECK(says_empty(kind, [&] { stream.get_state("0.h", &out, 1); }));
  CHECK(says_empty(kind, [&] { stream.set_state("0.h", &value, 1); }));
}

void check_empty(Trainer<float>& trainer) {
  const char* const kind = "Trainer";
  const float value = 0;
  float out = 0;
  const Batch<float> x{&value, nullptr, 1, 1, 1};
  CHECK_FALSE(trainer);
  CHECK(says_empty(kind, [&] { trainer.step(x, {&value}); }));
  CHECK(says_empty(kind, [&] { trainer.step(x, {&value}, nullptr, 1, 0); }));
  CHECK(says_empty(kind, [&] { trainer.evaluate(x, {&value}); }));
  CHECK(says_empty(kind, [&] { trainer.set_learning_rate(0.1); }));
  CHECK(says_empty(kind, [&] { trainer.loss(); }));
  CHECK(says_empty(kind, [&] { trainer.optimizer(); }));
  CHECK(says_empty(kind, [&] { trainer.network(); }));
  CHECK(says_empty(kind, [&] { trainer.iterations(); }));
  CHECK(says_empty(kind, [&] { trainer.set_iterations(1); }));
  CHECK(says_empty(kind, [&] { trainer.state(); }));
  CHECK(says_empty(kind, [&] { trainer.get_state("a"); }));
  CHECK(says_empty(kind, [&] { trainer.get_state("a", &out, 1); }));
  CHECK(says_empty(kind, [&] { trainer.set_state("a", &value, 1); }));
  CHECK(says_empty(kind, [&] { trainer.clone(); }));
}

}  // namespace

TEST_CASE("handles: moving and making empty ones never throws") {
  CHECK(std::is_nothrow_default_constructible_v<Network<float>>);
  CHECK(std::is_nothrow_default_constructible_v<NetworkStates<float>>);
  CHECK(std::is_nothrow_default_constructible_v<Stream<float>>);
  CHECK(std::is_nothrow_default_constructible_v<Trainer<float>>);
  CHECK(std::is_nothrow_move_constructible_v<Model>);
  CHECK(std::is_nothrow_move_assignable_v<Model>);
  CHECK(std::is_nothrow_move_assignable_v<Stream<float>>);
  CHECK_FALSE(std::is_convertible_v<Network<float>, bool>);  // only where a condition stands
}

TEST_CASE("handles: an empty one says so, and one that is assigned to works") {
  Network<float> network, moved_network(kLayers, 1, 2);
  Network<float> made = std::move(moved_network);
  check_empty(network);
  check_empty(moved_network);
  network = made;
  CHECK(network);
  CHECK(network.parameter_count() == made.parameter_count());

  NetworkStates<float> states, moved_states(made);
  NetworkStates<float> kept = std::move(moved_states);
  check_empty(states, made);
  check_empty(moved_states, made);
  states = std::move(kept);
  CHECK(states.batch_size() == 0);

  Stream<float> stream, moved_stream = made.stream(), running = std::move(moved_stream);
  check_empty(stream);
  check_empty(moved_stream);
  stream = std::move(running);
  const float x = 0.5f;
  float y[2];
  REQUIRE(stream);
  CHECK(stream.step(&x, y));

  Trainer<float> trainer, moved_trainer(made, LossSpec{}, OptimizerSpec{});
  Trainer<float> training = std::move(moved_trainer);
  check_empty(trainer);
  check_empty(moved_trainer);
  trainer = training;
  CHECK(trainer.iterations() == 0);

  const Model model;
  CHECK(says_empty("Network", [&] { model.predict({&x, nullptr, 1, 1, 1}); }));
  CHECK(says_empty("Network", [&] { model.stream(); }));
  CHECK(says_empty("Network", [&] { model.clone(); }));
  CHECK(says_empty("Network", [&] { model.save("never written"); }));
}

TEST_CASE("clone: the same answers from weights of its own, of every kind of layer") {
  ConvLSTMSpec images;
  images.filters = images.height = images.width = images.channels = 2;
  MinGRUSpec gru;
  gru.hidden_size = 4;
  DenseSpec tied{6, Activation::linear, true, true};
  const std::vector<std::pair<std::vector<LayerSpec>, Index>> all = {
      {kLayers, 3},
      {{lstm_layer(4, true, 2, 0.3), LayerNormSpec{}, ResidualSpec{{dense_layer(4)}}}, 3},
      {{HighwaySpec{2, {lstm_layer(3), dense_layer(2)}}}, 3},
      {{images, gru}, 8},
      {{EmbeddingSpec{6, 3}, lstm_layer(3, true), tied}, 0}};
  for (const auto& [layers, features] : all) {
    CAPTURE(layers.size());
    const Network<double> network(layers, features, 7);
    const auto before = weights_of(network);
    const auto values = random_values<double>(2 * 3 * features, 1);
    const std::vector<std::int64_t> tokens = {0, 1, 2, 3, 4, 5};
    Batch<double> x{values.data(), nullptr, 2, 3, features};
    if (network.takes_tokens()) x = {nullptr, tokens.data(), 2, 3, 0};
    const auto answer = network.predict(x);

    const Network<double> copy = network.clone();
    CHECK(weights_of(copy) == before);
    CHECK(same_bits(copy.predict(x), answer));
    set_weights(copy, std::vector<double>(before.size(), 0.25));
    CHECK(weights_of(network) == before);
    CHECK(same_bits(network.predict(x), answer));
    CHECK_FALSE(same_bits(copy.predict(x), answer));
  }
}

TEST_CASE("clone: of a model with its metadata, and of a trainer that goes on as the first would") {
  const Model model{Network<float>(kLayers, 2, 1), {{"rate", "48000"}}};
  const Model other = model.clone();
  CHECK(other.metadata == model.metadata);
  set_weights(other.network, std::vector<float>(weights_of(other.network).size(), 0.5f));
  CHECK(weights_of(model.network) != weights_of(other.network));

  for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::rmsprop}) {
    OptimizerSpec optimizer = adam(0.02);
    optimizer.kind = kind;
    const Series<float> data(6, 4, 2);
    Trainer<float> trainer(Network<float>(kLayers, 2, 3), LossSpec{}, optimizer);
    for (int i = 0; i < 3; ++i) step_all(trainer, data);
    Trainer<float> copy = trainer.clone();
    const auto at_the_fork = weights_of(trainer.network());
    for (int i = 0; i < 3; ++i) step_all(copy, data);
    CHECK(weights_of(trainer.network()) == at_the_fork);
    for (int i = 0; i < 3; ++i) step_all(trainer, data);
    CHECK(weights_of(copy.network()) == weights_of(trainer.network()));
    CHECK(state_of(copy) == state_of(trainer));
    CHECK(copy.iterations() == 6);
  }
}

TEST_CASE("clone: a trainer's clone can undo the update before it, too") {
  Series<float> data(6, 4, 2);
  Trainer<float> trainer(Network<float>(kLayers, 2, 3), LossSpec{}, sgd(0.1));
  const auto start = weights_of(trainer.network());
  step_all(trainer, data);
  Trainer<float> copy = trainer.clone();
  data.y[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(step_all(copy, data).finite);
  CHECK_FALSE(step_all(trainer, data).finite);
  CHECK(weights_of(copy.network()) == start);
  CHECK(weights_of(trainer.network()) == start);
}

TEST_CASE("getters: into memory of a known size, or into a vector") {
  const Network<float> network(kLayers, 2, 3);
  std::vector<float> out(200, 9.0f);
  const auto refused = [&](const auto& call) { return message_of<InvalidArgument>(call); };
  CHECK(refused([&] { network.get_parameter("2.bias", out.data(), 3); }) ==
        "'2.bias': expected 2 values, got 3");
  network.get_parameter("2.weight", out.data(), 6);
  CHECK(std::vector<float>(out.begin(), out.begin() + 6) == network.get_parameter("2.weight"));
  CHECK(out[6] == 9.0f);

  const Series<float> data(4, 3, 2);
  NetworkStates<float> states(network);
  std::vector<float> y;
  network.predict(data.batch(), y, &states);
  CHECK(same_bits(y, network.predict(data.batch())));
  CHECK(y.size() == 8);
  CHECK(refused([&] { states.get("0.h", out.data(), 19); }) == "'0.h': expected 20 values, got 19");
  states.get("0.h", out.data(), 20);
  CHECK(std::vector<float>(out.begin(), out.begin() + 20) == states.get("0.h"));

  Stream<float> stream = network.stream(4);
  CHECK(refused([&] { stream.get_state("1.c", out.data(), 20); }) ==
        "'1.c': expected 12 values, got 20");
  CHECK(stream.get_state("1.c") == std::vector<float>(12));

  Trainer<float> trainer(network, LossSpec{}, adam(0.1));
  trainer.step(data.batch(), data.targets());
  const std::string slot = trainer.state().front().name;
  const auto values = trainer.get_state(slot);
  const Index count = static_cast<Index>(values.size());
  CHECK_FALSE(refused([&] { trainer.get_state(slot, out.data(), count + 1); }).empty());
  trainer.get_state(slot, out.data(), count);
  CHECK(std::vector<float>(out.begin(), out.begin() + count) == values);
}

TEST_CASE("predict into a vector: of any length before, and untouched where x is refused") {
  const Network<float> network(kLayers, 2, 3);
  const Series<float> data(4, 3, 2);
  std::vector<float> y(100, 9.0f);
  Batch<float> wrong = data.batch();
  wrong.features = 3;
  CHECK_FALSE(message_of<InvalidArgument>([&] { network.predict(wrong, y); }).empty());
  wrong = data.batch();
  wrong.samples = -4;
  CHECK_FALSE(message_of<InvalidArgument>([&] { network.predict(wrong, y); }).empty());
  CHECK(y == std::vector<float>(100, 9.0f));
  network.predict(data.batch(), y);
  CHECK(y.size() == 8);
}

TEST_CASE("states: those of another network are refused, since their sizes may differ") {
  const Network<float> network(kLayers, 2, 3), other({lstm_layer(2), dense_layer(1)}, 2, 3);
  NetworkStates<float> states(other);
  const Series<float> data(4, 3, 2);
  std::vector<float> y;
  const std::string said = "states: expected those of this network, got another network's";
  CHECK(message_of<InvalidArgument>([&] { network.predict(data.batch(), y, &states); }) == said);
  Trainer<float> trainer(network, LossSpec{}, sgd(0.1));
  StepOptions<float> options;
  options.states = &states;
  const auto before = weights_of(network);
  CHECK(message_of<InvalidArgument>(
            [&] { trainer.step(data.batch(), data.targets(), 0, options); }) == said);
  CHECK(weights_of(network) == before);
}

TEST_CASE("trainer: a step over all samples needs no rows") {
  const Series<float> data(6, 4, 2);
  Trainer<float> a(Network<float>(kLayers, 2, 3), LossSpec{}, adam(0.1));
  Trainer<float> b(Network<float>(kLayers, 2, 3), LossSpec{}, adam(0.1));
  CHECK(a.step(data.batch(), data.targets(), 5).loss == step_all(b, data, 5).loss);
  CHECK(a.evaluate(data.batch(), data.targets()).loss ==
        b.evaluate(data.batch(), data.targets(), nullptr, 6).loss);
  CHECK(weights_of(a.network()) == weights_of(b.network()));
}

TEST_CASE("layers: given as they are, without a bracket around each") {
  LSTMSpec lstm;
  lstm.hidden_size = 4;
  DenseSpec dense;
  dense.units = 2;
  const Network<float> plain({lstm, dense}, 3, 1), bracketed({{lstm}, {dense}}, 3, 1);
  CHECK(weights_of(plain) == weights_of(bracketed));
  CHECK(std::get<DenseSpec>(plain.layers()[1].options).units == 2);
  CHECK_FALSE(std::is_convertible_v<int, LayerSpec>);
  CHECK_FALSE(std::is_convertible_v<RecurrentOptions, LayerSpec>);
}

TEST_CASE("NaN: spoils its own sequence from its step on, and no other") {
  LSTMSpec clipped;
  clipped.hidden_size = 5;
  clipped.cell_clip = clipped.gate_clip = 1.0;
  GRUSpec gru;
  gru.hidden_size = 5;
  gru.reset_after = false;
  RNNSpec relu;
  relu.hidden_size = 5;
  relu.activation.function = CellFunction::relu;
  const Index row = 4 * 2;
  for (const LayerSpec& layer :
       {lstm_layer(5, true), LayerSpec(clipped), LayerSpec(gru), LayerSpec(relu)})
    for (const Activation activation : {Activation::linear, Activation::relu, Activation::sigmoid,
                                        Activation::tanh, Activation::softmax}) {
      CAPTURE(layer.options.index());
      CAPTURE(static_cast<int>(activation));
      const Network<float> network({layer, dense_layer(2, activation)}, 2, 3);
      Series<float> data(3, 4, 2);
      const auto clean = network.predict(data.batch());
      data.x[row + 2 * 2] = std::numeric_limits<float>::quiet_NaN();  // sequence 1, step 2
      const auto spoilt = network.predict(data.batch());
      for (Index i = 0; i < 3 * row; ++i) {
        CAPTURE(i);
        if (i / row == 1 && i % row / 2 >= 2)
          CHECK(std::isnan(spoilt[i]));
        else
          CHECK(spoilt[i] == clean[i]);
      }
    }

  const Network<float> network({lstm_layer(5, true), dense_layer(2)}, 2, 3);
  Stream<float> stream = network.stream();
  const float good[2] = {0.5f, 0.1f}, bad[2] = {0.5f, std::numeric_limits<float>::quiet_NaN()};
  float first[2], y[2];
  stream.step(good, first);
  CHECK(stream.step(bad, y));
  CHECK(stream.step(good, y));
  CHECK(std::isnan(y[0]));  // it stays in the state
  stream.reset();
  stream.step(good, y);
  CHECK(y[0] == first[0]);

  Trainer<float> trainer(network, LossSpec{}, sgd(0.1));
  const auto before = weights_of(network);
  Series<float> data(3, 4, 2);
  data.x[0] = bad[1];
  data.y = std::vector<float>(3 * row, 0.0f);
  CHECK_FALSE(trainer.step(data.batch(), data.targets()).finite);
  CHECK(weights_of(network) == before);
}
