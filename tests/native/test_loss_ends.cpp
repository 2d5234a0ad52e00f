// Cross-entropies over networks that end with a sigmoid or a softmax, and without.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/files/model_file.hpp"
#include "core/network/handles.hpp"
#include "core/training/trainer_impl.hpp"
#include "file_helpers.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

enum class Kind { squared, binary, categorical };
constexpr Kind kBinary = Kind::binary, kCategorical = Kind::categorical;

LossSpec loss_of(Kind kind, OutputReading outputs = OutputReading::automatic) {
  if (kind == kBinary) return BinaryCrossentropyLoss{outputs};
  if (kind == kCategorical) return CategoricalCrossentropyLoss{outputs};
  return MSELoss{};
}

Activation activation_of(Kind kind) {
  return kind == kBinary ? Activation::sigmoid : Activation::softmax;
}

/// What a trainer says when it is made; empty: it takes the loss.
std::string complaint(const std::vector<LayerSpec>& layers, const LossSpec& loss) {
  const Network<float> network(layers, 3, 1);
  return message_of<InvalidArgument>([&] { Trainer<float>(network, loss, sgd(0.1)); });
}

}  // namespace

TEST_CASE_TEMPLATE("loss ends: with its activation a network learns as without, bit for bit", T,
                   float, double) {
  const Series<T> data(6, 5, 3);
  const std::vector<Index> lengths = {5, 2, 0, 5, 1, 4};
  std::vector<T> values(6 * 5 * 3);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = T(i % 3 == i / 3 % 3);
  for (const Kind kind : {kBinary, kCategorical})
    for (const bool sequences : {false, true})
      for (const bool apart : {false, true}) {
        CAPTURE(static_cast<int>(kind));
        std::vector<LayerSpec> ends = {lstm_layer(4, sequences), {DropoutSpec{0.4}}};
        auto plain = ends;
        plain.push_back(dense_layer(3));
        if (apart) {
          ends.push_back(dense_layer(3));
          ends.push_back({ActivationSpec{activation_of(kind)}});
          ends.push_back({DropoutSpec{0.0}});  // hands on what it gets
          ends.push_back({ActivationSpec{Activation::linear}});
        } else {
          ends.push_back(dense_layer(3, activation_of(kind)));
        }
        const Network<T> with(ends, 3, 7), without(plain, 3, 7);
        set_weights(without, weights_of(with));
        Trainer<T> a(with, loss_of(kind), adam(0.1)), b(without, loss_of(kind), adam(0.1));
        Batch<T> x = data.batch();
        x.lengths = lengths.data();
        const Targets<T> y{values.data(), nullptr, nullptr};
        const auto size = static_cast<std::size_t>(6 * (sequences ? 5 : 1) * 3);
        for (int i = 0; i < 3; ++i) {
          std::vector<T> seen(size), evaluated(size), predicted(size);
          with.predict(x, predicted.data());
          const double tested = a.evaluate(x, y, nullptr, 6, evaluated.data()).loss;
          CHECK(tested == b.evaluate(x, y, nullptr, 6).loss);
          CHECK(tested == a.evaluate(x, y, nullptr, 6).loss);
          // What comes out are probabilities, with zeros behind the ends.
          CHECK(same_bits(evaluated, predicted));
          const StepResult with_it = a.step(x, y, nullptr, 6, 3, seen.data());
          const StepResult without_it = b.step(x, y, nullptr, 6, 3);
          CHECK(with_it.loss == without_it.loss);
          CHECK(with_it.gradient_norm == without_it.gradient_norm);
          for (const T p : seen) CHECK((p >= 0 && p <= 1));
          if (sequences) CHECK(seen[2 * 5 * 3] == 0);
        }
        CHECK(same_bits(weights_of(with), weights_of(without)));
      }
}

