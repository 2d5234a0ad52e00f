// Gradients of several batches for one update, learning rates of single parameters, and frozen
// ones.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/files/model_file.hpp"
#include "file_helpers.hpp"
#include "loss_helpers.hpp"

using namespace lstm_native;
using namespace loss_helpers;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Network<double> small_network() { return {{lstm_layer(4), dense_layer(2)}, 2, 3}; }

/// A step over `count` samples from `first` on, or without an update.
template <class Step>
StepResult on_part(const Series<double>& data, const double* weights, Index first, Index count,
                   const Step& step) {
  std::vector<Index> rows;
  for (Index i = 0; i < count; ++i) rows.push_back(first + i);
  Targets<double> targets = data.targets();
  targets.weights = weights;
  return step(data.batch(), targets, rows.data(), count);
}

std::vector<OptimizerSpec> all_rules() {
  std::vector<OptimizerSpec> rules;
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw, OptimizerKind::rmsprop,
        OptimizerKind::nadam, OptimizerKind::adagrad}) {
    OptimizerSpec spec = adam(0.01);
    spec.kind = kind;
    spec.momentum = 0.5;
    spec.weight_decay = 0.1;
    rules.push_back(spec);
  }
  return rules;
}

double error_between(const Network<double>& a, const Network<double>& b) {
  return relative_error(weights_of(a), weights_of(b));
}

}  // namespace

TEST_CASE("accumulated gradients: parts of any sizes and weights make the update of the whole") {
  const Series<double> data(9, 4, 2);
  std::vector<double> weights = {1, 0.5, 2, 0, 0, 3, 1, 0.25, 1};
  for (const double mean_weight : {0.0, 0.8}) {
    StepOptions<double> options;
    options.mean_weight = mean_weight;
    Trainer<double> parts(small_network(), LossSpec{}, adam(0.01));
    Trainer<double> whole(small_network(), LossSpec{}, adam(0.01));
    const auto accumulate = [&](const auto&... a) {
      return parts.accumulate(a..., 0, nullptr, options);
    };
    const auto step = [&](const auto&... a) { return parts.step(a..., 0, nullptr, options); };
    const auto all_at_once = [&](const auto&... a) {
      return whole.step(a..., 0, nullptr, options);
    };
    for (int i = 0; i < 3; ++i) {
      const StepResult first = on_part(data, weights.data(), 0, 3, accumulate);
      CHECK(first.loss > 0);
      on_part(data, weights.data(), 3, 2, accumulate);  // counts for nothing
      CHECK(parts.accumulated() == 1);
      on_part(data, weights.data(), 5, 1, accumulate);
      CHECK(parts.accumulated() == 2);
      CHECK(parts.iterations() == i);
      const StepResult made = on_part(data, weights.data(), 6, 3, step);
      const StepResult wanted = on_part(data, weights.data(), 0, 9, all_at_once);
      CHECK(made.gradient_norm == doctest::Approx(wanted.gradient_norm).epsilon(1e-12));
      CHECK(parts.accumulated() == 0);
      CHECK(error_between(parts.network(), whole.network()) < 1e-12);
    }
    CHECK(parts.iterations() == 3);
  }
}

TEST_CASE("accumulated gradients: one batch and apply are a step, bit for bit") {
  const Series<double> data(5, 4, 2);
  Trainer<double> two(small_network(), LossSpec{}, adam(0.01));
  Trainer<double> one(small_network(), LossSpec{}, adam(0.01));
  for (int i = 0; i < 3; ++i) {
    two.accumulate(data.batch(), data.targets(), 7);
    const StepResult applied = two.apply();
    const StepResult stepped = one.step(data.batch(), data.targets(), 7);
    CHECK(applied.loss == stepped.loss);
    CHECK(applied.weight == stepped.weight);
    CHECK(applied.gradient_norm == stepped.gradient_norm);
    CHECK(weights_of(two.network()) == weights_of(one.network()));
  }
  CHECK(contains(message_of<InvalidArgument>([&] { two.apply(); }), "none have been accumulated"));
}

