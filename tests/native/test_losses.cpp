// Losses through the public Trainer, against plain formulas and central differences.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "file_helpers.hpp"
#include "loss_helpers.hpp"

using namespace lstm_native;
using namespace loss_helpers;

namespace {

const LossSpec kLosses[] = {MSELoss{}, MAELoss{}, HuberLoss{0.7}, BinaryCrossentropyLoss{},
                            CategoricalCrossentropyLoss{}};

}  // namespace

TEST_CASE_TEMPLATE("losses: weighted means over the rows, masked rows left out", T, float, double) {
  for (const LossSpec& spec : kLosses)
    for (const Index steps : {0, 3}) {
      CAPTURE(spec.name());
      const Problem<T> problem(steps);
      Trainer<T> trainer(problem.network, spec, adam(0.01));
      const StepResult got =
          trainer.evaluate(problem.batch(), problem.targets(spec), nullptr, problem.samples);
      double weight = 0;
      for (const T w : problem.weights) weight += static_cast<double>(w);
      CHECK(got.loss == doctest::Approx(problem.wanted(spec)).epsilon(2e-6));
      CHECK(got.weight == doctest::Approx(weight));
      CHECK(got.finite);
    }
}

TEST_CASE("losses: gradients and their norm against central differences") {
  for (const LossSpec& spec : kLosses)
    for (const Index steps : {0, 3}) {
      CAPTURE(spec.name());
      const Problem<double> problem(steps);
      auto weights = weights_of(problem.network);
      const auto wanted = central_differences(weights, [&] {
        set_weights(problem.network, weights);
        return problem.wanted(spec);
      });
      set_weights(problem.network, weights);
      double norm = 0;
      const auto got =
          gradient_of(problem.network, spec, problem.batch(), problem.targets(spec), &norm);
      // mae and huber have kinks, which the differences of a weight may step over.
      const bool smooth = !is<MAELoss>(spec) && !is<HuberLoss>(spec);
      CHECK(relative_error(got, wanted) <= (smooth ? kGradientTolerance : 1e-4));
      CHECK(norm == doctest::Approx(norm_of(got)).epsilon(1e-12));
    }
}

TEST_CASE_TEMPLATE("losses: logits of any size give finite cross-entropies", T, float, double) {
  const Network<T> network({{ActivationSpec{Activation::linear}}}, 2);
  const std::vector<T> x = {T(1e4), T(-1e4), T(-1e4), T(1e4)}, y = {1, 0, 1, 0};
  const std::int64_t labels[] = {0, 0};
  const Batch<T> batch{x.data(), nullptr, 2, 0, 2};
  const Trainer<T> binary(network, BinaryCrossentropyLoss{}, sgd(1));
  CHECK(binary.evaluate(batch, {y.data(), nullptr, nullptr}, nullptr, 2).loss ==
        doctest::Approx(5e3));
  const Trainer<T> categorical(network, CategoricalCrossentropyLoss{}, sgd(1));
  CHECK(categorical.evaluate(batch, {nullptr, labels, nullptr}, nullptr, 2).loss ==
        doctest::Approx(1e4));
}

