// The pointwise cell of an LSTM: what happens between the products, forward and backward.
//
// Equations: Hochreiter & Schmidhuber 1997 with the forget gate of Gers, Schmidhuber & Cummins
// 2000. Gate order i, f, g, o.
#pragma once

#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

struct LstmCell {
  static constexpr int kGates = 4;

  /// gate: in sums before activation, out activated. Returns h; c receives the new cell.
  template <class P>
  static LN_INLINE P forward(P* gate, const P& c_prev, P& c) {
    P &i = gate[0], &f = gate[1], &g = gate[2], &o = gate[3];
    i = sigmoid(i);
    f = sigmoid(f);
    g = tanh(g);
    o = sigmoid(o);
    c = ei::pmadd(f, c_prev, ei::pmul(i, g));
    return ei::pmul(o, tanh(c));
  }

  /// gate: in activated, out gradients before activation. dc: gradient of c arriving from the
  /// step after, without the part through h. Returns the gradient of c_prev.
  template <class P>
  static LN_INLINE P backward(P* gate, const P& c_prev, const P& c, const P& dh, P dc) {
    using T = typename ei::unpacket_traits<P>::type;
    const P one = ei::pset1<P>(T(1));
    const auto d_sigmoid = [&](const P& y) { return ei::pmul(y, ei::psub(one, y)); };
    const auto d_tanh = [&](const P& y) { return ei::psub(one, ei::pmul(y, y)); };
    const P i = gate[0], f = gate[1], g = gate[2], o = gate[3];
    const P tanh_c = tanh(c);
    dc = ei::pmadd(ei::pmul(dh, o), d_tanh(tanh_c), dc);
    gate[0] = ei::pmul(ei::pmul(dc, g), d_sigmoid(i));
    gate[1] = ei::pmul(ei::pmul(dc, c_prev), d_sigmoid(f));
    gate[2] = ei::pmul(ei::pmul(dc, i), d_tanh(g));
    gate[3] = ei::pmul(ei::pmul(dh, tanh_c), d_sigmoid(o));
    return ei::pmul(dc, f);
  }
};

}  // namespace LN_ISA
}  // namespace lstm_native
