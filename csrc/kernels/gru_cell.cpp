// The pointwise cell of a GRU without options.
#include "kernels/activations.hpp"
#include "kernels/cell_kernels.hpp"
#include "kernels/recurrent_step.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Cho et al. 2014 with the reset gate behind the product, as PyTorch has it: gates r, z, n;
/// n = tanh(a_n + r u), h' = (1 - z) n + z h, where u is the recurrent sum of n.
struct GruCell : CellTraits {
  static constexpr int kGates = 3, kSums = 4;
  static constexpr bool kExtraSum = true, kDirect = true, kInline = true;
  static constexpr int recurrent_sum(int g) { return g == 2 ? 3 : g; }

  template <class T>
  static LN_INLINE Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    Packet<T>&r = sum[0], &z = sum[1], &n = sum[2];
    r = sigmoid(r);
    z = sigmoid(z);
    n = tanh(Packet<T>(ei::pmadd(r, sum[3], n)));
    site.set_c(sum[3]);
    return ei::pmadd(z, ei::psub(site.h_old(), n), n);
  }

  template <class T>
  static LN_INLINE void backward(const BackwardSite<T>& site, const Packet<T>& dh,
                                 Packet<T>* gate) {
    using P = Packet<T>;
    const P one = broadcast(T(1));
    const P r = gate[0], z = gate[1], n = gate[2];
    const P dz = ei::pmul(dh, ei::psub(site.h_old(), n));
    const P dn = ei::pmul(ei::pmul(dh, ei::psub(one, z)), ei::psub(one, ei::pmul(n, n)));
    gate[0] = ei::pmul(ei::pmul(dn, site.c()), ei::pmul(r, ei::psub(one, r)));
    gate[1] = ei::pmul(dz, ei::pmul(z, ei::psub(one, z)));
    gate[2] = dn;
    site.set_recurrent_gate(0, gate[0]);
    site.set_recurrent_gate(1, gate[1]);
    site.set_recurrent_gate(2, ei::pmul(dn, r));
    site.set_dh(ei::pmul(dh, z));
  }
};

template struct CellFunctions<GruCell, float>;
template struct CellFunctions<GruCell, double>;

}  // namespace LN_ISA
}  // namespace lstm_native
