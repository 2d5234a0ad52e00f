#include "core/numeric/activations.hpp"

#include <algorithm>
#include <cmath>

#include "core/runtime/threads.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {
namespace {

// Cost of one activation in multiply-adds, to decide about threads.
constexpr double kActivationWork = 16;

Pointwise pointwise_kind(Activation kind) {
  switch (kind) {
    case Activation::sigmoid: return Pointwise::sigmoid;
    case Activation::tanh: return Pointwise::tanh;
    default: return Pointwise::relu;
  }
}

}  // namespace

template <class T>
double softmax(const KernelTable<T>& k, Index features, const T* x, T* out) {
  // Shifted by the maximum no exponential overflows; the sum is in double and in order, so that
  // it is the same on every instruction set.
  T shift = x[0];
  for (Index i = 1; i < features; ++i) shift = std::max(shift, x[i]);
  k.exponentials(features, x, shift, out);
  double sum = 0;
  for (Index i = 0; i < features; ++i) sum += static_cast<double>(out[i]);
  const T scale = static_cast<T>(1.0 / sum);
  for (Index i = 0; i < features; ++i) out[i] *= scale;
  return static_cast<double>(shift) + std::log(sum);
}

template <class T>
void activate_rows(const KernelTable<T>& k, Activation kind, Index rows, Index features,
                   T* values) {
  if (kind == Activation::softmax) {
    for (Index r = 0; r < rows; ++r, values += features) softmax(k, features, values, values);
  } else if (kind != Activation::linear) {
    k.pointwise(pointwise_kind(kind), rows * features, values);
  }
}

template <class T>
void activate(Activation kind, Index rows, Index features, T* values) {
  if (kind == Activation::linear) return;
  const KernelTable<T>& k = kernels<T>();
  const double work = kActivationWork * static_cast<double>(rows * features);
  parallel_for(rows, work, [&](Index begin, Index end) {
    activate_rows(k, kind, end - begin, features, values + begin * features);
  });
}

template <class T>
void activate_backward(Activation kind, Index rows, Index features, const T* y, const T* dy,
                       T* dx) {
  if (kind == Activation::linear) {
    if (dx != dy) std::copy_n(dy, rows * features, dx);
  } else if (kind == Activation::softmax) {
    for (Index r = 0; r < rows; ++r, y += features, dy += features, dx += features) {
      double dot = 0;
      for (Index i = 0; i < features; ++i) dot += static_cast<double>(y[i]) * dy[i];
      for (Index i = 0; i < features; ++i) dx[i] = y[i] * (dy[i] - static_cast<T>(dot));
    }
  } else {
    kernels<T>().pointwise_backward(pointwise_kind(kind), rows * features, y, dy, dx);
  }
}

template double softmax(const KernelTable<float>&, Index, const float*, float*);
template double softmax(const KernelTable<double>&, Index, const double*, double*);
template void activate_rows(const KernelTable<float>&, Activation, Index, Index, float*);
template void activate_rows(const KernelTable<double>&, Activation, Index, Index, double*);
template void activate(Activation, Index, Index, float*);
template void activate(Activation, Index, Index, double*);
template void activate_backward(Activation, Index, Index, const float*, const float*, float*);
template void activate_backward(Activation, Index, Index, const double*, const double*, double*);

}  // namespace lstm_native
