// Activations and exponentials of every instruction set: accuracy, limits, and the same bits
// wherever a value stands.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "isa_helpers.hpp"
#include "numeric_helpers.hpp"

using namespace lstm_native;

namespace {

/// Distance in units of the last place of the value of T nearest to `wanted`.
template <class T>
double ulps(T got, long double wanted) {
  using Limits = std::numeric_limits<T>;
  int exponent = 0;
  std::frexp(static_cast<T>(wanted), &exponent);
  const int unit = std::max(exponent, Limits::min_exponent) - Limits::digits;
  return static_cast<double>(std::abs(static_cast<long double>(got) - wanted) /
                             std::ldexp(1.0L, unit));
}

/// The function in more digits than T has: double is enough for float, and much faster.
template <class T>
long double exact(Pointwise kind, T x) {
  using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
  const Wide v = x;
  return kind == Pointwise::tanh ? std::tanh(v) : 1 / (1 + std::exp(-v));
}

// A sweep over all floats found tanh's largest errors here, with fused multiply-adds and without.
constexpr float kWorstTanh[] = {6.49310732f, 7.00479460f};

/// Values of every exponent up to `limit`, of both signs: equal steps over the bit patterns for
/// float, equal steps on a line and of the logarithm for double.
std::vector<float> sample(float limit) {
  std::vector<float> out;
  for (std::uint32_t bits = 0; bits < 0x80000000u - 4001; bits += 4001) {
    float x = 0;
    std::memcpy(&x, &bits, sizeof x);
    if (x > limit) break;
    out.push_back(x);
    out.push_back(-x);
  }
  out.insert(out.end(), std::begin(kWorstTanh), std::end(kWorstTanh));
  return out;
}

std::vector<double> sample(double limit) {
  std::vector<double> out;
  constexpr int count = 20000;
  for (int i = 1; i <= count; ++i)
    for (const double size :
         {limit * i / count, 20.0 * i / count, std::ldexp(1.0 + 1.0 * i / count, -i % 60)}) {
      out.push_back(size);
      out.push_back(-size);
    }
  return out;
}

/// Largest error in ulp over results that are normal numbers.
template <class T>
double worst_error(Pointwise kind, T limit) {
  const std::vector<T> x = sample(limit);
  std::vector<T> y = x;
  kernels<T>().pointwise(kind, static_cast<Index>(y.size()), y.data());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double wanted = exact(kind, x[i]);
    if (std::abs(wanted) < std::numeric_limits<T>::min()) continue;
    worst = std::max(worst, ulps(y[i], wanted));
    if (!(std::abs(y[i]) <= 1)) worst = std::numeric_limits<double>::infinity();
  }
  return worst;
}

template <class T>
T one_value(Pointwise kind, T x) {
  kernels<T>().pointwise(kind, 1, &x);
  return x;
}

constexpr Pointwise kAll[] = {Pointwise::relu, Pointwise::sigmoid, Pointwise::tanh};

}  // namespace

TEST_CASE("pointwise: sigmoid and tanh within 5 ulp in float, where multiply-adds are fused") {
  for_each_set([](const std::string& name) {
    // Over all floats from 2^-6 on: sigmoid 3.38 ulp on every set; tanh 4.90 where multiply-adds
    // are fused. Without fusing, each step of its polynomials rounds twice: 6.64 ulp.
    const bool fused = name != "generic";
    CHECK(worst_error<float>(Pointwise::sigmoid, 104.0f) <= 3.4);
    CHECK(worst_error<float>(Pointwise::tanh, 104.0f) <= (fused ? 4.90 : 6.64));
  });
}

TEST_CASE("pointwise: sigmoid and tanh in double") {
  for_each_set([](const std::string&) {
    CHECK(worst_error<double>(Pointwise::sigmoid, 708.0) <= 3.0);
    CHECK(worst_error<double>(Pointwise::tanh, 708.0) <= 10.0);  // 8.6 over 4 million values
  });
}

