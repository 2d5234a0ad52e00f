// Layers with several inputs: Concat, Add, Multiply, Average and Dot over ports.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/base/float_mode.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/network/layer_factory.hpp"
#include "file_helpers.hpp"
#include "isa_helpers.hpp"
#include "lstm_native/error.hpp"
#include "network_helpers.hpp"
#include "numeric_helpers.hpp"
#include "thread_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr Index kSamples = 3, kSteps = 4;

struct Input {
  Index features;
  bool timed;
};

/// A layer with several inputs, each with time axis or without, over sequences of true lengths.
template <class T>
struct MergeCase {
  std::shared_ptr<Layer<T>> layer;
  std::vector<Input> inputs;
  std::vector<std::vector<T>> x;
  std::vector<Index> lengths;  // empty: none

  MergeCase(const LayerSpec& spec, std::vector<Input> given, std::vector<Index> true_lengths = {})
      : inputs(std::move(given)), lengths(std::move(true_lengths)) {
    std::vector<Index> features;
    for (const Input& input : inputs) {
      features.push_back(input.features);
      x.push_back(
          random_values<T>(kSamples * (input.timed ? kSteps : 1) * input.features, x.size() + 3));
    }
    layer = make_layer<T>(spec, features, 1);
  }

  bool timed() const {
    for (const Input& input : inputs)
      if (input.timed) return true;
    return false;
  }
  Index steps() const { return timed() ? kSteps : 1; }
  Index width() const { return layer->outputs()[0].features; }
  Index length(Index sample) const {
    return lengths.empty() || !timed() ? steps() : lengths[static_cast<std::size_t>(sample)];
  }

  std::vector<Batch<T>> batches() const {
    std::vector<Batch<T>> in;
    for (std::size_t k = 0; k < inputs.size(); ++k)
      in.push_back({x[k].data(), nullptr, kSamples, inputs[k].timed ? kSteps : 0,
                    inputs[k].features,
                    inputs[k].timed && !lengths.empty() ? lengths.data() : nullptr});
    return in;
  }

  /// What stands behind the ends must not matter.
  void fill_padding(T value) {
    for (std::size_t k = 0; k < inputs.size(); ++k)
      for (Index n = 0; inputs[k].timed && n < kSamples; ++n)
        for (Index i = length(n) * inputs[k].features; i < kSteps * inputs[k].features; ++i)
          x[k][static_cast<std::size_t>(n * kSteps * inputs[k].features + i)] = value;
  }

  /// The output, and the inputs' gradients where dy is given.
  std::vector<T> run(const std::vector<T>* dy = nullptr,
                     std::vector<std::vector<T>>* dx = nullptr) const {
    const FloatMode mode;
    Workspace workspace;
    const auto in = batches();
    std::vector<OutputShape> shapes;
    for (const Batch<T>& batch : in) shapes.push_back({batch.timesteps, batch.features});
    const OutputShape shape = layer->output_shape(0, shapes.data());
    REQUIRE(shape.features == width());
    REQUIRE(shape.timesteps == (timed() ? kSteps : 0));
    std::vector<T> y(static_cast<std::size_t>(kSamples * shape.row_size()));
    T* out[] = {y.data()};
    const auto tape = layer->forward(in.data(), out, {workspace, /*remember=*/dy != nullptr});
    REQUIRE((tape != nullptr) == (dy != nullptr));
    if (!dy) return y;
    std::vector<T*> pointers;
    for (const auto& values : x) {
      dx->emplace_back(values.size(), T(99));
      pointers.push_back(dx->back().data());
    }
    const std::vector<const T*> given{dy->data()};
    tape->backward(given.data(), pointers.data(), nullptr, workspace);
    return y;
  }

  /// The rows of all inputs at a step.
  std::vector<const T*> rows(Index sample, Index step) const {
    std::vector<const T*> list;
    for (std::size_t k = 0; k < inputs.size(); ++k)
      list.push_back(x[k].data() +
                     (inputs[k].timed ? sample * kSteps + step : sample) * inputs[k].features);
    return list;
  }
};

