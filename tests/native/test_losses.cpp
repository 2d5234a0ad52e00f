// Losses and optimiser updates through the public Trainer, against plain formulas and central
// differences.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "file_helpers.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr LossKind kLosses[] = {LossKind::mse, LossKind::mae, LossKind::huber,
                                LossKind::binary_crossentropy, LossKind::categorical_crossentropy};

LossSpec loss_of(LossKind kind) { return {kind, 0.7}; }

/// Loss of one row of outputs, from its definition.
double row_loss(const LossSpec& spec, const std::vector<double>& o, const double* y, Index label) {
  double sum = 0, exponentials = 0;
  for (std::size_t i = 0; i < o.size(); ++i) {
    const double d = std::abs(o[i] - y[i]), p = 1 / (1 + std::exp(-o[i]));
    exponentials += std::exp(o[i]);
    switch (spec.kind) {
      case LossKind::mse: sum += d * d; break;
      case LossKind::mae: sum += d; break;
      case LossKind::huber:
        sum += d <= spec.delta ? d * d / 2 : spec.delta * (d - spec.delta / 2);
        break;
      case LossKind::binary_crossentropy:
        sum -= y[i] * std::log(p) + (1 - y[i]) * std::log(1 - p);
        break;
      default: break;
    }
  }
  if (spec.kind == LossKind::categorical_crossentropy)
    return std::log(exponentials) - o[static_cast<std::size_t>(label)];
  return sum / static_cast<double>(o.size());
}

/// A network of one Dense layer over samples with or without time axis, and targets of all kinds.
template <class T>
struct Problem {
  static constexpr Index kFeatures = 3, kUnits = 4;
  Index samples = 6, steps;
  std::vector<T> x, values, weights;
  std::vector<std::int64_t> labels;
  Network<T> network{{dense_layer(kUnits)}, kFeatures, 3};

  explicit Problem(Index timesteps) : steps(timesteps) {
    x = random_values<T>(rows() * kFeatures, 1, 2.0);
    values = random_values<T>(rows() * kUnits, 2, 0.5);
    for (T& v : values) v += T(0.5);  // in [0, 1], as binary cross-entropy wants them
    weights = random_values<T>(rows(), 3, 1.0);
    for (T& w : weights) w += T(1);
    weights[2] = 0;
    for (Index r = 0; r < rows(); ++r) labels.push_back(r * 7 % kUnits);
    // What is masked may hold anything.
    labels[2] = -100;
    values[2 * kUnits] = std::numeric_limits<T>::quiet_NaN();
  }

  Index rows() const { return samples * (steps ? steps : 1); }
  Batch<T> batch() const { return {x.data(), nullptr, samples, steps, kFeatures}; }
  Targets<T> targets(LossKind kind) const {
    if (kind == LossKind::categorical_crossentropy) return {nullptr, labels.data(), weights.data()};
    return {values.data(), nullptr, weights.data()};
  }

  /// Weighted mean over the rows, from the network's own predictions.
  double wanted(const LossSpec& spec) const {
    std::vector<T> y(static_cast<std::size_t>(rows() * kUnits));
    network.predict(batch(), y.data());
    const std::vector<double> target = to_double(values);
    double sum = 0, weight = 0;
    for (Index r = 0; r < rows(); ++r) {
      if (weights[r] == 0) continue;
      const std::vector<double> o(&y[r * kUnits], &y[r * kUnits] + kUnits);
      sum += static_cast<double>(weights[r]) * row_loss(spec, o, &target[r * kUnits], labels[r]);
      weight += static_cast<double>(weights[r]);
    }
    return sum / weight;
  }
};

/// The gradient of the loss: a step of plain descent of length 1 subtracts it.
std::vector<double> gradient_of(const Network<double>& network, const LossSpec& loss,
                                const Batch<double>& x, const Targets<double>& y,
                                double* norm = nullptr) {
  const auto before = weights_of(network);
  Trainer<double> trainer(network, loss, sgd(1.0));
  const StepResult result = trainer.step(x, y, nullptr, x.samples, 0);
  if (norm) *norm = result.gradient_norm;
  auto gradient = weights_of(network);
  for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = before[i] - gradient[i];
  set_weights(network, before);
  return gradient;
}

