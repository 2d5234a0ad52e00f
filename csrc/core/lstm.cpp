#include "core/lstm.hpp"

#include <algorithm>

#include "core/dropout_mask.hpp"
#include "core/initialisers.hpp"
#include "core/lstm_stream.hpp"
#include "core/random.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

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

}  // namespace

template <class T>
LSTMLayer<T>::LSTMLayer(const LSTMSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec), inputs_(inputs) {
  const Index H = spec.hidden_size, rows = kGates * H;
  for (Index l = 0; l < spec.num_layers; ++l) {
    const Index F = l == 0 ? inputs : H;
    const std::string suffix = "_l" + std::to_string(l);
    const auto add = [&](const char* name, std::vector<Index> shape) {
      parameters_.push_back({{name + suffix, std::move(shape)}, {}});
      Parameter<T>& p = parameters_.back();
      p.value.resize(static_cast<std::size_t>(p.info.size()));
      return p.value.data();
    };
    const WeightSeed layer_seed = derive_seed(seed, static_cast<std::uint64_t>(l));
    T* w_input = add("weight_ih", {rows, F});
    for (Index g = 0; g < kGates; ++g)
      glorot_uniform(F, H, derive_seed(layer_seed, static_cast<std::uint64_t>(g)), H * F,
                     w_input + g * H * F);
    T* w_recurrent = add("weight_hh", {rows, H});
    for (Index g = 0; g < kGates; ++g)
      orthogonal(H, derive_seed(layer_seed, static_cast<std::uint64_t>(kGates + g)),
                 w_recurrent + g * H * H);
    T* bias = add("bias_ih", {rows});
    std::fill_n(bias + H, H, static_cast<T>(spec.forget_bias));  // second gate: forget
    add("bias_hh", {rows});
  }
}

template <class T>
OutputShape LSTMLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < 1)
    throw InvalidArgument(
        "LSTM: expected 3 dimensions (samples, timesteps, features), got 2: no time axis");
  return {spec_.return_sequences ? timesteps : 0, spec_.hidden_size};
}

template <class T>
std::vector<Parameter<T>*> LSTMLayer<T>::parameters() {
  std::vector<Parameter<T>*> list;
  for (Parameter<T>& p : parameters_) list.push_back(&p);
  return list;
}

template <class T>
std::shared_ptr<const typename LSTMLayer<T>::Packed> LSTMLayer<T>::packed() const {
  const KernelTable<T>& k = kernels<T>();
  return packed_.get(&k, [&](Packed& packed) {
    packed.resize(static_cast<std::size_t>(spec_.num_layers));
    for (std::size_t l = 0; l < packed.size(); ++l) {
      const Parameter<T>* p = &parameters_[l * kParametersPerLayer];
      packed[l].pack({kGates, spec_.hidden_size, kGateBlock<T>}, p[0].info.shape[1], k,
                     p[0].value.data(), p[1].value.data(), p[2].value.data(), p[3].value.data());
    }
  });
}

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
    const Workspace::Scope scope(workspace);
    T* dh = workspace.take<T>(N * P);
    T* dc = workspace.take<T>(N * P);
    // Gradient of a lower layer's output, in time-major rows; two, for in and out differ.
    T* between[2] = {nullptr, nullptr};
    if (spec.num_layers > 1)
      for (T*& buffer : between) buffer = workspace.take_zeros<T>(steps * N * P);

    for (Index l = spec.num_layers - 1; l >= 0; --l) {
      const bool top = l == spec.num_layers - 1;
      RecurrentGradients<T> g;
      if (top && dy)
        g.dy = spec.return_sequences ? Steps<const T>{dy, H, steps * H} : Steps<const T>{dy, 0, H};
      else if (!top)
        g.dy = {between[(l + 1) % 2], N * P, P};
      if (l > 0)
        g.dx = {between[l % 2], N * P, P};
      else if (dx)
        g.dx = {dx, layer_.inputs_, steps * layer_.inputs_};
      const auto state = [&](const T* all) { return all ? all + l * N * H : nullptr; };
      g.dh = padded_state(N, H, P, state(states.final[0]), dh);
      g.dc = padded_state(N, H, P, state(states.final[1]), dc);
      T* const* p = gradients + static_cast<std::size_t>(l) * kParametersPerLayer;
      g.weight_input = p[0];
      g.weight_recurrent = p[1];
      g.bias_input = p[2];
      g.bias_recurrent = p[3];
      run_backward((*weights_)[static_cast<std::size_t>(l)], runs_[static_cast<std::size_t>(l)], g,
                   workspace);
      if (states.initial[0]) copy_rows(N, H, dh, P, states.initial[0] + l * N * H, H);
      if (states.initial[1]) copy_rows(N, H, dc, P, states.initial[1] + l * N * H, H);
      if (l > 0 && dropout_ > 0)
        apply_dropout<T>(dropout_, derive_seed(seed_, static_cast<std::uint64_t>(l)), steps * N, H,
                         {between[l % 2], P}, {between[l % 2], P});
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
  const double dropout = pass.training ? spec_.dropout : 0.0;
  std::unique_ptr<LSTMTape> tape;
  if (pass.remember) tape = std::make_unique<LSTMTape>(*this, weights, dropout, pass.seed);

  Workspace& workspace = pass.workspace;
  const auto run_layers = [&] {
    Steps<const T> input{x.values, inputs_, steps * inputs_};
    for (Index l = 0; l < spec_.num_layers; ++l) {
      const bool top = l == spec_.num_layers - 1;
      RecurrentRun<T> run;
      run.samples = N;
      run.timesteps = steps;
      run.x = input;
      run.keep_sequence = pass.remember || !top;
      run.h = workspace.take<T>((run.keep_sequence ? steps + 1 : 2) * N * P);
      run.c = workspace.take<T>((pass.remember ? steps + 1 : 1) * N * P);
      if (pass.remember) run.gates = workspace.take<T>(steps * N * columns);
      const auto state = [&](const T* all) { return all ? all + l * N * H : nullptr; };
      padded_state(N, H, P, state(states.initial[0]), run.h);
      padded_state(N, H, P, state(states.initial[1]), run.c);
      if (top) {
        run.last_only = !spec_.return_sequences;
        run.y = run.last_only ? Steps<T>{y, 0, H} : Steps<T>{y, H, steps * H};
      }
      run_forward((*weights)[static_cast<std::size_t>(l)], run, workspace);

      const T* h_last = run.h + (run.keep_sequence ? steps : steps % 2) * N * P;
      const T* c_last = run.c + (pass.remember ? steps : 0) * N * P;
      if (states.final[0]) copy_rows(N, H, h_last, P, states.final[0] + l * N * H, H);
      if (states.final[1]) copy_rows(N, H, c_last, P, states.final[1] + l * N * H, H);
      if (tape) tape->remember(run);
      if (top) break;
      const T* output = run.h + N * P;
      if (dropout > 0) {
        T* dropped = workspace.take<T>(steps * N * P);
        apply_dropout<T>(dropout, derive_seed(pass.seed, static_cast<std::uint64_t>(l + 1)),
                         steps * N, H, {output, P}, {dropped, P});
        output = dropped;
      }
      input = {output, N * P, P};
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

template <class T>
std::unique_ptr<LayerStream<T>> LSTMLayer<T>::stream(Index rows) const {
  return make_lstm_stream<T>(packed(), rows);
}

template class LSTMLayer<float>;
template class LSTMLayer<double>;

}  // namespace lstm_native