const std::vector<Input> kAlike[] = {{{3, true}, {3, true}},
                                     {{3, true}, {3, false}, {3, true}},
                                     {{3, false}, {3, true}},
                                     {{3, false}, {3, false}}};
const std::vector<Input> kUnlike = {{2, true}, {1, false}, {4, true}};

template <class T>
void for_each_case(const std::function<void(const std::string&, MergeCase<T>)>& body) {
  DotSpec cosine;
  cosine.normalise = true;
  for (const std::vector<Index>& lengths : {std::vector<Index>{}, std::vector<Index>{4, 0, 2}}) {
    for (const auto& inputs : kAlike) {
      body("add", {{AddSpec{}}, inputs, lengths});
      body("multiply", {{MultiplySpec{}}, inputs, lengths});
      body("average", {{AverageSpec{}}, inputs, lengths});
      body("concat", {{ConcatSpec{}}, inputs, lengths});
      if (inputs.size() != 2) continue;
      body("dot", {{DotSpec{}}, inputs, lengths});
      body("cosine", {{cosine}, inputs, lengths});
    }
    body("concat", {{ConcatSpec{}}, kUnlike, lengths});
  }
}

/// One row of the output, written out.
std::vector<double> expected_row(const std::string& kind, const std::vector<Input>& inputs,
                                 const std::vector<const double*>& x) {
  std::vector<double> y;
  if (kind == "concat") {
    for (std::size_t k = 0; k < x.size(); ++k) y.insert(y.end(), x[k], x[k] + inputs[k].features);
    return y;
  }
  const auto product = [&](const double* a, const double* b) {
    double sum = 0;
    for (Index i = 0; i < inputs[0].features; ++i) sum += a[i] * b[i];
    return sum;
  };
  if (kind == "dot") return {product(x[0], x[1])};
  if (kind == "cosine")
    return {product(x[0], x[1]) / std::sqrt(product(x[0], x[0]) * product(x[1], x[1]))};
  for (Index i = 0; i < inputs[0].features; ++i) {
    double value = x[0][i];
    for (std::size_t k = 1; k < x.size(); ++k)
      value = kind == "multiply" ? value * x[k][i] : value + x[k][i];
    y.push_back(kind == "average" ? value / static_cast<double>(x.size()) : value);
  }
  return y;
}

}  // namespace

TEST_CASE("merging: values are those of the rows at each true step, and nothing else is read") {
  for_each_case<double>([](const std::string& kind, MergeCase<double> merge) {
    INFO(kind);
    merge.fill_padding(std::numeric_limits<double>::quiet_NaN());
    const std::vector<double> y = merge.run();
    for (Index n = 0; n < kSamples; ++n)
      for (Index t = 0; t < merge.steps(); ++t) {
        const double* row = y.data() + (n * merge.steps() + t) * merge.width();
        std::vector<double> wanted(static_cast<std::size_t>(merge.width()));
        if (t < merge.length(n)) wanted = expected_row(kind, merge.inputs, merge.rows(n, t));
        for (Index i = 0; i < merge.width(); ++i)
          CHECK(row[i] == doctest::Approx(wanted[static_cast<std::size_t>(i)]).epsilon(1e-14));
      }
  });
}

TEST_CASE("merging: gradients against central differences") {
  for_each_case<double>([](const std::string& kind, MergeCase<double> merge) {
    INFO(kind);
    const Index rows = kSamples * merge.steps();
    std::vector<double> dy = random_values<double>(rows * merge.width(), 9);
    for (Index n = 0; n < kSamples; ++n)
      for (Index i = merge.length(n) * merge.width(); i < merge.steps() * merge.width(); ++i)
        dy[static_cast<std::size_t>(n * merge.steps() * merge.width() + i)] = 1e300;
    std::vector<std::vector<double>> dx;
    merge.run(&dy, &dx);
    for (double& value : dy)
      if (value == 1e300) value = 0;
    for (std::size_t k = 0; k < dx.size(); ++k) {
      const auto wanted = central_differences(merge.x[k], [&] { return dot(merge.run(), dy); });
      CHECK(relative_error(dx[k], wanted) <= kGradientTolerance);
    }
  });
}

