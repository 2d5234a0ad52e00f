// The pointwise cell of an LSTM: what happens between the products, forward and backward.
//
// Equations: Hochreiter & Schmidhuber 1997 with the forget gate of Gers, Schmidhuber & Cummins
// 2000. Gate order i, f, g, o.
#include "kernels/activations.hpp"
#include "kernels/cell_kernels.hpp"
#include "kernels/recurrent_step.hpp"

namespace lstm_native {
namespace LN_ISA {

struct LstmCell : CellTraits {
  static constexpr int kGates = 4, kSums = 4;
  static constexpr bool kInline = true;

  /// sum: in sums before activation, out what `backward` reads. Returns h.
  template <class T>
  static LN_INLINE Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    Packet<T>&i = sum[0], &f = sum[1], &g = sum[2], &o = sum[3];
    i = sigmoid(i);
    g = tanh(g);
    f = sigmoid(f);
    const Packet<T> c = ei::pmadd(f, site.c_prev(), ei::pmul(i, g));
    site.set_c(c);
    // Last: it is not needed before tanh(c), which leaves room beside its long chain.
    o = sigmoid(o);
    return ei::pmul(o, tanh(c));
  }

  /// gate: in what `forward` left, out gradients of the sums. dh: gradient of h.
  template <class T>
  static LN_INLINE void backward(const BackwardSite<T>& site, const Packet<T>& dh,
                                 Packet<T>* gate) {
    using P = Packet<T>;
    const P one = broadcast(T(1));
    const auto d_sigmoid = [&](const P& y) { return ei::pmul(y, ei::psub(one, y)); };
    const auto d_tanh = [&](const P& y) { return ei::psub(one, ei::pmul(y, y)); };
    const P i = gate[0], f = gate[1], g = gate[2], o = gate[3];
    const P tanh_c = tanh(site.c());
    const P dc = ei::pmadd(ei::pmul(dh, o), d_tanh(tanh_c), site.dc());
    gate[0] = ei::pmul(ei::pmul(dc, g), d_sigmoid(i));
    gate[1] = ei::pmul(ei::pmul(dc, site.c_prev()), d_sigmoid(f));
    gate[2] = ei::pmul(ei::pmul(dc, i), d_tanh(g));
    gate[3] = ei::pmul(ei::pmul(dh, tanh_c), d_sigmoid(o));
    site.set_dc(ei::pmul(dc, f));
  }
};

template struct CellFunctions<LstmCell, float>;
template struct CellFunctions<LstmCell, double>;

}  // namespace LN_ISA
}  // namespace lstm_native