TEST_CASE("accumulated gradients: read, set and forgotten") {
  const Series<double> data(5, 4, 2);
  Trainer<double> trainer(small_network(), LossSpec{}, sgd(0.5));
  CHECK(norm_of(trainer.get_gradient("1.weight")) == 0);
  trainer.accumulate(data.batch(), data.targets());
  const auto wanted = gradient_of(small_network(), LossSpec{}, data.batch(), data.targets());
  std::vector<double> found;
  for (const auto& p : trainer.network().parameters())
    for (const double g : trainer.get_gradient(p.name)) found.push_back(g);
  CHECK(relative_error(found, wanted) < 1e-12);

  Trainer<double> copy = trainer.clone();
  CHECK(copy.accumulated() == 1);
  copy.apply();
  trainer.forget_gradients();
  CHECK(trainer.accumulated() == 0);
  // Set by hand they make the same update; those not set are zeros.
  for (const auto& p : trainer.network().parameters()) {
    const double* from = wanted.data();
    for (const auto& q : trainer.network().parameters()) {
      if (q.name == p.name) break;
      from += q.size();
    }
    trainer.set_gradient(p.name, from, p.size());
  }
  trainer.apply();
  CHECK(error_between(trainer.network(), copy.network()) < 1e-12);
  const auto before = parameter(trainer.network(), "1.weight");
  const std::vector<double> ones(2, 1.0);
  trainer.set_gradient("1.bias", ones.data(), 2);
  trainer.apply();
  CHECK(parameter(trainer.network(), "1.weight") == before);

  const std::vector<double> bad = {1.0, kNaN};
  CHECK(
      contains(message_of<InvalidArgument>([&] { trainer.set_gradient("1.bias", bad.data(), 2); }),
               "expected finite"));
  CHECK(
      contains(message_of<InvalidArgument>([&] { trainer.set_gradient("1.bias", bad.data(), 3); }),
               "expected 2"));
  CHECK(contains(message_of<InvalidArgument>([&] { trainer.get_gradient("2.bias"); }),
                 "no parameter named '2.bias'"));
}

TEST_CASE("accumulated gradients: one that is not finite undoes the update before, as in step") {
  Series<double> data(6, 4, 2);
  Trainer<double> trainer(small_network(), LossSpec{}, adam(0.01));
  const auto before = weights_of(trainer.network());
  step_all(trainer, data);
  trainer.accumulate(data.batch(), data.targets());
  data.y[0] = std::numeric_limits<double>::infinity();
  CHECK_FALSE(trainer.accumulate(data.batch(), data.targets()).finite);
  CHECK(trainer.accumulated() == 0);
  CHECK(weights_of(trainer.network()) == before);
  CHECK(trainer.iterations() == 0);
}

TEST_CASE("rate factors: 0 freezes weights, state and the part in the norm") {
  const Series<double> data(6, 4, 2);
  for (OptimizerSpec spec : all_rules()) {
    CAPTURE(static_cast<int>(spec.kind));
    spec.clip_norm = 0.01;
    Trainer<double> trainer(small_network(), LossSpec{}, spec);
    trainer.set_rate_factor(0, 0.0);
    CHECK(trainer.rate_factor("0.weight_hh_l0") == 0);
    CHECK(trainer.rate_factor("1.bias") == 1);
    const Network<double>& network = trainer.network();
    const auto lstm = parameter(network, "0.weight_hh_l0"), dense = parameter(network, "1.weight");
    // The reference: the Dense alone, on what the LSTM answers.
    trainer.accumulate(data.batch(), data.targets());
    double squares = 0;
    for (const char* name : {"1.weight", "1.bias"})
      squares += dot(trainer.get_gradient(name), trainer.get_gradient(name));
    CHECK(trainer.apply().gradient_norm == doctest::Approx(std::sqrt(squares)).epsilon(1e-12));
    for (int i = 0; i < 4; ++i) step_all(trainer, data);
    CHECK(parameter(network, "0.weight_hh_l0") == lstm);
    CHECK(parameter(network, "1.weight") != dense);
    for (const auto& slot : trainer.state())
      if (contains(slot.name, ".0.")) CHECK(norm_of(trainer.get_state(slot.name)) == 0);
  }
}

TEST_CASE("rate factors: what was frozen at first is updated later as one that begins then") {
  const Series<double> data(6, 4, 2);
  for (const OptimizerSpec& spec : all_rules()) {
    CAPTURE(static_cast<int>(spec.kind));
    Trainer<double> later(small_network(), LossSpec{}, spec);
    later.set_rate_factor(0, 0.0);
    for (int i = 0; i < 3; ++i) step_all(later, data);
    later.set_rate_factor(0, 1.0);
    // A file goes on in the same way.
    const TemporaryDirectory directory;
    const std::string path = directory / "frozen.safetensors";
    save_model(path, ModelContent<double>{later.network(), &later, {}, {}, {}});
    Trainer<double> loaded = *ModelSource(path).load<double>().trainer;

    Trainer<double> fresh(later.network().clone(), LossSpec{}, spec);
    step_all(later, data);
    step_all(loaded, data);
    step_all(fresh, data);
    CHECK(parameter(later.network(), "0.weight_hh_l0") ==
          parameter(fresh.network(), "0.weight_hh_l0"));
    CHECK(weights_of(later.network()) == weights_of(loaded.network()));
  }
}

