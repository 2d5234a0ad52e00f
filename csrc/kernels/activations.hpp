// Sigmoid, tanh and exp.
#pragma once

#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

// Clamps as pmax(pmin(x, high), low), and Eigen's own, leave NaN as it is; tests hold them to it.

/// NaN where x is NaN, else v.
template <class P>
LN_INLINE P keep_nan(const P& x, const P& v) {
  return ei::pselect(ei::pcmp_eq(x, x), v, x);
}

template <class P>
LN_INLINE P exponential(const P& x) {
  return ei::pexp(x);
}

/// 1 / (1 + exp(-x)). Unlike exp(x) / (1 + exp(x)) it needs no case for large x, and keeps the
/// relative accuracy of exp for very negative x.
template <class P>
LN_INLINE P sigmoid(const P& x) {
  using T = typename ei::unpacket_traits<P>::type;
  const P one = ei::pset1<P>(T(1));
  if constexpr (std::is_same_v<T, float>) {
    // exp(-x) = 2^n exp(-r) with x = r - n ln 2 and |r| <= ln 2 / 2. The sum that rounds n to an
    // integer leaves n + 127, the exponent's bits of 2^n, in its lowest bits. The clamps keep n in
    // -127 .. 128, where these bits mean 0 and infinity: sigmoid saturates to exactly 1 and 0.
    using Bits = typename ei::unpacket_traits<P>::integer_packet;
    const P y = ei::pmax(ei::pmin(x, ei::pset1<P>(88.0f)), ei::pset1<P>(-88.5f));
    const P rounder = ei::pset1<P>(0x1.8p23f + 127);
    const P shifted = ei::pmadd(y, ei::pset1<P>(-0x1.715476p0f), rounder);  // 1 / ln 2
    const P n = ei::psub(shifted, rounder);
    P r = ei::pmadd(n, ei::pset1<P>(0.693359375f), y);   // ln 2 in two parts; the first has few
    r = ei::pmadd(n, ei::pset1<P>(-2.12194440e-4f), r);  // bits: exact without fusing too
    const P scale =
        ei::preinterpret<P>(ei::plogical_shift_left<23>(ei::preinterpret<Bits>(shifted)));
    // exp(-r): the polynomial of degree 5 of least relative error, 1.1e-7, that begins 1 - r.
    const P square = ei::pmul(r, r);
    const P low = ei::pmadd(r, ei::pset1<P>(-0.166671167f), ei::pset1<P>(0.499992281f));
    const P high = ei::pmadd(r, ei::pset1<P>(-0.0083124669f), ei::pset1<P>(0.0418906513f));
    const P power = ei::pmadd(ei::pmadd(high, square, low), square, ei::psub(one, r));
    return ei::pdiv(one, ei::pmadd(power, scale, one));
  } else {
    return ei::pdiv(one, ei::padd(one, ei::pexp(ei::pnegate(x))));
  }
}

template <class P>
LN_INLINE P tanh(const P& x) {
  using T = typename ei::unpacket_traits<P>::type;
  if constexpr (std::is_same_v<T, float>) {
    // The fraction of degrees 9 and 8 of least relative error up to 8.1, 1.1e-8. At the limit,
    // where tanh is 1 - 2e-7 or 3e-7, its rounded value is 1, and nowhere before it is more.
#ifdef EIGEN_VECTORIZE_FMA
    const P limit = ei::pset1<P>(8.0607318878173828f);
#else
    const P limit = ei::pset1<P>(7.8929071426391602f);
#endif
    const P y = ei::pmax(ei::pmin(x, limit), ei::pnegate(limit));
    const P square = ei::pmul(y, y);
    P p = ei::pset1<P>(1.511167e-08f), q = ei::pset1<P>(8.4760313e-07f);
    q = ei::pmadd(q, square, ei::pset1<P>(0.00034036476f));
    p = ei::pmadd(p, square, ei::pset1<P>(2.1815695e-05f));
    q = ei::pmadd(q, square, ei::pset1<P>(0.026147155f));
    p = ei::pmadd(p, square, ei::pset1<P>(0.003567006f));
    q = ei::pmadd(q, square, ei::pset1<P>(0.46774018f));
    p = ei::pmadd(p, square, ei::pset1<P>(0.1344069f));
    q = ei::pmadd(q, square, ei::pset1<P>(1.0f));
    return ei::pdiv(ei::pmadd(ei::pmul(square, y), p, y), q);
  } else {
    return ei::ptanh(x);
  }
}

}  // namespace LN_ISA
}  // namespace lstm_native
