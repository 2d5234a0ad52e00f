// Activations: one value in, one value out.
#include <limits>

#include "kernels/activations.hpp"
#include "kernels/set_functions.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class T>
void pointwise(Pointwise kind, Index n, T* values) {
  const auto apply = [&](const auto& f) {
    for_each_packet<T>(n, [&](Index i, Index count) {
      store_partial(values + i, f(load_partial(values + i, count)), count);
    });
  };
  using P = Packet<T>;
  switch (kind) {
    case Pointwise::relu:
      // max(x, 0) would turn NaN into 0 on some sets.
      return apply([](const P& x) { return keep_nan(x, ei::pmax(x, broadcast(T(0)))); });
    case Pointwise::sigmoid: return apply([](const P& x) { return sigmoid(x); });
    case Pointwise::tanh: return apply([](const P& x) { return tanh(x); });
  }
}

/// All three derivatives are functions of the output y.
template <class T>
void pointwise_backward(Pointwise kind, Index n, const T* y, const T* dy, T* dx) {
  const auto apply = [&](const auto& f) {
    for_each_packet<T>(n, [&](Index i, Index count) {
      store_partial(dx + i, f(load_partial(y + i, count), load_partial(dy + i, count)), count);
    });
  };
  using P = Packet<T>;
  const P one = broadcast(T(1)), zero = broadcast(T(0));
  switch (kind) {
    case Pointwise::relu:
      return apply(
          [=](const P& v, const P& d) { return ei::pselect(ei::pcmp_lt(zero, v), d, zero); });
    case Pointwise::sigmoid:
      return apply(
          [=](const P& v, const P& d) { return ei::pmul(d, ei::pmul(v, ei::psub(one, v))); });
    case Pointwise::tanh:
      return apply(
          [=](const P& v, const P& d) { return ei::pmul(d, ei::psub(one, ei::pmul(v, v))); });
  }
}

template <class T>
void exponentials(Index n, const T* x, T shift, T* out) {
  const Packet<T> s = broadcast(shift);
  for_each_packet<T>(n, [&](Index i, Index count) {
    store_partial(out + i, exponential(ei::psub(load_partial(x + i, count), s)), count);
  });
}

/// The last values of a row in a piece of whole registers, filled up with -infinity.
template <class T, Index Size>
struct Tail {
  alignas(64) T values[Size];

  Tail(const T* x, Index count) {
    for (Index i = 0; i < Size; ++i)
      values[i] = i < count ? x[i] : -std::numeric_limits<T>::infinity();
  }
};

template <class T>
T largest_of_block(const T* x) {
  constexpr Index L = kLanes<T>;
  Packet<T> found = load(x);
  for (Index i = L; i < kMaximaBlock; i += L) found = ei::pmax(found, load(x + i));
  return ei::predux_max(found);
}

template <class T>
double exponential_sum(Index n, const T* x, T* largest, T* maxima) {
  const Index whole = n - n % kMaximaBlock;
  const Tail<T, kMaximaBlock> tail(x + whole, n - whole);
  T most = -std::numeric_limits<T>::infinity();
  for (Index i = 0; i < n; i += kMaximaBlock) {
    maxima[i / kMaximaBlock] = largest_of_block(i < whole ? x + i : tail.values);
    most = maxima[i / kMaximaBlock] > most ? maxima[i / kMaximaBlock] : most;
  }
  *largest = most;
  // One sum for each value of a gate block, added up in halves: the same order on every set. In
  // double from piece to piece, so that long rows lose no digits.
  constexpr Index L = kLanes<T>, B = kGateBlock<T>, kPiece = 16 * kMaximaBlock;
  constexpr int V = static_cast<int>(B / L);
  const Packet<T> shift = broadcast(most);
  double total = 0;
  for (Index begin = 0; begin < n; begin += kPiece) {
    Packet<T> sums[V];
    LN_UNROLL for (int v = 0; v < V; ++v) sums[v] = broadcast(T(0));
    const Index end = begin + kPiece < n ? begin + kPiece : n;
    for (Index i = begin; i < end; i += kMaximaBlock) {
      const T* const from = i < whole ? x + i : tail.values;
      for (Index k = 0; k < kMaximaBlock; k += B)
        LN_UNROLL for (int v = 0; v < V; ++v) sums[v] =
            ei::padd(sums[v], exponential(Packet<T>(ei::psub(load(from + k + v * L), shift))));
    }
    alignas(64) T parts[B];
    LN_UNROLL for (int v = 0; v < V; ++v) store(parts + v * L, sums[v]);
    for (Index half = B / 2; half > 0; half /= 2)
      for (Index i = 0; i < half; ++i) parts[i] += parts[i + half];
    total += static_cast<double>(parts[0]);
  }
  return total;
}

template double exponential_sum(Index, const float*, float*, float*);
template double exponential_sum(Index, const double*, double*, double*);
template void pointwise(Pointwise, Index, float*);
template void pointwise(Pointwise, Index, double*);
template void pointwise_backward(Pointwise, Index, const float*, const float*, float*);
template void pointwise_backward(Pointwise, Index, const double*, const double*, double*);
template void exponentials(Index, const float*, float, float*);
template void exponentials(Index, const double*, double, double*);

}  // namespace LN_ISA
}  // namespace lstm_native
