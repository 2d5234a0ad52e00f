// The LSTM with all its options: peepholes (Gers & Schmidhuber 2000), coupled or missing gates
// (Greff et al. 2017), clips, other functions, zoneout (Krueger et al. 2017).
//
// It leaves the sums before activation for the way back, and computes the gates again there.
#include "kernels/cell_functions.hpp"
#include "kernels/cell_kernels.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Gates: how many columns of gates a unit has. CellOptions::column says which.
template <int Gates>
struct GeneralLstmCell : CellTraits {
  static constexpr int kGates = Gates, kSums = Gates;
  static constexpr bool kDirect = true, kGeneral = true;
  enum Gate { i, f, g, o };

  /// Returns h before zoneout; in part cell nothing of use.
  template <class T>
  static Packet<T> forward(const StepSite<T>& site, Packet<T>* sum) {
    using P = Packet<T>;
    const StepArgs<T>& s = site.step;
    const CellOptions<T>& options = *s.options;
    P c;
    if (s.part == StepPart::output) {
      c = shown(s, site);
    } else {
      const P c_prev = site.c_prev();
      look(options, site.unit, i, c_prev, sum);
      look(options, site.unit, f, c_prev, sum);
      const Values<T> v(options, sum);
      c = clip(P(ei::pmadd(v.f, c_prev, ei::pmul(v.i, v.g))), options.cell_clip);
      look(options, site.unit, o, c, sum);
      if (s.candidate) store(s.candidate + site.at, c);
      site.set_c(s.keep_c ? zoned_out(load(s.keep_c + site.kept_at()), c_prev, c) : c);
      if (s.part == StepPart::cell) return c;
    }
    return ei::pmul(output_gate<T>(options, sum), apply(options.output, c));
  }

  /// dh: gradient of h before zoneout. Returns what reaches the old h directly: nothing.
  template <class T>
  static Packet<T> backward(const BackwardSite<T>& site, const Packet<T>& dh, Packet<T>* gate) {
    using P = Packet<T>;
    const StepBackwardArgs<T>& s = site.step;
    const CellOptions<T>& options = *s.options;
    const P zero = broadcast(T(0));
    const P candidate = s.candidate ? load(s.candidate + site.at) : site.c();
    P dc = zero;  // of the candidate
    if (s.part != StepPart::cell) {
      const P seen = s.part == StepPart::output ? shown(s, site) : candidate;
      const P function = apply(options.output, seen), out = output_gate<T>(options, gate);
      if (const int k = options.column[o]; k >= 0)
        gate[k] =
            gate_gradient(options.gate, options.gate_clip, gate[k], out, P(ei::pmul(dh, function)));
      dc = ei::pmul(ei::pmul(dh, out), derivative(options.output, seen, function));
      if (s.part == StepPart::output) {
        store(s.d_candidate + site.at, dc);
        return zero;
      }
    } else {
      dc = load(s.d_candidate + site.at);
    }
    const P c_prev = site.c_prev();
    P dc_prev = zero, arriving = site.dc();
    if (s.keep_c) {
      const P keep = load(s.keep_c + site.kept_at());
      dc_prev = ei::pmul(keep, arriving);
      arriving = ei::psub(arriving, dc_prev);
    }
    dc = ei::padd(dc, arriving);
    lead_back(options, site.unit, o, gate, dc);
    dc = through_clip(candidate, options.cell_clip, dc);
    const Values<T> v(options, gate);
    P di = ei::pmul(dc, v.g);
    const P df = ei::pmul(dc, c_prev);
    if (options.coupled) di = ei::psub(di, df);
    const auto set = [&](Gate which, const CellActivationArgs<T>& function, const P& value,
                         const P& d) {
      if (const int k = options.column[which]; k >= 0)
        gate[k] = gate_gradient(function, options.gate_clip, gate[k], value, d);
    };
    set(g, options.input, v.g, ei::pmul(dc, v.i));
    set(i, options.gate, v.i, di);
    set(f, options.gate, v.f, df);
    dc_prev = ei::pmadd(dc, v.f, dc_prev);
    lead_back(options, site.unit, i, gate, dc_prev);
    lead_back(options, site.unit, f, gate, dc_prev);
    site.set_dc(dc_prev);
    return zero;
  }

 private:
  template <class T>
  struct Values {
    Packet<T> i, f, g;

    Values(const CellOptions<T>& options, const Packet<T>* sum) {
      const auto value = [&](Gate which, const CellActivationArgs<T>& function) {
        const int k = options.column[which];
        return k < 0 ? broadcast(T(1)) : gate_value(function, options.gate_clip, sum[k]);
      };
      i = value(Gate::i, options.gate);
      f = options.coupled ? ei::psub(broadcast(T(1)), i) : value(Gate::f, options.gate);
      g = value(Gate::g, options.input);
    }
  };

  template <class T>
  static Packet<T> output_gate(const CellOptions<T>& options, const Packet<T>* sum) {
    const int k = options.column[o];
    return k < 0 ? broadcast(T(1)) : gate_value(options.gate, options.gate_clip, sum[k]);
  }

  /// What the output is made of where the cell state was normalised.
  template <class Args, class Site>
  static auto shown(const Args& s, const Site& site) {
    return ei::pmadd(load(s.shown + site.at), load(s.shown_scale + site.unit),
                     load(s.shown_bias + site.unit));
  }

  /// Peephole weights in use by a gate, or null.
  template <class T>
  static const T* peephole(const CellOptions<T>& options, Gate which) {
    if (options.column[which] < 0) return nullptr;
    return options.peephole[which == o ? 2 : static_cast<int>(which)];
  }

  /// The gate looks at the cell state.
  template <class T>
  static void look(const CellOptions<T>& options, Index unit, Gate which, const Packet<T>& c,
                   Packet<T>* sum) {
    if (const T* weight = peephole(options, which)) {
      Packet<T>& to = sum[options.column[which]];
      to = ei::pmadd(load(weight + unit), c, to);
    }
  }

  template <class T>
  static void lead_back(const CellOptions<T>& options, Index unit, Gate which,
                        const Packet<T>* gate, Packet<T>& dc) {
    if (const T* weight = peephole(options, which))
      dc = ei::pmadd(load(weight + unit), gate[options.column[which]], dc);
  }
};

template struct CellFunctions<GeneralLstmCell<4>, float>;
template struct CellFunctions<GeneralLstmCell<4>, double>;
template struct CellFunctions<GeneralLstmCell<3>, float>;
template struct CellFunctions<GeneralLstmCell<3>, double>;
template struct CellFunctions<GeneralLstmCell<2>, float>;
template struct CellFunctions<GeneralLstmCell<2>, double>;
template struct CellFunctions<GeneralLstmCell<1>, float>;
template struct CellFunctions<GeneralLstmCell<1>, double>;

}  // namespace LN_ISA
}  // namespace lstm_native
