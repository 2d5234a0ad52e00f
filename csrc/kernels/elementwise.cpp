// Activations: one value in, one value out.
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

template void pointwise(Pointwise, Index, float*);
template void pointwise(Pointwise, Index, double*);
template void pointwise_backward(Pointwise, Index, const float*, const float*, float*);
template void pointwise_backward(Pointwise, Index, const double*, const double*, double*);
template void exponentials(Index, const float*, float, float*);
template void exponentials(Index, const double*, double, double*);

}  // namespace LN_ISA
}  // namespace lstm_native
