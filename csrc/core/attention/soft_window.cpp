#include "core/attention/soft_window.hpp"

#include <algorithm>

namespace lstm_native {
namespace {

template <class T>
T distance(T kappa, Index position) {
  return kappa - static_cast<T>(position + 1);
}

}  // namespace

template <class T>
void SoftWindow<T>::bell(Index length, T b, T kappa, T* out) const {
  for (Index u = 0; u < length; ++u) {
    const T d = distance(kappa, u);
    out[u] = -b * (d * d);
  }
  kernels->exponentials(length, out, T(0), out);
}

template <class T>
void SoftWindow<T>::place(Index length, T* said, T* kappa, T* weights, T* scratch) const {
  const Index K = components;
  kernels->exponentials(3 * K, said, T(0), said);
  std::fill_n(weights, length, T(0));
  for (Index k = 0; k < K; ++k) {
    kappa[k] += said[2 * K + k];
    bell(length, said[K + k], kappa[k], scratch);
    for (Index u = 0; u < length; ++u) weights[u] += said[k] * scratch[u];
  }
}

template <class T>
void SoftWindow<T>::back(Index length, const T* said, const T* kappa, const T* d_weights, T* d_said,
                         T* d_kappa, T* scratch) const {
  const Index K = components;
  for (Index k = 0; k < K; ++k) {
    const T a = said[k], b = said[K + k];
    bell(length, b, kappa[k], scratch);
    T d_a = 0, d_b = 0, d_position = 0;
    for (Index u = 0; u < length; ++u) {
      const T d = distance(kappa[k], u), along = d_weights[u] * scratch[u];
      d_a += along;
      d_b -= along * (d * d);
      d_position -= along * d;
    }
    d_kappa[k] += 2 * a * b * d_position;
    d_said[k] = d_a * a;
    d_said[K + k] = d_b * a * b;
    d_said[2 * K + k] = d_kappa[k] * said[2 * K + k];
  }
}

template struct SoftWindow<float>;
template struct SoftWindow<double>;

}  // namespace lstm_native