TEST_CASE("losses: soft labels and label smoothing against central differences") {
  for (const double smoothing : {0.0, 0.2})
    for (const bool soft : {false, true})
      for (const bool categorical : {false, true}) {
        if (!categorical && !soft) continue;
        CAPTURE(smoothing);
        Problem<double> problem(3);
        LossSpec spec = BinaryCrossentropyLoss{OutputReading::automatic, smoothing};
        if (categorical) spec = CategoricalCrossentropyLoss{OutputReading::automatic, smoothing};
        const Index K = Problem<double>::kUnits;
        if (categorical)
          for (Index r = 0; r < problem.rows(); ++r) {
            double sum = 0;
            for (Index i = 0; i < K; ++i) sum += problem.values[r * K + i];
            for (Index i = 0; i < K; ++i) problem.values[r * K + i] /= sum;
          }
        const Targets<double> targets =
            soft ? Targets<double>{problem.values.data(), nullptr, problem.weights.data()}
                 : problem.targets(spec);
        // From the definition: minus the targets times the logarithms of the probabilities.
        const auto wanted = [&] {
          std::vector<double> o(static_cast<std::size_t>(problem.rows() * K));
          problem.network.predict(problem.batch(), o.data());
          double sum = 0, weight = 0;
          for (Index r = 0; r < problem.rows(); ++r) {
            if (problem.weights[r] == 0) continue;
            double all = 0, row = 0;
            for (Index i = 0; i < K; ++i) all += std::exp(o[r * K + i]);
            for (Index i = 0; i < K; ++i) {
              double y = soft ? problem.values[r * K + i] : problem.labels[r] == i ? 1.0 : 0.0;
              y = y * (1 - smoothing) + smoothing / (categorical ? static_cast<double>(K) : 2.0);
              const double p = 1 / (1 + std::exp(-o[r * K + i]));
              row -= categorical ? y * std::log(std::exp(o[r * K + i]) / all)
                                 : (y * std::log(p) + (1 - y) * std::log(1 - p)) / K;
            }
            sum += problem.weights[r] * row;
            weight += problem.weights[r];
          }
          return sum / weight;
        };
        const Trainer<double> trainer(problem.network, spec, sgd(1));
        CHECK(trainer.evaluate(problem.batch(), targets, nullptr, problem.samples).loss ==
              doctest::Approx(wanted()).epsilon(1e-12));
        auto weights = weights_of(problem.network);
        const auto slopes = central_differences(weights, [&] {
          set_weights(problem.network, weights);
          return wanted();
        });
        set_weights(problem.network, weights);
        CHECK(relative_error(gradient_of(problem.network, spec, problem.batch(), targets),
                             slopes) <= kGradientTolerance);
      }
}

TEST_CASE_TEMPLATE("losses: one-hot rows and labels are the same, bit for bit", T, float, double) {
  for (const double smoothing : {0.0, 0.1}) {
    const Problem<T> problem(3);
    const Index K = Problem<T>::kUnits;
    std::vector<T> hot(static_cast<std::size_t>(problem.rows() * K));
    for (Index r = 0; r < problem.rows(); ++r)
      if (problem.labels[r] >= 0) hot[r * K + problem.labels[r]] = 1;
    const LossSpec spec = CategoricalCrossentropyLoss{OutputReading::automatic, smoothing};
    const auto before = weights_of(problem.network);
    std::vector<T> after[2];
    double loss[2];
    for (const int i : {0, 1}) {
      set_weights(problem.network, before);
      Trainer<T> trainer(problem.network, spec, sgd(1));
      const Targets<T> y{i ? hot.data() : nullptr, i ? nullptr : problem.labels.data(),
                         problem.weights.data()};
      loss[i] = trainer.step(problem.batch(), y, nullptr, problem.samples, 0).loss;
      after[i] = weights_of(problem.network);
    }
    CHECK(loss[0] == loss[1]);
    CHECK(same_bits(after[0], after[1]));
  }
}

TEST_CASE("losses: rows of the ignored label are as masked ones") {
  Problem<double> problem(3);
  CategoricalCrossentropyLoss spec;
  const auto of = [&](const LossSpec& s, const double* weights) {
    return gradient_of(problem.network, s, problem.batch(),
                       {nullptr, problem.labels.data(), weights});
  };
  std::vector<double> ones(static_cast<std::size_t>(problem.rows()), 1.0);
  ones[2] = ones[5] = 0;
  problem.labels[2] = problem.labels[5] = -100;
  const auto masked = of(spec, ones.data());
  spec.ignore_index = -100;
  CHECK(of(spec, nullptr) == masked);
  CHECK(Trainer<double>(problem.network, spec, sgd(1))
            .evaluate(problem.batch(), {nullptr, problem.labels.data(), nullptr}, nullptr,
                      problem.samples)
            .weight == static_cast<double>(problem.rows() - 2));
}

TEST_CASE("losses: with the mean weight of all rows, batches of one add up to the whole") {
  const Problem<double> problem(0);
  const LossSpec spec = MSELoss{};
  const auto targets = problem.targets(spec);
  double sum = 0, counting = 0;
  for (const double w : problem.weights) {
    sum += w;
    counting += w > 0;
  }
  const auto before = weights_of(problem.network);
  const auto gradient = [&](const Index* rows, Index count, double mean) {
    Trainer<double> trainer(problem.network, spec, sgd(1));
    StepOptions<double> options;
    options.mean_weight = mean;
    trainer.step(problem.batch(), targets, rows, count, 0, nullptr, options);
    auto found = weights_of(problem.network);
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = before[i] - found[i];
    set_weights(problem.network, before);
    return found;
  };
  const auto whole = gradient(nullptr, problem.samples, 0.0);
  CHECK(relative_error(gradient(nullptr, problem.samples, sum / counting), whole) <= 1e-14);
  std::vector<double> total(before.size());
  for (Index r = 0; r < problem.samples; ++r) {
    const auto one = gradient(&r, 1, sum / counting);
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += one[i] / counting;
  }
  CHECK(relative_error(total, whole) <= 1e-13);
}

