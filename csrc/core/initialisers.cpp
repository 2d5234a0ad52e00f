#include "core/initialisers.hpp"

#include <Eigen/QR>
#include <cmath>

#include "core/random.hpp"

namespace lstm_native {

// Numbers are drawn and factored in double, so that float32 weights are the float64 ones rounded.

template <class T>
void glorot_uniform(Index fan_in, Index fan_out, std::uint64_t seed, Index count, T* out) {
  const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  for (Index i = 0; i < count; ++i)
    out[i] = static_cast<T>(limit * (2.0 * uniform(seed, static_cast<std::uint64_t>(i)) - 1.0));
}

template <class T>
void orthogonal(Index n, std::uint64_t seed, T* out) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix a(n, n);
  for (Index i = 0; i < n * n; ++i) a.data()[i] = normal(seed, static_cast<std::uint64_t>(i));
  const Eigen::HouseholderQR<Matrix> qr(a);
  Matrix q = qr.householderQ();
  // Without the signs of R's diagonal the distribution would depend on the factorisation.
  for (Index j = 0; j < n; ++j)
    if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
  for (Index i = 0; i < n * n; ++i) out[i] = static_cast<T>(q.data()[i]);
}

template <class T>
void normal_values(double deviation, std::uint64_t seed, Index count, T* out) {
  for (Index i = 0; i < count; ++i)
    out[i] = static_cast<T>(deviation * normal(seed, static_cast<std::uint64_t>(i)));
}

template void glorot_uniform(Index, Index, std::uint64_t, Index, float*);
template void glorot_uniform(Index, Index, std::uint64_t, Index, double*);
template void orthogonal(Index, std::uint64_t, float*);
template void orthogonal(Index, std::uint64_t, double*);
template void normal_values(double, std::uint64_t, Index, float*);
template void normal_values(double, std::uint64_t, Index, double*);

}  // namespace lstm_native
