// Frozen parameters cost no way back: it ends where nothing before it is trained, and what is
// trained gets the same bits as without them.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/layers/layer_stream.hpp"
#include "core/network/handles.hpp"
#include "core/network/layer_factory.hpp"
#include "core/network/network_impl.hpp"
#include "loss_helpers.hpp"

using namespace lstm_native;
using namespace loss_helpers;

namespace {

/// How often tapes were led back, and how often for the gradient of their input.
struct Led {
  int back = 0, to_input = 0;
};

/// Another layer, whose tapes are counted.
class CountedLayer final : public SequenceLayer<double> {
 public:
  CountedLayer(std::shared_ptr<SequenceLayer<double>> inner, Led& led)
      : inner_(std::move(inner)), led_(led) {}

  LayerSpec spec() const override { return inner_->spec(); }
  Index input_features() const override { return inner_->input_features(); }
  Index output_features() const override { return inner_->output_features(); }
  OutputShape output_shape(Index timesteps) const override {
    return inner_->output_shape(timesteps);
  }
  StateShape state_shape() const override { return inner_->state_shape(); }
  std::vector<Parameter<double>*> parameters() override { return inner_->parameters(); }
  std::unique_ptr<SequenceTape<double>> forward(const Batch<double>& x, double* y,
                                                const States<double>& states,
                                                const Pass& pass) const override {
    auto tape = inner_->forward(x, y, states, pass);
    return tape ? std::make_unique<CountedTape>(std::move(tape), led_) : nullptr;
  }
  std::unique_ptr<LayerStream<double>> stream(Index rows) const override {
    return inner_->stream(rows);
  }

 private:
  struct CountedTape final : SequenceTape<double> {
    CountedTape(std::unique_ptr<SequenceTape<double>> tape, Led& counts)
        : inner(std::move(tape)), led(counts) {}
    void backward(const double* dy, double* dx, const StateGradients<double>& states,
                  double* const* gradients, Workspace& workspace) override {
      ++led.back;
      led.to_input += dx != nullptr;
      inner->backward(dy, dx, states, gradients, workspace);
    }
    std::unique_ptr<SequenceTape<double>> inner;
    Led& led;
  };

  void drop_packed() override { inner_->parameters_changed(); }
  std::shared_ptr<SequenceLayer<double>> inner_;
  Led& led_;
};

constexpr std::size_t kLayers = 3;

/// LSTM, LSTM, Dense in a row.
Network<double> counted_network(std::vector<Led>& led) {
  led.assign(kLayers, {});
  const auto layers =
      make_layers<double>({lstm_layer(4, true), lstm_layer(3), dense_layer(2)}, 2, WeightSeed(3));
  std::vector<std::shared_ptr<Layer<double>>> counted;
  for (std::size_t i = 0; i < kLayers; ++i)
    counted.push_back(std::make_shared<CountedLayer>(
        std::dynamic_pointer_cast<SequenceLayer<double>>(layers[i]), led[i]));
  return Access::make<Network<double>>(
      std::make_shared<NetworkImpl<double>>(Graph<double>(counted)));
}

}  // namespace

TEST_CASE("frozen layers: the way back ends in front of those that lead") {
  struct Case {
    std::vector<const char*> frozen;
    std::vector<int> back, to_input;
  };
  for (const Case& c : std::vector<Case>{
           {{}, {1, 1, 1}, {0, 1, 1}},
           {{"0"}, {0, 1, 1}, {0, 0, 1}},
           {{"0", "1"}, {0, 0, 1}, {0, 0, 0}},
           {{"1"}, {1, 1, 1}, {0, 1, 1}},  // in the middle: the first still learns
           {{"0.weight_ih_l0"}, {1, 1, 1}, {0, 1, 1}},
       }) {
    CAPTURE(c.frozen.size());
    std::vector<Led> led, all;
    const Series<double> data(6, 4, 2);
    Trainer<double> trainer(counted_network(led), LossSpec{}, adam(0.01));
    Trainer<double> whole(counted_network(all), LossSpec{}, adam(0.01));
    for (const char* name : c.frozen) trainer.set_rate_factor(name, 0.0);
    trainer.accumulate(data.batch(), data.targets());
    whole.accumulate(data.batch(), data.targets());
    for (std::size_t i = 0; i < kLayers; ++i) {
      CAPTURE(i);
      CHECK(led[i].back == c.back[i]);
      CHECK(led[i].to_input == c.to_input[i]);
    }
    for (const TensorInfo& info : trainer.network().parameters()) {
      CAPTURE(info.name);
      const bool frozen = trainer.rate_factor(info.name) == 0;
      const std::vector<double> zeros(static_cast<std::size_t>(info.size()));
      CHECK(trainer.get_gradient(info.name) == (frozen ? zeros : whole.get_gradient(info.name)));
    }
  }
}

TEST_CASE("frozen layers: a layer that is thawed learns from then on") {
  std::vector<Led> led;
  const Series<double> data(6, 4, 2);
  Trainer<double> trainer(counted_network(led), LossSpec{}, adam(0.01));
  trainer.set_rate_factor("0", 0.0);
  trainer.step(data.batch(), data.targets());
  const std::vector<double> before = parameter(trainer.network(), "0.weight_hh_l0");
  CHECK(led[0].back == 0);
  trainer.set_rate_factor("0", 1.0);
  trainer.step(data.batch(), data.targets());
  CHECK(led[0].back == 1);
  CHECK(parameter(trainer.network(), "0.weight_hh_l0") != before);
}
