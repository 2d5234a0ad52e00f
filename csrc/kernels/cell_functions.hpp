// The functions that general cells choose from at run time, and their derivatives.
//
// Names, formulas and parameters are those of the ONNX operators LSTM, GRU and RNN.
#pragma once

#include "kernels/activations.hpp"
#include "kernels/cell_options.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class P>
LN_INLINE P where_negative(const P& x, const P& then, const P& otherwise) {
  return ei::pselect(ei::pcmp_lt(x, ei::pset1<P>(0)), then, otherwise);
}

// Not inlined: each holds all functions.

template <class T>
__attribute__((noinline)) Packet<T> apply(const CellActivationArgs<T>& f, const Packet<T>& x) {
  using P = Packet<T>;
  const P one = broadcast(T(1)), zero = broadcast(T(0));
  const P alpha = broadcast(f.alpha), beta = broadcast(f.beta);
  switch (f.function) {
    case CellFunction::linear: return x;
    case CellFunction::relu: return keep_nan(x, ei::pmax(x, zero));
    case CellFunction::tanh: return tanh(x);
    case CellFunction::sigmoid: return sigmoid(x);
    case CellFunction::affine: return ei::pmadd(alpha, x, beta);
    case CellFunction::leaky_relu: return where_negative(x, ei::pmul(alpha, x), x);
    case CellFunction::thresholded_relu: return ei::pselect(ei::pcmp_lt(x, alpha), zero, x);
    case CellFunction::scaled_tanh: return ei::pmul(alpha, tanh(P(ei::pmul(beta, x))));
    case CellFunction::hard_sigmoid:
      return keep_nan(x, ei::pmin(ei::pmax(ei::pmadd(alpha, x, beta), zero), one));
    case CellFunction::elu: return where_negative(x, ei::pmul(alpha, ei::generic_expm1(x)), x);
    case CellFunction::softsign: return ei::pdiv(x, ei::padd(one, ei::pabs(x)));
    case CellFunction::softplus:
      // log(1 + e^x) without overflow.
      return ei::padd(keep_nan(x, ei::pmax(x, zero)),
                      ei::generic_log1p(P(ei::pexp(ei::pnegate(ei::pabs(x))))));
  }
  return x;
}

/// From the argument x and the value y.
template <class T>
__attribute__((noinline)) Packet<T> derivative(const CellActivationArgs<T>& f, const Packet<T>& x,
                                               const Packet<T>& y) {
  using P = Packet<T>;
  const P one = broadcast(T(1)), zero = broadcast(T(0));
  const P alpha = broadcast(f.alpha), beta = broadcast(f.beta);
  switch (f.function) {
    case CellFunction::linear: return one;
    case CellFunction::relu: return ei::pselect(ei::pcmp_lt(zero, x), one, zero);
    case CellFunction::tanh: return ei::psub(one, ei::pmul(y, y));
    case CellFunction::sigmoid: return ei::pmul(y, ei::psub(one, y));
    case CellFunction::affine: return alpha;
    case CellFunction::leaky_relu: return where_negative(x, alpha, one);
    case CellFunction::thresholded_relu: return ei::pselect(ei::pcmp_lt(x, alpha), zero, one);
    case CellFunction::scaled_tanh: {
      const P t = tanh(P(ei::pmul(beta, x)));
      return ei::pmul(ei::pmul(alpha, beta), ei::psub(one, ei::pmul(t, t)));
    }
    case CellFunction::hard_sigmoid: {
      const P inside = ei::pand(ei::pcmp_lt(zero, y), ei::pcmp_lt(y, one));
      return ei::pselect(inside, alpha, zero);
    }
    case CellFunction::elu: return where_negative(x, ei::padd(y, alpha), one);
    case CellFunction::softsign: {
      const P d = ei::padd(one, ei::pabs(x));
      return ei::pdiv(one, ei::pmul(d, d));
    }
    case CellFunction::softplus: return sigmoid(x);
  }
  return one;
}

/// x between -limit and limit; limit 0: x. NaN stays NaN.
template <class T>
LN_INLINE Packet<T> clip(const Packet<T>& x, T limit) {
  if (limit == T(0)) return x;
  return keep_nan(x, ei::pmax(ei::pmin(x, broadcast(limit)), broadcast(-limit)));
}

/// d where x lies inside the limits, zero outside.
template <class T>
LN_INLINE Packet<T> through_clip(const Packet<T>& x, T limit, const Packet<T>& d) {
  if (limit == T(0)) return d;
  return ei::pselect(ei::pcmp_lt(ei::pabs(x), broadcast(limit)), d, broadcast(T(0)));
}

/// A gate from its sum, with the clip before it.
template <class T>
LN_INLINE Packet<T> gate_value(const CellActivationArgs<T>& f, T limit, const Packet<T>& sum) {
  return apply(f, clip(sum, limit));
}

/// The gradient of the sum, from that of the gate and the gate itself.
template <class T>
LN_INLINE Packet<T> gate_gradient(const CellActivationArgs<T>& f, T limit, const Packet<T>& sum,
                                  const Packet<T>& value, const Packet<T>& d) {
  return through_clip(sum, limit, Packet<T>(ei::pmul(d, derivative(f, clip(sum, limit), value))));
}

}  // namespace LN_ISA
}  // namespace lstm_native
