// GRU and vanilla RNN with options: other functions, clip, the reset gate before the product.
//
// They leave the sums before activation for the way back, and compute the gates again there.
// `backward` returns what reaches the old h directly.
#include "kernels/cell_functions.hpp"
#include "kernels/cell_kernels.hpp"

namespace lstm_native {
namespace LN_ISA {

struct GeneralRnnCell : CellTraits {
  static constexpr int kGates = 1, kSums = 1;
  static constexpr bool kDirect = true, kGeneral = true;

  template <class T>
  static Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    const CellOptions<T>& options = *site.step.options;
    return gate_value(options.input, options.gate_clip, sum[0]);
  }

  template <class T>
  static Packet<T> backward(const BackwardSite<T>& site, const Packet<T>& dh, Packet<T>* gate) {
    const CellOptions<T>& options = *site.step.options;
    const Packet<T> y = gate_value(options.input, options.gate_clip, gate[0]);
    gate[0] = gate_gradient(options.input, options.gate_clip, gate[0], y, dh);
    return broadcast(T(0));
  }
};

/// What the two GRUs share: h' = (1 - z) n + z h.
struct GruOutput {
  template <class T>
  static Packet<T> forward(const StepSite<T>& site, const Packet<T>& z_sum,
                           const Packet<T>& n_sum) {
    const CellOptions<T>& options = *site.step.options;
    const Packet<T> z = gate_value(options.gate, options.gate_clip, z_sum);
    const Packet<T> n = gate_value(options.input, options.gate_clip, n_sum);
    return ei::pmadd(z, ei::psub(site.h_old(), n), n);
  }

  /// z, n: in sums, out their gradients.
  template <class T>
  static Packet<T> backward(const BackwardSite<T>& site, const Packet<T>& dh, Packet<T>& z,
                            Packet<T>& n) {
    using P = Packet<T>;
    const CellOptions<T>& options = *site.step.options;
    const P z_value = gate_value(options.gate, options.gate_clip, z);
    const P n_value = gate_value(options.input, options.gate_clip, n);
    z = gate_gradient(options.gate, options.gate_clip, z, z_value,
                      P(ei::pmul(dh, ei::psub(site.h_old(), n_value))));
    n = gate_gradient(options.input, options.gate_clip, n, n_value,
                      P(ei::pmul(dh, ei::psub(broadcast(T(1)), z_value))));
    return ei::pmul(dh, z_value);
  }
};

/// As GruCell.
struct GeneralGruCell : CellTraits {
  static constexpr int kGates = 3, kSums = 4;
  static constexpr bool kExtraSum = true, kDirect = true, kGeneral = true;
  static constexpr int recurrent_sum(int g) { return g == 2 ? 3 : g; }

  template <class T>
  static Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    const CellOptions<T>& options = *site.step.options;
    const Packet<T> r = gate_value(options.gate, options.gate_clip, sum[0]);
    sum[2] = ei::pmadd(r, sum[3], sum[2]);
    site.set_c(sum[3]);
    return GruOutput::forward(site, sum[1], sum[2]);
  }

  template <class T>
  static Packet<T> backward(const BackwardSite<T>& site, const Packet<T>& dh, Packet<T>* gate) {
    using P = Packet<T>;
    const CellOptions<T>& options = *site.step.options;
    const P direct = GruOutput::backward(site, dh, gate[1], gate[2]);
    const P r = gate_value(options.gate, options.gate_clip, gate[0]);
    gate[0] =
        gate_gradient(options.gate, options.gate_clip, gate[0], r, P(ei::pmul(gate[2], site.c())));
    site.set_recurrent_gate(0, gate[0]);
    site.set_recurrent_gate(1, gate[1]);
    site.set_recurrent_gate(2, ei::pmul(gate[2], r));
    return direct;
  }
};

/// Cho et al. 2014, equation 8: n = tanh(a_n + U (r h)). The first half of a step makes r h, with
/// the sums r and z of the three a row has; the second one the candidate and the output.
struct GruResetCell : CellTraits {
  static constexpr int kGates = 2, kSums = 2, kRowGates = 3, kFirstGate = 0;
  static constexpr bool kDirect = true, kGeneral = true;

  template <class T>
  static void forward_half(const StepSite<T>& site, Packet<T>* sum) {
    const CellOptions<T>& options = *site.step.options;
    const Packet<T> r = gate_value(options.gate, options.gate_clip, sum[0]);
    site.set_c(ei::pmul(r, load(site.step.h_prev + site.row * site.step.h_stride + site.unit)));
  }

  /// The second half, which comes first on the way back, has found the gradient of z.
  template <class T>
  static void backward_half(const BackwardSite<T>& site, Packet<T>* gate) {
    using P = Packet<T>;
    const StepBackwardArgs<T>& s = site.step;
    const CellOptions<T>& options = *s.options;
    const P r = gate_value(options.gate, options.gate_clip, gate[0]);
    const P d = load(s.d_reset + site.at);
    gate[0] =
        gate_gradient(options.gate, options.gate_clip, gate[0], r, P(ei::pmul(d, site.h_old())));
    P direct = ei::pmul(d, r);
    if (s.mask) direct = ei::pmul(direct, load(s.mask + site.at));
    site.set_dh(ei::padd(load(s.dh + site.at), direct));
    gate[1] = site.handed_on(1);
    site.set_recurrent_gate(0, gate[0]);
  }
};

struct GruCandidateCell : CellTraits {
  static constexpr int kGates = 1, kSums = 1, kRowGates = 3, kFirstGate = 2;
  static constexpr bool kDirect = true, kGeneral = true;

  template <class T>
  static Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    return GruOutput::forward(site, z_sum(site), sum[0]);
  }

  template <class T>
  static Packet<T> backward(const BackwardSite<T>& site, const Packet<T>& dh, Packet<T>* gate) {
    Packet<T> z = z_sum(site);
    const Packet<T> direct = GruOutput::backward(site, dh, z, gate[0]);
    site.template hand_on<kFirstGate>(1, z);
    site.set_recurrent_gate(0, gate[0]);
    return direct;
  }

 private:
  /// Among the first half's gates.
  template <template <class> class Site, class T>
  static Packet<T> z_sum(const Site<T>& site) {
    const Index columns = kRowGates * padded_units<T>(site.step.hidden_size);
    const T* const row = site.step.gates + site.row * columns;
    return load(row + gate_offset<T>(kRowGates, site.unit) + kGateBlock<T>);
  }
};

template struct CellFunctions<GeneralRnnCell, float>;
template struct CellFunctions<GeneralRnnCell, double>;
template struct CellFunctions<GeneralGruCell, float>;
template struct CellFunctions<GeneralGruCell, double>;
template struct CellFunctions<GruResetCell, float>;
template struct CellFunctions<GruResetCell, double>;
template struct CellFunctions<GruCandidateCell, float>;
template struct CellFunctions<GruCandidateCell, double>;

}  // namespace LN_ISA
}  // namespace lstm_native