TEST_CASE("rate factors: a parameter learns with its own rate") {
  const Series<double> data(6, 4, 2);
  for (const OptimizerSpec& spec : all_rules()) {
    Trainer<double> scaled(small_network(), LossSpec{}, spec);
    OptimizerSpec slow = spec;
    slow.learning_rate = spec.learning_rate * 0.25;
    Trainer<double> other(small_network(), LossSpec{}, slow);
    scaled.set_rate_factor("0", 0.25);
    step_all(scaled, data);
    step_all(other, data);
    for (const char* name : {"0.weight_ih_l0", "0.bias_hh_l0"})
      CHECK(parameter(scaled.network(), name) == parameter(other.network(), name));
    CHECK(parameter(scaled.network(), "1.bias") != parameter(other.network(), "1.bias"));
    Trainer<double> copy = scaled.clone();
    step_all(copy, data);
    step_all(scaled, data);
    CHECK(weights_of(copy.network()) == weights_of(scaled.network()));
  }
}

TEST_CASE("rate factors: bad ones, unknown names and nothing left to train are refused") {
  const Series<float> data(6, 4, 2);
  Trainer<float> trainer(Network<float>({lstm_layer(4), dense_layer(2)}, 2, 3), LossSpec{},
                         adam(0.01));
  const auto refused = [&](const std::string& name, double factor) {
    return message_of<InvalidArgument>([&] { trainer.set_rate_factor(name, factor); });
  };
  CHECK(contains(refused("0", -1), "expected a finite number >= 0, got -1"));
  CHECK(contains(refused("0", kNaN), "got nan"));
  CHECK(contains(refused("0", 1e-40), "float32"));
  CHECK(contains(refused("0.weight", 1), "no parameter named '0.weight'"));
  CHECK(contains(refused("2", 1), "no parameter named '2'"));
  trainer.set_rate_factor("", 0.5);
  trainer.set_rate_factor("1", 0);
  CHECK(
      contains(message_of<InvalidArgument>([&] { trainer.set_learning_rate(1e-38); }), "float32"));
  trainer.set_rate_factor("", 0);
  const auto before = weights_of(trainer.network());
  CHECK(contains(message_of<InvalidArgument>([&] { step_all(trainer, data); }), "frozen"));
  CHECK(weights_of(trainer.network()) == before);
}

TEST_CASE("rate factors: a file has them only where they are used") {
  const Network<double> network = small_network();
  Trainer<double> trainer(network, LossSpec{}, adam(0.01));
  const auto text_of = [&] {
    const auto bytes = model_bytes(ModelContent<double>{network, &trainer, {}, {}, {}});
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const std::string plain = text_of();
  CHECK_FALSE(contains(plain, "rate_factors"));
  trainer.set_rate_factor("1.bias", 0);
  CHECK(contains(text_of(), "rate_factors"));
  CHECK_FALSE(contains(text_of(), "missed_updates"));
  const std::string used = text_of();
  const auto loaded = ModelSource(used.data(), used.size()).load<double>();
  CHECK(loaded.trainer->rate_factor("1.bias") == 0);
  CHECK(loaded.trainer->rate_factor("1.weight") == 1);
  trainer.set_rate_factor("1.bias", 1);
  CHECK(text_of() == plain);

  // Names that are none, and numbers out of range.
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = used;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return message_of<FormatError>([&] { ModelSource(text.data(), text.size()).load<double>(); });
  };
  CHECK(contains(refused("\\\"1.bias\\\":0.0", "\\\"1.bits\\\":0.0"), "names of parameters"));
  CHECK(contains(refused("\\\"1.bias\\\":0.0", "\\\"1.bias\\\":-10"), "got -10"));
  CHECK(contains(refused("\\\"1.bias\\\":0.0", "\\\"1.bias\\\":[] "), "a number"));
}