TEST_CASE_TEMPLATE("pointwise: exact at zero and at the limits, NaN stays NaN", T, float, double) {
  for_each_set([](const std::string&) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    constexpr T largest = std::numeric_limits<T>::max();
    CHECK(one_value(Pointwise::sigmoid, T(0)) == T(0.5));
    CHECK(one_value(Pointwise::tanh, T(0)) == T(0));
    CHECK(std::signbit(one_value(Pointwise::tanh, T(-0.0))));
    CHECK(one_value(Pointwise::relu, T(0)) == T(0));
    for (const T x : {T(40), T(1000), largest, infinity}) {
      CAPTURE(x);
      CHECK(one_value(Pointwise::tanh, x) == T(1));
      CHECK(one_value(Pointwise::tanh, -x) == T(-1));
      CHECK(one_value(Pointwise::sigmoid, x) == T(1));
      CHECK(one_value(Pointwise::relu, x) == x);
      CHECK(one_value(Pointwise::relu, -x) == T(0));
      if (x >= T(1000)) CHECK(one_value(Pointwise::sigmoid, -x) == T(0));
    }
    // Results too small to be normal may be zero, but not wrong by more than that.
    for (T x = T(-80); x > T(-800); x -= T(0.37)) {
      const double wanted = static_cast<double>(exact(Pointwise::sigmoid, x));
      REQUIRE(std::abs(one_value(Pointwise::sigmoid, x) - wanted) <=
              4 * std::numeric_limits<T>::epsilon() * wanted + std::numeric_limits<T>::min());
    }
    // The smallest values pass through tanh unchanged.
    constexpr T small = std::numeric_limits<T>::denorm_min(), tiny = std::numeric_limits<T>::min();
    CHECK(one_value(Pointwise::tanh, tiny) == tiny);
    CHECK(one_value(Pointwise::tanh, small) == small);
    for (const T nan : {std::numeric_limits<T>::quiet_NaN(), -std::numeric_limits<T>::quiet_NaN()})
      for (const Pointwise kind : kAll) CHECK(std::isnan(one_value(kind, nan)));
  });
}

TEST_CASE_TEMPLATE("pointwise: the same bits at any position, and nothing behind the end", T, float,
                   double) {
  for_each_set([](const std::string&) {
    for (const Pointwise kind : kAll) {
      std::vector<T> x = random_values<T>(53, 3, 6.0);
      x[20] = std::numeric_limits<T>::quiet_NaN();  // a neighbour that must not matter
      x[40] = std::numeric_limits<T>::infinity();
      std::vector<T> wanted;
      for (const T v : x) wanted.push_back(one_value(kind, v));
      for (std::size_t first = 0; first < 9; ++first)
        for (std::size_t count = 0; first + count <= x.size(); ++count) {
          std::vector<T> y = x;
          kernels<T>().pointwise(kind, static_cast<Index>(count), y.data() + first);
          std::vector<T> expected = x;
          std::copy_n(wanted.begin() + static_cast<std::ptrdiff_t>(first), count,
                      expected.begin() + static_cast<std::ptrdiff_t>(first));
          REQUIRE(same_bits(y, expected));
        }
    }
  });
}

TEST_CASE_TEMPLATE("pointwise backward: derivatives from the output, in place too", T, float,
                   double) {
  for_each_set([](const std::string&) {
    for (const Pointwise kind : kAll)
      for (const Index n : {1, 2, 3, 7, 8, 15, 16, 17, 33}) {
        const double range = kind == Pointwise::sigmoid ? 0.5 : 1.0;
        std::vector<T> y = random_values<T>(n, 1, range), dx(y.size());
        if (kind == Pointwise::sigmoid)
          for (T& v : y) v += T(0.5);
        if (kind == Pointwise::relu) y[0] = T(0);  // the slope at 0 is 0, as elsewhere
        const std::vector<T> dy = random_values<T>(n, 2);
        kernels<T>().pointwise_backward(kind, n, y.data(), dy.data(), dx.data());
        std::vector<double> wanted;
        for (Index i = 0; i < n; ++i) {
          const double v = y[i], d = dy[i];
          wanted.push_back(kind == Pointwise::relu      ? (v > 0 ? d : 0.0)
                           : kind == Pointwise::sigmoid ? d * v * (1 - v)
                                                        : d * (1 - v * v));
        }
        CHECK(relative_error(dx, wanted) <= 4 * std::numeric_limits<T>::epsilon());
        std::vector<T> in_place = dy;
        kernels<T>().pointwise_backward(kind, n, y.data(), in_place.data(), in_place.data());
        CHECK(same_bits(in_place, dx));
      }
  });
}