TEST_CASE_TEMPLATE("loss ends: what is saturated and wrong learns", T, float, double) {
  // Logits of 500: the probability is exactly 1, the derivative of the sigmoid exactly 0.
  for (const Kind kind : {kBinary, kCategorical}) {
    const Network<T> network({dense_layer(2, activation_of(kind))}, 1, 3);
    set_weights(network, std::vector<T>{500, -500, 0, 0});
    Trainer<T> trainer(network, loss_of(kind), sgd(1.0));
    const T x[] = {1}, y[] = {0, 1};
    T p[2];
    const StepResult got =
        trainer.step({x, nullptr, 1, 0, 1}, {y, nullptr, nullptr}, nullptr, 1, 0, p);
    CHECK(p[0] == 1);
    CHECK(p[1] < 1e-37);
    CHECK(got.finite);
    CHECK(got.loss == doctest::Approx(kind == kBinary ? 500.0 : 1000.0));
    const auto after = weights_of(network);
    const T moved = kind == kBinary ? T(0.5) : T(1);  // binary: the mean of two
    CHECK(after == std::vector<T>{500 - moved, -500 + moved, -moved, moved});
  }
}

TEST_CASE("loss ends: a trainer whose file contradicts the network can be copied as it is") {
  const Network<float> network({dense_layer(2, Activation::sigmoid)}, 2);
  const LossSpec loss = loss_of(kCategorical);
  const auto trainer = Access::make<Trainer<float>>(std::make_shared<TrainerImpl<float>>(
      network, std::vector<OutputLoss>{{0, loss, 1.0}}, OptimizerSpec{}, /*from_file=*/true));
  Trainer<float> copy = trainer.clone();
  const float x[2] = {};
  const std::int64_t labels[1] = {0};
  const Targets<float> y{nullptr, labels, nullptr};
  CHECK(contains(
      message_of<InvalidArgument>([&] { copy.step({x, nullptr, 1, 0, 2}, y, nullptr, 1, 0); }),
      "take binary_crossentropy"));
}

TEST_CASE("loss ends: what contradicts the network is refused, saying what to write") {
  const auto of = [](Kind kind, OutputReading outputs = OutputReading::automatic) {
    return loss_of(kind, outputs);
  };
  const LayerSpec sigmoid = dense_layer(3, Activation::sigmoid);
  const LayerSpec softmax = dense_layer(3, Activation::softmax);
  const LayerSpec linear = dense_layer(3);
  CHECK(contains(complaint({sigmoid}, of(kCategorical)), "take binary_crossentropy"));
  CHECK(contains(complaint({softmax}, of(kBinary)), "take categorical_crossentropy"));
  for (const auto& [layer, kind] : {std::pair{sigmoid, kBinary}, {softmax, kCategorical}}) {
    CHECK(complaint({layer}, of(kind)).empty());
    CHECK(complaint({layer}, of(kind, OutputReading::probabilities)).empty());
    CHECK(contains(complaint({layer}, of(kind, OutputReading::logits)), "Leave from_logits away"));
    CHECK(complaint({linear}, of(kind, OutputReading::logits)).empty());
    CHECK(contains(complaint({linear}, of(kind, OutputReading::probabilities)),
                   "no probabilities. Leave from_logits away"));
    // The sum with something else is no probability; neither is what Dropout makes of one.
    CHECK(complaint({{ResidualSpec{{layer}}}}, of(kind)).empty());
    CHECK(complaint({layer, {LayerNormSpec{}}}, of(kind)).empty());
    CHECK(contains(complaint({layer, {DropoutSpec{0.5}}}, of(kind)), "Dropout behind the"));
    CHECK(contains(complaint({layer, {ActivityRegularizationSpec{0.1, 0.0}}}, of(kind)),
                   "ActivityRegularization behind the"));
    CHECK(complaint({layer, {DropoutSpec{0.0}}, {ActivityRegularizationSpec{}}}, of(kind)).empty());
  }
  CHECK(contains(complaint({dense_layer(1)}, of(kCategorical)), "Take binary_crossentropy"));
  for (const Kind kind : {Kind::squared, kBinary, kCategorical})
    CHECK(contains(complaint({dense_layer(1, Activation::softmax)}, of(kind)), "always 1"));
  RNNSpec cell;
  cell.hidden_size = 3;
  cell.activation.function = CellFunction::sigmoid;
  CHECK(contains(complaint({{cell}}, of(kBinary)), "Put a Dense behind it"));
  CHECK(complaint({{cell}}, of(kBinary, OutputReading::logits)).empty());
  CHECK(complaint({{cell}, linear}, of(kBinary)).empty());
  CHECK(complaint({sigmoid}, of(Kind::squared)).empty());
}