TEST_CASE("weight averages: equal and exponential means, and back into a network") {
  const Series<double> data(6, 4, 2);
  Trainer<double> trainer(small_network(), LossSpec{}, adam(0.05));
  WeightAverage<double> equal(trainer.network()), recent(trainer.network());
  CHECK(contains(message_of<InvalidArgument>([&] { equal.copy_to(trainer.network()); }),
                 "none were taken in"));
  std::vector<double> sum(weights_of(trainer.network()).size()), mean;
  for (int i = 0; i < 5; ++i) {
    step_all(trainer, data);
    const auto now = weights_of(trainer.network());
    equal.add();
    recent.add_exponential(0.9);
    if (i == 0) mean = now;
    for (std::size_t j = 0; j < now.size(); ++j) {
      sum[j] += now[j];
      mean[j] = 0.9 * mean[j] + 0.1 * now[j];
    }
  }
  for (double& v : sum) v /= 5;
  CHECK(equal.count() == 5);
  const Network<double> other = trainer.network().clone();
  equal.copy_to(other);
  CHECK(relative_error(weights_of(other), sum) < 1e-14);
  recent.copy_to(other);
  CHECK(relative_error(weights_of(other), mean) < 1e-14);

  // What get gives goes back with set.
  WeightAverage<double> copy(other);
  for (const auto& p : other.parameters()) copy.set(p.name, recent.get(p.name).data(), p.size());
  copy.set_count(recent.count());
  copy.add_exponential(0.5);
  recent.add_exponential(0.5);
  for (const auto& p : other.parameters()) {
    const auto from = trainer.network().get_parameter(p.name);
    CHECK(relative_error(recent.get(p.name), from) < 1);
  }
  CHECK(contains(message_of<InvalidArgument>([&] { recent.add_exponential(1.5); }), "got 1.5"));
  CHECK(contains(message_of<InvalidArgument>([&] { recent.get("5.bias"); }), "no parameter"));
  CHECK(contains(
      message_of<InvalidArgument>([&] { recent.copy_to(Network<double>({dense_layer(2)}, 2, 3)); }),
      "expected one of the layers"));
  CHECK(contains(message_of<InvalidArgument>([] { WeightAverage<double>().add(); }), "empty"));
}

TEST_CASE("gradients of inputs: central differences of the loss, null where none is wanted") {
  Series<double> data(5, 4, 2);
  const Network<double> network{
      {{ScaleSpec{-2.0, 0.5}}, lstm_layer(4, false), dense_layer(2)}, 2, 3};
  Trainer<double> trainer(network, LossSpec{}, adam(0.01));
  std::vector<double> found(data.x.size(), kNaN);
  double* pointers[] = {found.data()};
  StepOptions<double> options;
  options.input_gradients = pointers;
  const auto loss = [&](const StepOptions<double>& given) {
    const StepResult result =
        trainer.accumulate(data.batch(), data.targets(), nullptr, data.samples, 0, nullptr, given);
    trainer.forget_gradients();
    return result.loss;
  };
  const double value = loss(options);
  for (std::size_t i = 0; i < data.x.size(); i += 3) {
    const double before = data.x[i];
    data.x[i] = before + 1e-6;
    const double up = loss({});
    data.x[i] = before - 1e-6;
    const double down = loss({});
    data.x[i] = before;
    CHECK(found[i] == doctest::Approx((up - down) / 2e-6).epsilon(1e-6));
  }
  const std::vector<double> whole = found;
  pointers[0] = nullptr;
  CHECK(loss(options) == value);
  CHECK(found == whole);
}

TEST_CASE("frozen statistics: training uses them and leaves them as they are") {
  const Series<double> data(5, 4, 2);
  const Network<double> network{{{BatchNormSpec{}}, lstm_layer(4, false), dense_layer(2)}, 2, 3};
  Trainer<double> trainer(network, LossSpec{}, adam(0.01));
  trainer.step(data.batch(), data.targets(), 0);
  const auto moved = network.get_parameter("0.running_mean");
  CHECK(moved != std::vector<double>(2, 0.0));
  trainer.set_rate_factor("0", 0);
  const double at_rest = trainer.evaluate(data.batch(), data.targets(), nullptr, data.samples).loss;
  CHECK(trainer.step(data.batch(), data.targets(), 0).loss == doctest::Approx(at_rest));
  CHECK(network.get_parameter("0.running_mean") == moved);
  trainer.set_rate_factor("0", 1);
  trainer.step(data.batch(), data.targets(), 0);
  CHECK(network.get_parameter("0.running_mean") != moved);
}
