// The ConvLSTM layer over whole sequences. Samples are worked on one by one, beside each other on
// several threads: a sample's bits do not depend on its batch.
#include "core/conv_lstm/conv_lstm.hpp"
#include "core/conv_lstm/conv_lstm_gradient.hpp"
#include "core/runtime/threads.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {
namespace {

template <class T>
double work_of(const ConvLSTMWeights<T>& w, const Batch<T>& x) {
  return static_cast<double>(x.samples * x.timesteps) * static_cast<double>(w.gates_size()) *
         static_cast<double>(w.input_patch() + w.recurrent_patch());
}

}  // namespace

/// Where a pass keeps a sample's states and gates: all of its steps when it remembers them, else
/// two h, one c and the gates of one step.
template <class T>
class ConvLSTMLayer<T>::Memory {
 public:
  Memory(const Weights& w, Index samples, Index timesteps, bool remember, Workspace& workspace)
      : state_(w.state_size()),
        gate_(w.gates_size()),
        steps_(remember ? timesteps : 1),
        remember_(remember) {
    h_ = workspace.take<T>(samples * (steps_ + 1) * state_);
    c_ = workspace.take<T>(samples * (steps_ + 1) * state_);
    gates_ = workspace.take<T>(samples * steps_ * gate_);
  }

  /// Before step s, or behind step s - 1.
  T* h(Index sample, Index s) const {
    return h_ + (sample * (steps_ + 1) + (remember_ ? s : s % 2)) * state_;
  }
  T* c(Index sample, Index s) const {
    return c_ + (sample * (steps_ + 1) + (remember_ ? s : 0)) * state_;
  }
  T* gates(Index sample, Index s) const {
    return gates_ + (sample * steps_ + (remember_ ? s : 0)) * gate_;
  }

 private:
  Index state_, gate_, steps_;
  bool remember_;
  T *h_, *c_, *gates_;
};

template <class T>
class ConvLSTMLayer<T>::ConvLSTMTape final : public SequenceTape<T> {
 public:
  ConvLSTMTape(const ConvLSTMLayer& layer, std::shared_ptr<const Weights> weights,
               const Batch<T>& x, const Memory& memory)
      : layer_(layer), weights_(std::move(weights)), x_(x), memory_(memory) {}

  void backward(const T* dy, T* dx, const StateGradients<T>& states, T* const* gradients,
                Workspace& workspace) override {
    const Workspace::Scope scope(workspace);
    const Weights& w = *weights_;
    const Index state = w.state_size(), samples = x_.samples;
    const Index parts = parallel_parts(samples, work_of(w, x_));
    const Index own = 2 * state + w.patches_size();
    T* memory = workspace.take<T>(parts * own);
    run_parts(parts, samples, [&](Index part, Index begin, Index end) {
      T* dh = memory + part * own;
      for (Index n = begin; n < end; ++n)
        sample_backward(n, dy, dx, states, dh, dh + state, dh + 2 * state);
    });
    std::vector<ConvLSTMSample<T>> list;
    const Index inputs = layer_.input_features();
    for (Index n = 0; n < samples; ++n)
      if (const Index steps = true_rows(x_, n))
        list.push_back({steps, x_.values + (n * x_.timesteps + layer_.time(0, steps)) * inputs,
                        layer_.spec_.reverse ? -inputs : inputs, memory_.h(n, 0), memory_.c(n, 0),
                        memory_.gates(n, 0)});
    add_conv_lstm_gradients(w, list, gradients, workspace);
  }