OptimizerSpec full_spec(OptimizerKind kind) {
  OptimizerSpec spec;
  spec.kind = kind;
  spec.learning_rate = 0.05;
  spec.momentum = 0.8;
  spec.beta1 = 0.85;
  spec.beta2 = 0.97;
  spec.rho = 0.93;
  spec.epsilon = 1e-4;
  spec.weight_decay = 0.02;
  return spec;
}

/// One value of a weight over several updates, as torch.optim documents them.
struct Rule {
  OptimizerSpec s;
  double first = 0, second = 0, step = 0;

  double operator()(double w, double g) {
    step += 1;
    if (s.kind == OptimizerKind::adamw)
      w -= s.learning_rate * s.weight_decay * w;
    else
      g += s.weight_decay * w;
    switch (s.kind) {
      case OptimizerKind::sgd:
        first = s.momentum * first + g;
        return w - s.learning_rate * (s.nesterov ? g + s.momentum * first : first);
      case OptimizerKind::rmsprop:
        second = s.rho * second + (1 - s.rho) * g * g;
        first = s.momentum * first + g / (std::sqrt(second) + s.epsilon);
        return w - s.learning_rate * first;
      default: {
        first = s.beta1 * first + (1 - s.beta1) * g;
        second = s.beta2 * second + (1 - s.beta2) * g * g;
        const double m = first / (1 - std::pow(s.beta1, step));
        const double v = second / (1 - std::pow(s.beta2, step));
        return w - s.learning_rate * m / (std::sqrt(v) + s.epsilon);
      }
    }
  }
};

/// Runs `spec` beside the plain rule; clip changes a gradient before the rule sees it.
double optimizer_error(const OptimizerSpec& spec,
                       const std::function<void(std::vector<double>&)>& clip) {
  const Problem<double> problem(2);
  const LossSpec loss = loss_of(LossKind::mse);
  const auto targets = problem.targets(loss.kind);
  Trainer<double> trainer(problem.network, loss, spec);
  std::vector<Rule> rules(static_cast<std::size_t>(problem.network.parameter_count()), Rule{spec});
  double error = 0;
  for (int i = 0; i < 5; ++i) {
    auto gradient = gradient_of(problem.network, loss, problem.batch(), targets);
    clip(gradient);
    auto wanted = weights_of(problem.network);
    for (std::size_t j = 0; j < wanted.size(); ++j) wanted[j] = rules[j](wanted[j], gradient[j]);
    trainer.step(problem.batch(), targets, nullptr, problem.samples, 0);
    error = std::max(error, relative_error(weights_of(problem.network), wanted));
  }
  return error;
}

double norm_of(const std::vector<double>& values) { return std::sqrt(dot(values, values)); }

}  // namespace

TEST_CASE_TEMPLATE("losses: weighted means over the rows, masked rows left out", T, float, double) {
  for (const LossKind kind : kLosses)
    for (const Index steps : {0, 3}) {
      CAPTURE(static_cast<int>(kind));
      const Problem<T> problem(steps);
      Trainer<T> trainer(problem.network, loss_of(kind), adam(0.01));
      const StepResult got =
          trainer.evaluate(problem.batch(), problem.targets(kind), nullptr, problem.samples);
      double weight = 0;
      for (const T w : problem.weights) weight += static_cast<double>(w);
      CHECK(got.loss == doctest::Approx(problem.wanted(loss_of(kind))).epsilon(2e-6));
      CHECK(got.weight == doctest::Approx(weight));
      CHECK(got.finite);
    }
}

TEST_CASE("losses: gradients and their norm against central differences") {
  for (const LossKind kind : kLosses)
    for (const Index steps : {0, 3}) {
      CAPTURE(static_cast<int>(kind));
      const Problem<double> problem(steps);
      const LossSpec spec = loss_of(kind);
      auto weights = weights_of(problem.network);
      const auto wanted = central_differences(weights, [&] {
        set_weights(problem.network, weights);
        return problem.wanted(spec);
      });
      set_weights(problem.network, weights);
      double norm = 0;
      const auto got =
          gradient_of(problem.network, spec, problem.batch(), problem.targets(kind), &norm);
      // mae and huber have kinks, which the differences of a weight may step over.
      const bool smooth = kind != LossKind::mae && kind != LossKind::huber;
      CHECK(relative_error(got, wanted) <= (smooth ? kGradientTolerance : 1e-4));
      CHECK(norm == doctest::Approx(norm_of(got)).epsilon(1e-12));
    }
}

