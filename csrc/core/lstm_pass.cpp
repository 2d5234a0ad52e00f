// How the LSTM layer runs: forward, and its tape's way back. A reverse run is the time loop of a
// forward one over negative time strides.
#include <algorithm>

#include "core/dropout_mask.hpp"
#include "core/lstm.hpp"
#include "core/random.hpp"

namespace lstm_native {
namespace {

/// Copies N rows of H values between strides; a null source gives zeros.
template <class T>
void copy_rows(Index rows, Index values, const T* from, Index from_stride, T* to, Index to_stride) {
  for (Index r = 0; r < rows; ++r) {
    if (from)
      std::copy_n(from + r * from_stride, values, to + r * to_stride);
    else
      std::fill_n(to + r * to_stride, values, T(0));
  }
}

/// A state tensor (N, H) in a new N x P buffer, zero where padded.
template <class T>
T* padded_state(Index N, Index H, Index P, const T* from, T* to) {
  std::fill_n(to, N * P, T(0));
  if (from) copy_rows(N, H, from, H, to, P);
  return to;
}

/// Where the runs read and write, forward and back. Sequences are batch-first outside the layer
/// and time-major between its stacked layers, there in the order in which the first direction runs.
struct PassLayout {
  const LSTMSpec& spec;
  Index inputs, samples, timesteps, padded;

  Index directions() const { return spec.bidirectional ? 2 : 1; }
  /// Values that a stacked layer hands on at each step.
  Index width() const { return directions() * spec.hidden_size; }
  /// Distance of rows between stacked layers: a lone direction hands on its padded states.
  Index row() const { return spec.bidirectional ? width() : padded; }
  Index size_between() const { return timesteps * samples * row(); }
  bool top(Index layer) const { return layer == spec.num_layers - 1; }

  /// The input of a run, or its gradient.
  template <class V>
  Steps<V> input(V* data, Index layer, Index direction) const {
    return layer == 0 ? batch_first(data, inputs, direction) : between(data, direction);
  }

  /// The output of a run, or its gradient: its columns of what the layer hands on.
  template <class V>
  Steps<V> output(V* data, Index layer, Index direction) const {
    if (!data) return {};
    V* columns = data + direction * spec.hidden_size;
    if (!top(layer)) return between(columns, direction);
    if (!spec.return_sequences) return {columns, 0, width()};
    return batch_first(columns, width(), direction);
  }

 private:
  template <class V>
  Steps<V> batch_first(V* data, Index features, Index direction) const {
    return in_order<V>({data, features, timesteps * features}, spec.reverse || direction > 0);
  }

  template <class V>
  Steps<V> between(V* data, Index direction) const {
    return in_order<V>({data, samples * row(), row()}, direction > 0);
  }

  template <class V>
  Steps<V> in_order(const Steps<V>& steps, bool reverse) const {
    if (!steps || !reverse) return steps;
    return {steps.at(timesteps - 1, 0), -steps.time_stride, steps.row_stride};
  }
};

}  // namespace

template <class T>
class LSTMLayer<T>::LSTMTape final : public Tape<T> {
 public:
  LSTMTape(const LSTMLayer& layer, std::shared_ptr<const Packed> weights, double dropout,
           std::uint64_t seed)
      : layer_(layer), weights_(std::move(weights)), dropout_(dropout), seed_(seed) {}

  void remember(const RecurrentRun<T>& run) { runs_.push_back(run); }

  void backward(const T* dy, T* dx, const StateGradients<T>& states, T* const* gradients,
                Workspace& workspace) override {
    const LSTMSpec& spec = layer_.spec_;
    const Index N = runs_[0].samples, steps = runs_[0].timesteps, H = spec.hidden_size;
    const Index P = (*weights_)[0].order.padded();
    const PassLayout layout{spec, layer_.inputs_, N, steps, P};
    const Index directions = layout.directions();
    const Workspace::Scope scope(workspace);
    T* dh = workspace.take<T>(directions * N * P);
    T* dc = workspace.take<T>(directions * N * P);
    // Gradient of a lower layer's output; two, for in and out differ.
    T* between[2] = {nullptr, nullptr};
    if (spec.num_layers > 1)
      for (T*& buffer : between) buffer = workspace.take_zeros<T>(layout.size_between());

    for (Index l = spec.num_layers - 1; l >= 0; --l) {
      const T* from_above = layout.top(l) ? dy : between[(l + 1) % 2];
      T* to_below = l == 0 ? dx : between[l % 2];
      RecurrentGradients<T> of_runs[2];
      for (Index d = 0; d < directions; ++d) {
        const Index run = l * directions + d;
        const auto state = [&](auto* all) { return all ? all + run * N * H : nullptr; };
        RecurrentGradients<T>& g = of_runs[d];
        g.dy = layout.output(from_above, l, d);
        g.dx = layout.input(to_below, l, d);
        g.accumulate_dx = d > 0;
        g.dh = padded_state(N, H, P, state(states.final[0]), dh + d * N * P);
        g.dc = padded_state(N, H, P, state(states.final[1]), dc + d * N * P);
        T* const* p = gradients + static_cast<std::size_t>(run) * kParametersPerRun;
        g.weight_input = p[0];
        g.weight_recurrent = p[1];
        g.bias_input = p[2];
        g.bias_recurrent = p[3];
      }
      run_backward(&runs_[static_cast<std::size_t>(l * directions)], of_runs, directions,
                   workspace);
      // The states of a layer's runs stand one after another, here as there.
      const auto hand_down = [&](const T* from, T* all) {
        if (all) copy_rows(directions * N, H, from, P, all + l * directions * N * H, H);
      };
      hand_down(dh, states.initial[0]);
      hand_down(dc, states.initial[1]);
      if (l > 0 && dropout_ > 0)
        apply_dropout<T>(dropout_, derive_seed(seed_, static_cast<std::uint64_t>(l)), steps * N,
                         layout.width(), {to_below, layout.row()}, {to_below, layout.row()});
    }
  }