 private:
  void sample_backward(Index n, const T* dy, T* dx, const StateGradients<T>& states, T* dh, T* dc,
                       T* patches) const {
    const Weights& w = *weights_;
    const Index steps = true_rows(x_, n), T_ = x_.timesteps;
    const Index inputs = layer_.input_features(), outputs = layer_.output_features();
    const auto begin = [&](const T* final, T* to) {
      if (final)
        w.pad(final + n * outputs, 1, to);
      else
        std::fill_n(to, w.state_size(), T(0));
    };
    begin(states.final[0], dh);
    begin(states.final[1], dc);
    T* sample_dx = dx ? dx + n * T_ * inputs : nullptr;
    for (Index s = steps; s-- > 0;) {
      const Index t = layer_.time(s, steps);
      ConvLSTMStepBack<T> step{memory_.c(n, s),
                               memory_.c(n, s + 1),
                               nullptr,
                               dh,
                               dc,
                               memory_.gates(n, s),
                               dx ? sample_dx + t * inputs : nullptr,
                               patches};
      if (layer_.spec_.return_sequences)
        step.dy = dy + (n * T_ + t) * outputs;
      else if (s + 1 == steps)
        step.dy = dy + n * outputs;
      backward_step(w, step);
    }
    if (dx) std::fill_n(sample_dx + steps * inputs, (T_ - steps) * inputs, T(0));
    if (states.initial[0]) w.unpad(dh, 1, states.initial[0] + n * outputs);
    if (states.initial[1]) w.unpad(dc, 1, states.initial[1] + n * outputs);
  }

  const ConvLSTMLayer& layer_;
  std::shared_ptr<const Weights> weights_;
  Batch<T> x_;
  Memory memory_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> ConvLSTMLayer<T>::forward(const Batch<T>& x, T* y,
                                                           const States<T>& states,
                                                           const Pass& pass) const {
  const auto weights = packed();
  const Weights& w = *weights;
  const Index inputs = input_features(), outputs = output_features();
  const Memory memory(w, x.samples, x.timesteps, pass.remember, pass.workspace);
  const Index parts = parallel_parts(x.samples, work_of(w, x));
  T* patches = pass.workspace.template take<T>(parts * w.patches_size());
  const auto begin = [&](const T* initial, Index n, T* to) {
    if (initial)
      w.pad(initial + n * outputs, 1, to);
    else
      std::fill_n(to, w.state_size(), T(0));
  };
  run_parts(parts, x.samples, [&](Index part, Index first, Index end) {
    for (Index n = first; n < end; ++n) {
      const Index steps = true_rows(x, n);
      begin(states.initial[0], n, memory.h(n, 0));
      begin(states.initial[1], n, memory.c(n, 0));
      for (Index s = 0; s < steps; ++s) {
        const Index t = time(s, steps);
        T* output = nullptr;
        if (spec_.return_sequences)
          output = y + (n * x.timesteps + t) * outputs;
        else if (s + 1 == steps)
          output = y + n * outputs;
        forward_step<T>(w, {x.values + (n * x.timesteps + t) * inputs, memory.h(n, s),
                            memory.c(n, s), memory.h(n, s + 1), memory.c(n, s + 1), output,
                            memory.gates(n, s), patches + part * w.patches_size(), pass.remember});
      }
      if (spec_.return_sequences)
        std::fill_n(y + (n * x.timesteps + steps) * outputs, (x.timesteps - steps) * outputs, T(0));
      else if (steps == 0)
        std::fill_n(y + n * outputs, outputs, T(0));
      if (states.final[0]) w.unpad(memory.h(n, steps), 1, states.final[0] + n * outputs);
      if (states.final[1]) w.unpad(memory.c(n, steps), 1, states.final[1] + n * outputs);
    }
  });
  if (!pass.remember) return nullptr;
  return std::make_unique<ConvLSTMTape>(*this, weights, x, memory);
}

template std::unique_ptr<SequenceTape<float>> ConvLSTMLayer<float>::forward(const Batch<float>&,
                                                                            float*,
                                                                            const States<float>&,
                                                                            const Pass&) const;
template std::unique_ptr<SequenceTape<double>> ConvLSTMLayer<double>::forward(const Batch<double>&,
                                                                              double*,
                                                                              const States<double>&,
                                                                              const Pass&) const;

}  // namespace lstm_native