TEST_CASE("loss ends: logits that an activation has bounded are refused unless they are meant") {
  const LayerSpec linear = dense_layer(3);
  for (const Kind kind : {kBinary, kCategorical}) {
    const Activation proper = activation_of(kind);
    for (const Activation bounded : {Activation::relu, Activation::tanh}) {
      const LayerSpec dense = dense_layer(3, bounded), apart{ActivationSpec{bounded}};
      for (const auto& ends : {std::vector<LayerSpec>{dense}, {linear, apart}, {apart}}) {
        auto with = ends;  // the proper activation, but of bounded numbers
        with.push_back({ActivationSpec{proper}});
        CHECK(contains(complaint(ends, loss_of(kind)), "or say from_logits=True if that is meant"));
        CHECK(complaint(ends, loss_of(kind, OutputReading::logits)).empty());
        CHECK(contains(complaint(with, loss_of(kind)), "or say from_logits=False if that is"));
        CHECK(complaint(with, loss_of(kind, OutputReading::probabilities)).empty());
        CHECK(complaint(ends, loss_of(Kind::squared)).empty());
      }
      CHECK(complaint({dense, dense_layer(3, proper)}, loss_of(kind)).empty());
      CHECK(complaint({dense, linear, {ActivationSpec{proper}}}, loss_of(kind)).empty());
    }
    const LayerSpec again{ActivationSpec{proper}};
    for (const OutputReading outputs : {OutputReading::automatic, OutputReading::probabilities})
      for (const Activation inner : {Activation::sigmoid, Activation::softmax})
        for (const auto& ends : {std::vector<LayerSpec>{dense_layer(3, inner), again},
                                 {linear, {ActivationSpec{inner}}, {DropoutSpec{0.5}}, again}})
          CHECK(contains(complaint(ends, loss_of(kind, outputs)),
                         "Leave one of the two activations away"));
  }
  CHECK(contains(complaint({dense_layer(3, Activation::tanh)}, loss_of(kBinary)),
                 "loss: the network ends with a tanh, which holds the logits to -1 to 1. End with "
                 "a Dense without tanh"));
}

TEST_CASE("loss ends: settings out of range are refused") {
  const auto smoothed = CategoricalCrossentropyLoss{OutputReading::automatic, 1.0};
  CHECK(contains(complaint({dense_layer(3)}, smoothed),
                 "label_smoothing: expected 0 <= value < 1, got 1"));
  CHECK(contains(complaint({dense_layer(3)}, BinaryCrossentropyLoss{OutputReading(7)}),
                 "from_logits: expected"));
}

TEST_CASE("loss ends: a file whose loss contradicts its network loads; its loss does not run") {
  const TemporaryDirectory directory;
  const std::string path = directory / "old.lstm";
  for (const auto& [end, told] : {std::pair{Activation::sigmoid, "take binary_crossentropy"},
                                  {Activation::tanh, "holds the logits to -1 to 1"}}) {
    const Network<float> network({dense_layer(3, end)}, 3, 1);
    {  // as it could be written before this was refused
      const auto trainer = Access::make<Trainer<float>>(std::make_shared<TrainerImpl<float>>(
          network, std::vector<OutputLoss>{{0, loss_of(kCategorical), 1.0}}, adam(0.1),
          /*from_file=*/true));
      save_model<float>(path, network, &trainer, {});
    }
    LoadedModel<float> loaded = load_model<float>(path);
    CHECK(weights_of(loaded.network) == weights_of(network));
    REQUIRE(loaded.trainer);
    const float x[] = {1, 2, 3};
    const std::int64_t label = 1;
    const Batch<float> batch{x, nullptr, 1, 0, 3};
    const Targets<float> y{nullptr, &label, nullptr};
    for (const std::string& message :
         {message_of<InvalidArgument>([&] { loaded.trainer->step(batch, y, nullptr, 1, 0); }),
          message_of<InvalidArgument>([&] { loaded.trainer->evaluate(batch, y, nullptr, 1); })})
      CHECK(contains(message, told));
    CHECK(weights_of(loaded.network) == weights_of(network));
  }
}