 private:
  const LSTMLayer& layer_;
  std::shared_ptr<const Packed> weights_;
  double dropout_;
  std::uint64_t seed_;
  std::vector<RecurrentRun<T>> runs_;
};

template <class T>
std::unique_ptr<Tape<T>> LSTMLayer<T>::forward(const Batch<T>& x, T* y, const States<T>& states,
                                               const Pass& pass) const {
  const auto weights = packed();
  const Index N = x.samples, steps = x.timesteps, H = spec_.hidden_size;
  const Index P = (*weights)[0].order.padded(), columns = (*weights)[0].order.columns();
  const PassLayout layout{spec_, inputs_, N, steps, P};
  const double dropout = pass.training ? spec_.dropout : 0.0;
  std::unique_ptr<LSTMTape> tape;
  if (pass.remember) tape = std::make_unique<LSTMTape>(*this, weights, dropout, pass.seed);

  Workspace& workspace = pass.workspace;
  const auto run_layers = [&] {
    // Layers that hand up their states as they are can be under way at the same time.
    const Index together = spec_.bidirectional || dropout > 0 ? 1 : spec_.num_layers;
    std::vector<RecurrentRun<T>> runs(static_cast<std::size_t>(together * directions()));
    const T* input = x.values;
    for (Index first = 0; first < spec_.num_layers; first += together) {
      T* output = nullptr;
      for (Index i = 0; i < together; ++i) {
        const Index l = first + i;
        const bool top = layout.top(l);
        // Two directions write their halves of the rows that go up; a lone one hands up its states.
        output = top ? y : nullptr;
        if (!top && spec_.bidirectional) output = workspace.take<T>(layout.size_between());
        const T* handed_up = output;
        for (Index d = 0; d < directions(); ++d) {
          const Index r = l * directions() + d;
          const auto state = [&](auto* all) { return all ? all + r * N * H : nullptr; };
          RecurrentRun<T>& run = runs[static_cast<std::size_t>(i * directions() + d)];
          run.weights = &(*weights)[static_cast<std::size_t>(r)];
          run.samples = N;
          run.timesteps = steps;
          run.x = layout.input(input, l, d);
          run.y = layout.output(output, l, d);
          run.last_only = top && !spec_.return_sequences;
          run.keep_sequence = pass.remember || !output;
          run.h = workspace.take<T>((run.keep_sequence ? steps + 1 : 2) * N * P);
          run.c = workspace.take<T>((pass.remember ? steps + 1 : 1) * N * P);
          if (pass.remember) run.gates = workspace.take<T>(steps * N * columns);
          padded_state(N, H, P, state(states.initial[0]), run.h);
          padded_state(N, H, P, state(states.initial[1]), run.c);
          if (!output) handed_up = run.h + N * P;
        }
        input = handed_up;
      }
      if (spec_.bidirectional)
        run_forward(runs.data(), directions(), workspace);
      else
        run_stack(runs.data(), together, workspace);

      Index r = first * directions();
      for (const RecurrentRun<T>& run : runs) {
        const auto state = [&](auto* all) { return all ? all + r * N * H : nullptr; };
        const T* h_last = run.h + (run.keep_sequence ? steps : steps % 2) * N * P;
        const T* c_last = run.c + (pass.remember ? steps : 0) * N * P;
        if (T* final = state(states.final[0])) copy_rows(N, H, h_last, P, final, H);
        if (T* final = state(states.final[1])) copy_rows(N, H, c_last, P, final, H);
        if (tape) tape->remember(run);
        ++r;
      }
      const Index above = first + together;
      if (above < spec_.num_layers && dropout > 0) {
        // The tape needs a lone direction's states as they are.
        T* dropped = output ? output : workspace.take<T>(layout.size_between());
        apply_dropout<T>(dropout, derive_seed(pass.seed, static_cast<std::uint64_t>(above)),
                         steps * N, layout.width(), {input, layout.row()}, {dropped, layout.row()});
        input = dropped;
      }
    }
  };
  if (pass.remember) {
    run_layers();
  } else {
    const Workspace::Scope scope(workspace);
    run_layers();
  }
  return tape;
}

template std::unique_ptr<Tape<float>> LSTMLayer<float>::forward(const Batch<float>&, float*,
                                                                const States<float>&,
                                                                const Pass&) const;
template std::unique_ptr<Tape<double>> LSTMLayer<double>::forward(const Batch<double>&, double*,
                                                                  const States<double>&,
                                                                  const Pass&) const;

}  // namespace lstm_native
