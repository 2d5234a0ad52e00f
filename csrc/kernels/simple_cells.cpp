// The pointwise cells of vanilla RNN, minLSTM and minGRU.
#include "kernels/cell_functions.hpp"
#include "kernels/cell_kernels.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Elman 1990.
template <bool Tanh>
struct RnnCell : CellTraits {
  static constexpr int kGates = 1, kSums = 1;

  template <class T>
  static LN_INLINE Packet<T> forward(const StepSite<T>&, Packet<T>* sum) {
    if constexpr (Tanh)
      sum[0] = tanh(sum[0]);
    else
      sum[0] = keep_nan(sum[0], ei::pmax(sum[0], broadcast(T(0))));
    return sum[0];
  }

  template <class T>
  static LN_INLINE void backward(const BackwardSite<T>&, const Packet<T>& dh, Packet<T>* gate) {
    const Packet<T> y = gate[0], zero = broadcast(T(0));
    if constexpr (Tanh)
      gate[0] = ei::pmul(dh, ei::psub(broadcast(T(1)), ei::pmul(y, y)));
    else
      gate[0] = ei::pselect(ei::pcmp_lt(zero, y), dh, zero);
  }
};

/// Feng et al. 2024: gates i, f, g of the input alone, i and f scaled to a sum of one;
/// h' = f / (f + i) h + i / (f + i) g. It leaves the sums for the way back.
struct MinLstmCell : CellTraits {
  static constexpr int kGates = 3, kSums = 3;
  static constexpr bool kDirect = true;

  template <class T>
  static LN_INLINE Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    const Packet<T> g = sum[2];
    return ei::pmadd(share<T>(sum), ei::psub(site.h_old(), g), g);
  }

  template <class T>
  static LN_INLINE void backward(const BackwardSite<T>& site, const Packet<T>& dh,
                                 Packet<T>* gate) {
    using P = Packet<T>;
    const P s = share<T>(gate), rest = ei::psub(broadcast(T(1)), s);
    const P d = ei::pmul(ei::pmul(dh, ei::psub(site.h_old(), gate[2])), ei::pmul(s, rest));
    gate[0] = ei::pnegate(ei::pmul(d, sigmoid(P(ei::pnegate(gate[0])))));
    gate[1] = ei::pmul(d, sigmoid(P(ei::pnegate(gate[1]))));
    gate[2] = ei::pmul(dh, rest);
    site.set_dh(ei::pmul(dh, s));
  }

 private:
  /// f / (f + i) by the logarithms of both, which gates that are shut have too.
  template <class T>
  static Packet<T> share(const Packet<T>* sum) {
    const CellActivationArgs<T> softplus{CellFunction::softplus, 0, 0};
    return sigmoid(Packet<T>(ei::psub(apply(softplus, Packet<T>(ei::pnegate(sum[0]))),
                                      apply(softplus, Packet<T>(ei::pnegate(sum[1]))))));
  }
};

/// Feng et al. 2024: gates z, n of the input alone; h' = (1 - z) h + z n.
struct MinGruCell : CellTraits {
  static constexpr int kGates = 2, kSums = 2;
  static constexpr bool kDirect = true;

  template <class T>
  static LN_INLINE Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    sum[0] = sigmoid(sum[0]);
    const Packet<T> h = site.h_old();
    return ei::pmadd(sum[0], ei::psub(sum[1], h), h);
  }

  template <class T>
  static LN_INLINE void backward(const BackwardSite<T>& site, const Packet<T>& dh,
                                 Packet<T>* gate) {
    using P = Packet<T>;
    const P one = broadcast(T(1)), z = gate[0], n = gate[1];
    gate[0] = ei::pmul(ei::pmul(dh, ei::psub(n, site.h_old())), ei::pmul(z, ei::psub(one, z)));
    gate[1] = ei::pmul(dh, z);
    site.set_dh(ei::pmul(dh, ei::psub(one, z)));
  }
};

template struct CellFunctions<RnnCell<true>, float>;
template struct CellFunctions<RnnCell<true>, double>;
template struct CellFunctions<RnnCell<false>, float>;
template struct CellFunctions<RnnCell<false>, double>;
template struct CellFunctions<MinLstmCell, float>;
template struct CellFunctions<MinLstmCell, double>;
template struct CellFunctions<MinGruCell, float>;
template struct CellFunctions<MinGruCell, double>;

}  // namespace LN_ISA
}  // namespace lstm_native