TEST_CASE("losses: soft labels that are none are refused, with the row") {
  Problem<float> problem(0);
  const Index K = Problem<float>::kUnits;
  std::fill(problem.values.begin(), problem.values.end(), 1.0f / static_cast<float>(K));
  const auto said = [&](const LossSpec& spec, const Targets<float>& y) {
    Trainer<float> trainer(problem.network, spec, sgd(0.1));
    return message_of<InvalidArgument>(
        [&] { trainer.step(problem.batch(), y, nullptr, problem.samples, 0); });
  };
  CategoricalCrossentropyLoss spec;
  const Targets<float> y{problem.values.data(), nullptr, nullptr};
  CHECK(said(spec, y).empty());
  problem.values[4 * K] = 0.5f;
  CHECK(contains(said(spec, y), "sum to 1, got a sum of 1.25"));
  problem.values[4 * K] = -1e-9f;
  CHECK(contains(said(spec, y), "targets from 0 to 1, got -9.99999971718069e-10"));
  for (const float bad : {-0.1f, 1.1f, std::numeric_limits<float>::quiet_NaN()}) {
    problem.values[4 * K] = bad;
    CHECK(contains(said(spec, y), "targets from 0 to 1, got"));
    CHECK(contains(said(BinaryCrossentropyLoss{}, y), "in row 4"));
  }
  CHECK(contains(said(spec, {nullptr, nullptr, nullptr}), "got neither"));
  CHECK(contains(said(spec, {problem.values.data(), problem.labels.data(), nullptr}), "got both"));
  spec.ignore_index = 0;
  CHECK(contains(said(spec, y), "ignore_index needs integer labels"));
}

TEST_CASE("losses: a mean weight that cannot be divided by is refused, and undoes nothing") {
  const Problem<float> problem(0);
  Trainer<float> trainer(problem.network, MSELoss{}, sgd(0.1));
  const auto step = [&](double mean_weight) {
    StepOptions<float> options;
    options.mean_weight = mean_weight;
    return trainer.step(problem.batch(), problem.targets(MSELoss{}), nullptr, problem.samples, 0,
                        nullptr, options);
  };
  CHECK(step(1.0).finite);
  const auto good = weights_of(problem.network);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double wrong :
       {-1.0, 1e-39, 1e-300, 1e39, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()})
    CHECK(contains(message_of<InvalidArgument>([&] { step(wrong); }),
                   "mean_weight: expected 0 or a number > 0 that float32 can hold, got "));
  CHECK(weights_of(problem.network) == good);
}

TEST_CASE("losses: a batch that is masked out wholly teaches nothing") {
  Problem<double> problem(0);
  std::fill(problem.weights.begin(), problem.weights.end(), 0.0);
  Trainer<double> trainer(problem.network, MSELoss{}, adam(0.1));
  const auto before = weights_of(problem.network);
  const StepResult got =
      trainer.step(problem.batch(), problem.targets(MSELoss{}), nullptr, problem.samples, 0);
  CHECK(got.weight == 0);
  CHECK(got.loss == 0);
  CHECK(got.finite);
  CHECK(weights_of(problem.network) == before);
  CHECK(trainer.iterations() == 0);
}

TEST_CASE("losses: labels out of range are refused, with the row") {
  Problem<float> problem(0);
  Trainer<float> trainer(problem.network, CategoricalCrossentropyLoss{}, sgd(0.1));
  for (const std::int64_t wrong : {-1, 4}) {
    problem.labels[4] = wrong;
    const std::string message = message_of<InvalidArgument>([&] {
      trainer.step(problem.batch(), problem.targets(CategoricalCrossentropyLoss{}), nullptr,
                   problem.samples, 0);
    });
    CHECK(contains(message, "labels from 0 to 3"));
    CHECK(contains(message, "got " + std::to_string(wrong) + " in row 4"));
  }
}