TEST_CASE_TEMPLATE("exponentials: accurate, shifted, in place, NaN stays NaN", T, float, double) {
  for_each_set([](const std::string&) {
    const Index n = 999;
    std::vector<T> x = random_values<T>(n, 4, 80.0), y(x.size());
    const T shift = T(3.5);
    kernels<T>().exponentials(n, x.data(), shift, y.data());
    double worst = 0;
    for (Index i = 0; i < n; ++i)
      worst = std::max(worst, ulps(y[i], std::exp(static_cast<long double>(x[i] - shift))));
    CHECK(worst <= 2.0);
    std::vector<T> in_place = x;
    kernels<T>().exponentials(n, in_place.data(), shift, in_place.data());
    CHECK(same_bits(in_place, y));
    for (Index i = 0; i < 40; ++i) {  // alone, a value is a tail
      T alone = 0;
      kernels<T>().exponentials(1, &x[i], shift, &alone);
      REQUIRE(same_bits(&alone, &y[i], 1));
    }
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const T special[] = {-infinity, T(-1e30), std::numeric_limits<T>::quiet_NaN(), infinity, 0};
    T out[5];
    kernels<T>().exponentials(5, special, 0, out);
    CHECK(out[0] == T(0));
    CHECK(out[1] == T(0));
    CHECK(std::isnan(out[2]));
    CHECK(out[3] == infinity);
    CHECK(out[4] == T(1));
  });
}

TEST_CASE_TEMPLATE("exponential sum: any length, its maxima, and what is no number", T, float,
                   double) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const auto sum_of = [](const std::vector<T>& x, T* largest, std::vector<T>* maxima) {
    const auto n = static_cast<Index>(x.size());
    maxima->assign(static_cast<std::size_t>((n + kMaximaBlock - 1) / kMaximaBlock), T(7));
    return kernels<T>().exponential_sum(n, x.data(), largest, maxima->data());
  };
  for (const Index n : {1, 5, 63, 64, 65, 999, 1024, 1025, 5000}) {
    const std::vector<T> x = random_values<T>(n, 4, 20.0);
    long double wanted = 0;
    const T most = *std::max_element(x.begin(), x.end());
    for (const T value : x) wanted += std::exp(static_cast<long double>(value - most));
    double first = 0;
    for_each_set([&](const std::string& name) {
      T largest = 0;
      std::vector<T> maxima;
      const double sum = sum_of(x, &largest, &maxima);
      CHECK(largest == most);
      CHECK(sum ==
            doctest::Approx(static_cast<double>(wanted)).epsilon(sizeof(T) == 4 ? 1e-6 : 1e-14));
      for (std::size_t b = 0; b < maxima.size(); ++b) {
        const auto begin = x.begin() + static_cast<Index>(b) * kMaximaBlock;
        CHECK(maxima[b] == *std::max_element(begin, std::min(x.end(), begin + kMaximaBlock)));
      }
      if (name == "avx512" || name == "avx2") {  // the same bits
        CHECK((first == 0 || first == sum));
        first = sum;
      }
    });
  }
  for_each_set([&](const std::string&) {
    T largest = 0;
    std::vector<T> maxima;
    for (const T odd : {std::numeric_limits<T>::quiet_NaN(), infinity})
      for (const std::size_t place : {0, 70, 99}) {
        std::vector<T> x(100, T(1));
        x[place] = odd;
        CHECK_FALSE(std::isfinite(sum_of(x, &largest, &maxima)));
      }
    CHECK_FALSE(std::isfinite(sum_of(std::vector<T>(100, -infinity), &largest, &maxima)));
    std::vector<T> some(100, -infinity);
    some[80] = T(-2);
    CHECK(sum_of(some, &largest, &maxima) == 1.0);
    CHECK(largest == T(-2));
  });
}
