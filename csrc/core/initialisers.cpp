#include "core/initialisers.hpp"

#include <Eigen/QR>
#include <cmath>
#include <mutex>

#include "core/random.hpp"

namespace lstm_native {

// Numbers are drawn and factored in double, so that float32 weights are the float64 ones rounded.

template <class T>
void glorot_uniform(Index fan_in, Index fan_out, WeightSeed seed, Index count, T* out) {
  if (!seed) return;
  const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  for (Index i = 0; i < count; ++i)
    out[i] = static_cast<T>(limit * (2.0 * uniform(*seed, static_cast<std::uint64_t>(i)) - 1.0));
}

template <class T>
void orthogonal(Index n, WeightSeed seed, T* out) {
  if (!seed) return;
  // Eigen blocks the factorisation by the machine's cache sizes, and so would round differently
  // from machine to machine.
  static std::once_flag once;
  std::call_once(once, [] { Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20); });
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix a(n, n);
  for (Index i = 0; i < n * n; ++i) a.data()[i] = normal(*seed, static_cast<std::uint64_t>(i));
  const Eigen::HouseholderQR<Matrix> qr(a);
  Matrix q = qr.householderQ();
  // Without the signs of R's diagonal the distribution would depend on the factorisation.
  for (Index j = 0; j < n; ++j)
    if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
  for (Index i = 0; i < n * n; ++i) out[i] = static_cast<T>(q.data()[i]);
}

template <class T>
void normal_values(double deviation, WeightSeed seed, Index count, T* out) {
  if (!seed) return;
  for (Index i = 0; i < count; ++i)
    out[i] = static_cast<T>(deviation * normal(*seed, static_cast<std::uint64_t>(i)));
}

template void glorot_uniform(Index, Index, WeightSeed, Index, float*);
template void glorot_uniform(Index, Index, WeightSeed, Index, double*);
template void orthogonal(Index, WeightSeed, float*);
template void orthogonal(Index, WeightSeed, double*);
template void normal_values(double, WeightSeed, Index, float*);
template void normal_values(double, WeightSeed, Index, double*);

}  // namespace lstm_native
