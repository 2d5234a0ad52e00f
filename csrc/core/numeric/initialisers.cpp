#include "core/numeric/initialisers.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/base/random.hpp"

namespace lstm_native {

// Numbers are drawn and factored in double, so that float32 weights are the float64 ones rounded.

namespace {

/// out[i] = value(i), asking now and then whether to go on.
template <class T, class Value>
void draw(Index count, T* out, const Value& value) {
  constexpr Index kBetweenQuestions = Index{1} << 20;
  Cancellation* const cancellation = Cancellation::current();
  for (Index begin = 0; begin < count; begin += kBetweenQuestions) {
    if (cancellation) cancellation->check();
    const Index end = std::min(count, begin + kBetweenQuestions);
    for (Index i = begin; i < end; ++i)
      out[i] = static_cast<T>(value(static_cast<std::uint64_t>(i)));
  }
}

}  // namespace

template <class T>
void glorot_uniform(Index fan_in, Index fan_out, WeightSeed seed, Index count, T* out) {
  if (!seed) return;
  const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  draw(count, out, [&](std::uint64_t i) { return limit * (2.0 * uniform(*seed, i) - 1.0); });
}

namespace {

using Matrix = Eigen::MatrixXd;

/// The factor Q of the QR decomposition of a matrix of normal values (Mezzadri 2007).
Matrix orthogonal_factor(Index n, std::uint64_t seed) {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  RowMajor a(n, n);
  for (Index i = 0; i < n * n; ++i) a.data()[i] = normal(seed, static_cast<std::uint64_t>(i));
  const Eigen::HouseholderQR<RowMajor> qr(a);
  RowMajor q = qr.householderQ();
  // Without the signs of R's diagonal the distribution would depend on the factorisation.
  for (Index j = 0; j < n; ++j)
    if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
  return q;
}

/// The product of the reflections that take normal vectors of n, n - 1, ... values to the first
/// axis: the same distribution in half of the work, since what a reflection makes of the columns
/// behind its own is normal again (Stewart 1980, "The efficient generation of random orthogonal
/// matrices with an application to condition estimators"). Blocks of them are I - V T V^T
/// (Schreiber & Van Loan 1989).
Matrix product_of_reflections(Index n, std::uint64_t seed, Cancellation* cancellation) {
  constexpr Index kBlock = 64;
  Matrix q = Matrix::Identity(n, n), v, t, w;
  Eigen::VectorXd signs(n);
  for (Index begin = (n - 1) / kBlock * kBlock; begin >= 0; begin -= kBlock) {
    if (cancellation) cancellation->check();
    const Index count = std::min(kBlock, n - begin), rows = n - begin;
    v.setZero(rows, count);
    t.setZero(count, count);
    for (Index j = 0; j < count; ++j) {
      auto x = v.col(j).tail(rows - j);
      for (Index i = 0; i < rows - j; ++i)
        x[i] = normal(seed, static_cast<std::uint64_t>((begin + j + i) * n + begin + j));
      const double first = x[0], norm = x.norm(), sign = first < 0 ? -1.0 : 1.0;
      signs[begin + j] = sign;
      x /= first + sign * norm;
      x[0] = 1.0;
      const double tau = 1.0 + std::abs(first) / norm;
      t.col(j).head(j).noalias() = t.topLeftCorner(j, j).triangularView<Eigen::Upper>() *
                                   (-tau * (v.leftCols(j).bottomRows(rows - j).transpose() * x));
      t(j, j) = tau;
    }
    auto part = q.bottomRightCorner(rows, rows);
    w.noalias() = v.transpose() * part;
    w = t.triangularView<Eigen::Upper>() * w;
    part.noalias() -= v * w;
  }
  // A reflection takes its vector to the side of the axis where it does not stand.
  return q * (-signs).asDiagonal();
}

}  // namespace

template <class T>
void orthogonal(Index n, WeightSeed seed, T* out, Cancellation* cancellation) {
  if (!seed) return;
  if (cancellation) cancellation->check();
  // Eigen blocks its products by the machine's cache sizes, and so would round differently from
  // machine to machine.
  static std::once_flag once;
  std::call_once(once, [] { Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20); });
  // Small ones have the bits that they had before there was another way.
  const Matrix q =
      n <= 512 ? orthogonal_factor(n, *seed) : product_of_reflections(n, *seed, cancellation);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) *out++ = static_cast<T>(q(i, j));
}

template <class T>
void normal_values(double deviation, WeightSeed seed, Index count, T* out) {
  if (!seed) return;
  draw(count, out, [&](std::uint64_t i) { return deviation * normal(*seed, i); });
}

template void glorot_uniform(Index, Index, WeightSeed, Index, float*);
template void glorot_uniform(Index, Index, WeightSeed, Index, double*);
template void orthogonal(Index, WeightSeed, float*, Cancellation*);
template void orthogonal(Index, WeightSeed, double*, Cancellation*);
template void normal_values(double, WeightSeed, Index, float*);
template void normal_values(double, WeightSeed, Index, double*);

}  // namespace lstm_native