TEST_CASE_TEMPLATE("losses: logits of any size give finite cross-entropies", T, float, double) {
  const Network<T> network({{ActivationSpec{Activation::linear}}}, 2);
  const std::vector<T> x = {T(1e4), T(-1e4), T(-1e4), T(1e4)}, y = {1, 0, 1, 0};
  const std::int64_t labels[] = {0, 0};
  const Batch<T> batch{x.data(), nullptr, 2, 0, 2};
  const Trainer<T> binary(network, loss_of(LossKind::binary_crossentropy), sgd(1));
  CHECK(binary.evaluate(batch, {y.data(), nullptr, nullptr}, nullptr, 2).loss ==
        doctest::Approx(5e3));
  const Trainer<T> categorical(network, loss_of(LossKind::categorical_crossentropy), sgd(1));
  CHECK(categorical.evaluate(batch, {nullptr, labels, nullptr}, nullptr, 2).loss ==
        doctest::Approx(1e4));
}

TEST_CASE("losses: soft labels and label smoothing against central differences") {
  for (const double smoothing : {0.0, 0.2})
    for (const bool soft : {false, true})
      for (const LossKind kind :
           {LossKind::binary_crossentropy, LossKind::categorical_crossentropy}) {
        if (kind == LossKind::binary_crossentropy && !soft) continue;
        CAPTURE(smoothing);
        Problem<double> problem(3);
        LossSpec spec = loss_of(kind);
        spec.label_smoothing = smoothing;
        const Index K = Problem<double>::kUnits;
        const bool categorical = kind == LossKind::categorical_crossentropy;
        if (categorical)
          for (Index r = 0; r < problem.rows(); ++r) {
            double sum = 0;
            for (Index i = 0; i < K; ++i) sum += problem.values[r * K + i];
            for (Index i = 0; i < K; ++i) problem.values[r * K + i] /= sum;
          }
        const Targets<double> targets =
            soft ? Targets<double>{problem.values.data(), nullptr, problem.weights.data()}
                 : problem.targets(kind);
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
    LossSpec spec = loss_of(LossKind::categorical_crossentropy);
    spec.label_smoothing = smoothing;
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
  LossSpec spec = loss_of(LossKind::categorical_crossentropy);
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
  const LossSpec spec = loss_of(LossKind::mse);
  const auto targets = problem.targets(spec.kind);
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
  LossSpec spec = loss_of(LossKind::categorical_crossentropy);
  const Targets<float> y{problem.values.data(), nullptr, nullptr};
  CHECK(said(spec, y).empty());
  problem.values[4 * K] = 0.5f;
  CHECK(contains(said(spec, y), "sum to 1, got a sum of 1.25"));
  for (const float bad : {-0.1f, 1.1f, std::numeric_limits<float>::quiet_NaN()}) {
    problem.values[4 * K] = bad;
    CHECK(contains(said(spec, y), "targets from 0 to 1, got"));
    CHECK(contains(said(loss_of(LossKind::binary_crossentropy), y), "in row 4"));
  }
  CHECK(contains(said(spec, {nullptr, nullptr, nullptr}), "got neither"));
  CHECK(contains(said(spec, {problem.values.data(), problem.labels.data(), nullptr}), "got both"));
  spec.ignore_index = 0;
  CHECK(contains(said(spec, y), "ignore_index needs integer labels"));
  StepOptions<float> options;
  options.mean_weight = -1;
  Trainer<float> trainer(problem.network, LossSpec{}, sgd(0.1));
  CHECK(contains(message_of<InvalidArgument>([&] {
                   trainer.step(problem.batch(), y, nullptr, problem.samples, 0, nullptr, options);
                 }),
                 "mean_weight: expected a finite number >= 0"));
}

TEST_CASE("losses: a batch that is masked out wholly teaches nothing") {
  Problem<double> problem(0);
  std::fill(problem.weights.begin(), problem.weights.end(), 0.0);
  Trainer<double> trainer(problem.network, loss_of(LossKind::mse), adam(0.1));
  const auto before = weights_of(problem.network);
  const StepResult got =
      trainer.step(problem.batch(), problem.targets(LossKind::mse), nullptr, problem.samples, 0);
  CHECK(got.weight == 0);
  CHECK(got.loss == 0);
  CHECK(got.finite);
  CHECK(weights_of(problem.network) == before);
  CHECK(trainer.iterations() == 0);
}

TEST_CASE("losses: labels out of range are refused, with the row") {
  Problem<float> problem(0);
  Trainer<float> trainer(problem.network, loss_of(LossKind::categorical_crossentropy), sgd(0.1));
  for (const std::int64_t wrong : {-1, 4}) {
    problem.labels[4] = wrong;
    const std::string message = message_of<InvalidArgument>([&] {
      trainer.step(problem.batch(), problem.targets(LossKind::categorical_crossentropy), nullptr,
                   problem.samples, 0);
    });
    CHECK(contains(message, "labels from 0 to 3"));
    CHECK(contains(message, "got " + std::to_string(wrong) + " in row 4"));
  }
}

TEST_CASE("optimisers: five updates as torch.optim documents them") {
  const auto as_it_is = [](std::vector<double>&) {};
  OptimizerSpec nesterov = full_spec(OptimizerKind::sgd);
  nesterov.nesterov = true;
  CHECK(optimizer_error(nesterov, as_it_is) < 1e-12);
  OptimizerSpec plain = full_spec(OptimizerKind::sgd);
  plain.momentum = 0;
  CHECK(optimizer_error(plain, as_it_is) < 1e-12);
  OptimizerSpec rms = full_spec(OptimizerKind::rmsprop);
  CHECK(optimizer_error(rms, as_it_is) < 1e-12);
  rms.momentum = 0;
  CHECK(optimizer_error(rms, as_it_is) < 1e-12);
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw})
    CHECK(optimizer_error(full_spec(kind), as_it_is) < 1e-12);
}

