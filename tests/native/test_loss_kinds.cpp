// Losses beyond the distances and cross-entropies: targets of their own shapes, own functions.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/specs/loss_specs.hpp"
#include "file_helpers.hpp"
#include "loss_helpers.hpp"

using namespace lstm_native;
using namespace loss_helpers;

TEST_CASE("loss kinds: targets have the shapes that a loss says") {
  const auto features = [](const LossSpec& loss, Index outputs) {
    return target_shape(loss, outputs).features;
  };
  CHECK(features(QuantileLoss{{0.1, 0.9}}, 8) == 4);
  CHECK(features(GaussianLoss{}, 6) == 3);
  CHECK(features(StudentTLoss{}, 6) == 2);
  CHECK(features(GaussianMixture2DLoss{}, 13) == 3);
  CHECK(features(UnitGaussianKLLoss{}, 6) == 0);
  const TargetShape ctc = target_shape(CTCLoss{}, 5);
  CHECK(ctc.labels);
  CHECK(ctc.own_steps);
  CHECK(contains(message_of<InvalidArgument>([] { target_shape(GaussianLoss{}, 5); }),
                 "gaussian expects a multiple of 2 outputs"));
}

TEST_CASE("loss kinds: CTC against central differences, with lengths of both sides") {
  const Network<double> network({dense_layer(4)}, 3, 3);
  const std::vector<double> x = random_values<double>(3 * 6 * 3, 1, 2.0);
  const std::vector<std::int64_t> labels = {1, 1, 3, 2, 9, 9, 9, 9, 9};
  const std::vector<Index> steps = {6, 4, 5}, lengths = {3, 1, 0};
  const Batch<double> batch{x.data(), nullptr, 3, 6, 3, steps.data()};
  Targets<double> y;
  y.labels = labels.data();
  y.timesteps = 3;
  y.lengths = lengths.data();
  const CTCLoss loss;
  auto weights = weights_of(network);
  const auto wanted = central_differences(weights, [&] {
    set_weights(network, weights);
    return Trainer<double>(network, loss, sgd(1)).evaluate(batch, y).loss;
  });
  set_weights(network, weights);
  CHECK(relative_error(gradient_of(network, loss, batch, y), wanted) <= kGradientTolerance);
  // Rows of a table are whole sequences, on both sides.
  const Index rows[] = {2, 0};
  const double some = Trainer<double>(network, loss, sgd(1)).evaluate(batch, y, rows, 2).loss;
  double sum = 0;
  for (const Index& row : rows)
    sum += Trainer<double>(network, loss, sgd(1)).evaluate(batch, y, &row, 1).loss;
  CHECK(some == doctest::Approx(sum / 2).epsilon(1e-14));
}

namespace {

/// The squared error as a function of one's own.
template <class T>
void squared(const OwnLossBatch<T>& batch) {
  const Index rows = batch.samples * (batch.timesteps ? batch.timesteps : 1);
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < batch.features; ++i) {
      const Index at = r * batch.features + i;
      const double d =
          static_cast<double>(batch.output[at]) - static_cast<double>(batch.values[at]);
      batch.losses[r] += d * d / static_cast<double>(batch.features);
      if (batch.gradient)
        batch.gradient[at] = static_cast<T>(2 * d / static_cast<double>(batch.features));
    }
}

}  // namespace

TEST_CASE(
    "loss kinds: a function of one's own trains as the loss that it is; files have its name") {
  const FunctionLoss own{"squared", squared<float>, squared<double>};
  for (const Index steps : {0, 3}) {
    const Problem<double> problem(steps);
    const auto targets = problem.targets(own);
    CHECK(relative_error(gradient_of(problem.network, own, problem.batch(), targets),
                         gradient_of(problem.network, MSELoss{}, problem.batch(), targets)) <=
          1e-14);
  }
  CHECK(json_text(LossSpec(own)) == R"({"label":"squared","type":"function"})");
  const Problem<float> problem(0);
  Trainer<float> trainer(problem.network, parse_loss(json_text(LossSpec(own))), sgd(0.1));
  CHECK(contains(
      message_of<InvalidArgument>([&] { trainer.evaluate(problem.batch(), problem.targets(own)); }),
      "the function \"squared\" that this model was trained with is in no file"));
  CHECK(trainer.with_losses({{0, own, 1.0}}).evaluate(problem.batch(), problem.targets(own)).loss ==
        doctest::Approx(problem.wanted(MSELoss{})));
}
