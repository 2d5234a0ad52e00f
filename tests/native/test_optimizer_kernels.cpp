// One update of every optimiser on every instruction set, against the formulas of torch.optim.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "isa_helpers.hpp"
#include "kernels/update_args.hpp"
#include "numeric_helpers.hpp"

using namespace lstm_native;

namespace {

/// A tensor before an update; gradients as large as in training, second moments positive.
template <class T>
struct Tensor {
  std::vector<T> weight, gradient, first, second, third;

  explicit Tensor(Index n)
      : weight(random_values<T>(n, 1)),
        gradient(random_values<T>(n, 2)),
        first(random_values<T>(n, 3)),
        second(random_values<T>(n, 4, 0.5)),
        third(random_values<T>(n, 5, 0.5)) {
    for (T& v : second) v += T(0.75);
    for (T& v : third) v += T(0.75);  // sometimes above the second, sometimes below
  }

  /// Values [begin, end) with the numbers of `numbers`.
  UpdateArgs<T> arguments(UpdateArgs<T> numbers, Index begin, Index end, bool with_first,
                          bool with_second) {
    numbers.size = end - begin;
    numbers.weight = weight.data() + begin;
    numbers.gradient = gradient.data() + begin;
    numbers.first = with_first ? first.data() + begin : nullptr;
    numbers.second = with_second ? second.data() + begin : nullptr;
    numbers.third = third.data() + begin;
    return numbers;
  }
};

template <class T>
UpdateArgs<T> numbers() {
  UpdateArgs<T> u;
  u.gradient_scale = T(0.75);
  u.learning_rate = T(0.1);
  u.gradient_rate = T(0.05);
  u.decay = T(0.01);
  u.shrink = T(0.99);
  u.beta1 = T(0.9);
  u.beta2 = T(0.95);
  u.one_minus_beta1 = T(0.1);
  u.one_minus_beta2 = T(0.05);
  u.second_scale = T(0.5);
  u.epsilon = T(1e-3);
  return u;
}

enum class Rule { sgd, adam, amsgrad, nadam, adagrad, rmsprop };

/// Value i after one update, in double.
struct Updated {
  double weight, first, second, third;
};

template <class T>
Updated update(Rule rule, const Tensor<T>& t, const UpdateArgs<T>& u, std::size_t i) {
  const double beta1 = u.beta1, beta2 = u.beta2, rate = u.learning_rate, eps = u.epsilon;
  const double w = t.weight[i];
  const double g = static_cast<double>(u.gradient_scale) * t.gradient[i] + u.decay * w;
  Updated out{w * static_cast<double>(u.shrink), t.first[i], t.second[i], t.third[i]};
  double step = g;
  if (rule == Rule::adam || rule == Rule::amsgrad || rule == Rule::nadam) {
    out.first = beta1 * out.first + u.one_minus_beta1 * g;
    out.second = beta2 * out.second + u.one_minus_beta2 * g * g;
    if (rule == Rule::amsgrad) out.third = std::max(out.third, out.second);
    const double square = rule == Rule::amsgrad ? out.third : out.second;
    const double below = std::sqrt(square) / u.second_scale + eps;
    step = out.first / below;
    if (rule == Rule::nadam) out.weight -= u.gradient_rate * g / below;
  } else if (rule == Rule::adagrad) {
    out.second += g * g;
    step = g / (std::sqrt(out.second) + eps);
  } else {
    if (rule == Rule::rmsprop) {
      out.second = beta2 * out.second + u.one_minus_beta2 * g * g;
      step = g / (std::sqrt(out.second) + eps);
    }
    if (u.first) {
      out.first = beta1 * out.first + step;
      step = u.nesterov ? step + beta1 * out.first : out.first;
    }
  }
  out.weight -= rate * step;
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE("optimiser kernels follow their formulas, with and without slots", T, float,
                   double) {
  struct Option {
    Rule rule;
    bool first, second, nesterov;
  };
  for_each_set([](const std::string&) {
    const KernelTable<T>& k = kernels<T>();
    for (const Option& option : {Option{Rule::sgd, false, false, false},
                                 {Rule::sgd, true, false, false},
                                 {Rule::sgd, true, false, true},
                                 {Rule::adam, true, true, false},
                                 {Rule::amsgrad, true, true, false},
                                 {Rule::nadam, true, true, false},
                                 {Rule::adagrad, false, true, false},
                                 {Rule::rmsprop, false, true, false},
                                 {Rule::rmsprop, true, true, false}}) {
      const auto kernel = option.rule == Rule::sgd       ? k.sgd
                          : option.rule == Rule::adam    ? k.adam
                          : option.rule == Rule::amsgrad ? k.amsgrad
                          : option.rule == Rule::nadam   ? k.nadam
                          : option.rule == Rule::adagrad ? k.adagrad
                                                         : k.rmsprop;
      UpdateArgs<T> u = numbers<T>();
      u.nesterov = option.nesterov;
      for (const Index n : {1, 3, 4, 7, 8, 15, 16, 17, 37}) {
        const Tensor<T> before(n + 1);  // one value behind the end
        Tensor<T> after = before;
        u = after.arguments(u, 0, n, option.first, option.second);
        kernel(u);
        double error = 0;
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
          const Updated wanted = update(option.rule, before, u, i);
          error = std::max({error, std::abs(after.weight[i] - wanted.weight),
                            std::abs(after.first[i] - wanted.first),
                            std::abs(after.second[i] - wanted.second),
                            std::abs(after.third[i] - wanted.third)});
        }
        CAPTURE(n);
        CHECK(error <= 8 * std::numeric_limits<T>::epsilon());
        const auto last = static_cast<std::size_t>(n);
        CHECK(after.weight[last] == before.weight[last]);
        CHECK(after.first[last] == before.first[last]);
        CHECK(after.second[last] == before.second[last]);
        CHECK(after.third[last] == before.third[last]);
        CHECK(same_bits(after.gradient, before.gradient));
        // In two calls, so that every value stands elsewhere: the same bits.
        Tensor<T> split = before;
        kernel(split.arguments(u, 0, n / 2, option.first, option.second));
        kernel(split.arguments(u, n / 2, n, option.first, option.second));
        CHECK(same_bits(split.weight, after.weight));
        CHECK(same_bits(split.first, after.first));
        CHECK(same_bits(split.second, after.second));
      }
    }
  });
}