TEST_CASE("optimisers: clipping by value, then by global norm") {
  OptimizerSpec spec = full_spec(OptimizerKind::sgd);
  const double limit = 0.05, norm = 0.1;
  const auto by_value = [=](std::vector<double>& g) {
    for (double& v : g) v = std::max(-limit, std::min(limit, v));
  };
  const auto by_norm = [=](std::vector<double>& g) {
    const double scale = std::min(1.0, norm / (norm_of(g) + 1e-6));  // as PyTorch has it
    for (double& v : g) v *= scale;
  };
  spec.clip_value = limit;
  CHECK(optimizer_error(spec, by_value) < 1e-12);
  spec.clip_norm = norm;
  CHECK(optimizer_error(spec, [=](std::vector<double>& g) {
          by_value(g);
          by_norm(g);
        }) < 1e-12);
  spec.clip_value = 0;
  CHECK(optimizer_error(spec, by_norm) < 1e-12);
  spec.clip_norm = 1e6;  // beyond any gradient: nothing happens
  CHECK(optimizer_error(spec, [](std::vector<double>&) {}) < 1e-12);
}

TEST_CASE("optimisers and losses: values out of range are refused") {
  const Network<float> network({dense_layer(2)}, 3);
  const auto refused = [&](const std::function<void(OptimizerSpec&)>& change, OptimizerKind kind) {
    OptimizerSpec spec = full_spec(kind);
    change(spec);
    return message_of<InvalidArgument>([&] { Trainer<float>(network, LossSpec{}, spec); });
  };
  const auto kind = OptimizerKind::adam;
  CHECK(refused([](OptimizerSpec&) {}, kind).empty());
  CHECK(contains(refused([](OptimizerSpec& s) { s.learning_rate = -1; }, kind), "got -1"));
  CHECK(contains(refused([](OptimizerSpec& s) { s.beta2 = 1; }, kind), "beta2: expected 0 <="));
  CHECK(contains(refused([](OptimizerSpec& s) { s.clip_norm = -2; }, kind), "got -2"));
  CHECK(contains(refused([](OptimizerSpec& s) { s.momentum = 1; }, OptimizerKind::sgd), "got 1"));
  CHECK(contains(message_of<InvalidArgument>(
                     [&] { Trainer<float>(network, {LossKind::huber, 0.0}, adam(0.1)); }),
                 "delta: expected a finite number > 0, got 0"));
}