TEST_CASE("merging: the same bits with a tape, on any number of threads and in a stream") {
  for_each_case<float>([](const std::string& kind, MergeCase<float> merge) {
    INFO(kind);
    const auto dy = random_values<float>(kSamples * merge.steps() * merge.width(), 9);
    std::vector<std::vector<float>> dx;
    const auto y = merge.run();
    CHECK(same_bits(merge.run(&dy, &dx), y));
    const auto stream = merge.layer->stream(kSamples);
    for (Index t = 0; t < merge.steps(); ++t) {
      std::vector<std::vector<float>> steps;
      std::vector<Batch<float>> in;
      for (std::size_t k = 0; k < merge.inputs.size(); ++k) {
        std::vector<float> step;
        for (Index n = 0; n < kSamples; ++n) {
          const float* row = merge.rows(n, t)[k];
          step.insert(step.end(), row, row + merge.inputs[k].features);
        }
        steps.push_back(std::move(step));
      }
      for (std::size_t k = 0; k < steps.size(); ++k)
        in.push_back({steps[k].data(), nullptr, kSamples, merge.inputs[k].timed ? 1 : 0,
                      merge.inputs[k].features});
      std::vector<float> out(static_cast<std::size_t>(kSamples * merge.width()));
      float* const to[] = {out.data()};
      stream->step(in.data(), to);
      for (Index n = 0; n < kSamples; ++n)
        if (t < merge.length(n))
          CHECK(same_bits(out.data() + n * merge.width(),
                          y.data() + (n * merge.steps() + t) * merge.width(), merge.width()));
    }
  });
}

TEST_CASE("merging: vectors of no length have a finite cosine and gradient") {
  DotSpec cosine;
  cosine.normalise = true;
  MergeCase<double> merge({cosine}, {{3, false}, {3, false}});
  std::fill(merge.x[0].begin(), merge.x[0].end(), 0.0);
  std::vector<std::vector<double>> dx;
  const std::vector<double> dy(kSamples, 1.0);
  for (const double value : merge.run(&dy, &dx)) CHECK(value == 0.0);
  for (const auto& gradient : dx)
    for (const double value : gradient) CHECK(std::isfinite(value));
}

TEST_CASE("merging: inputs that do not fit one another are refused with what they are") {
  const auto told = [](const std::function<void()>& body) {
    return message_of<InvalidArgument>(body);
  };
  CHECK(contains(told([] { make_layer<float>({AddSpec{}}, {3, 4}, 1); }),
                 "Add: expected inputs of as many features, got 3 (x0) and 4 (x1)"));
  CHECK(contains(told([] { make_layer<float>({ConcatSpec{}}, std::vector<Index>{3}, 1); }),
                 "Concat: expected at least two inputs, got 1"));
  CHECK(contains(told([] { make_layer<float>({DotSpec{}}, {3, 3, 3}, 1); }),
                 "Dot: expected two inputs, got 3"));
  const MergeCase<float> merge({MultiplySpec{}}, {{2, true}, {2, true}}, {4, 1, 2});
  const OutputShape shapes[] = {{4, 2}, {5, 2}};
  CHECK(contains(told([&] { merge.layer->output_shape(0, shapes); }),
                 "Multiply: expected inputs of as many timesteps, got 4 (x0) and 5 (x1)"));
  auto in = merge.batches();
  const Index others[] = {4, 3, 2};
  in[1].lengths = others;
  Workspace workspace;
  CHECK(contains(told([&] { merge.layer->output_lengths(0, in.data(), workspace); }),
                 "Multiply: expected inputs of the same lengths, got 1 (x0) and 3 (x1) for "
                 "sequence 1"));
  in[1].lengths = nullptr;  // all of its steps
  CHECK_THROWS_AS(merge.layer->output_lengths(0, in.data(), workspace), InvalidArgument);
}
