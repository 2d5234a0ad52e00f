// Parameters of the LSTM layer. How it runs stands in lstm_pass.cpp.
#include "core/lstm.hpp"

#include <algorithm>

#include "core/initialisers.hpp"
#include "core/lstm_stream.hpp"
#include "core/random.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
LSTMLayer<T>::LSTMLayer(const LSTMSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec), inputs_(inputs) {
  for (Index l = 0; l < spec.num_layers; ++l) {
    const Index F = l == 0 ? inputs : output_features();
    const std::string suffix = "_l" + std::to_string(l);
    const WeightSeed layer_seed = derive_seed(seed, static_cast<std::uint64_t>(l));
    add_run(suffix, F, layer_seed);
    // A seed that no gate of the forward direction has.
    constexpr std::uint64_t kReverse = 2 * kGates;
    if (spec.bidirectional) add_run(suffix + "_reverse", F, derive_seed(layer_seed, kReverse));
  }
}

template <class T>
void LSTMLayer<T>::add_run(const std::string& suffix, Index inputs, WeightSeed seed) {
  const Index H = spec_.hidden_size, rows = kGates * H;
  const auto add = [&](const char* name, std::vector<Index> shape) {
    parameters_.push_back({{name + suffix, std::move(shape)}, {}});
    Parameter<T>& p = parameters_.back();
    p.value.resize(static_cast<std::size_t>(p.info.size()));
    return p.value.data();
  };
  T* w_input = add("weight_ih", {rows, inputs});
  for (Index g = 0; g < kGates; ++g)
    glorot_uniform(inputs, H, derive_seed(seed, static_cast<std::uint64_t>(g)), H * inputs,
                   w_input + g * H * inputs);
  T* w_recurrent = add("weight_hh", {rows, H});
  for (Index g = 0; g < kGates; ++g)
    orthogonal(H, derive_seed(seed, static_cast<std::uint64_t>(kGates + g)),
               w_recurrent + g * H * H);
  T* bias = add("bias_ih", {rows});
  std::fill_n(bias + H, H, static_cast<T>(spec_.forget_bias));  // second gate: forget
  add("bias_hh", {rows});
}

template <class T>
OutputShape LSTMLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < 1)
    throw InvalidArgument(
        "LSTM: expected 3 dimensions (samples, timesteps, features), got 2: no time axis");
  return {spec_.return_sequences ? timesteps : 0, output_features()};
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
    packed.resize(parameters_.size() / kParametersPerRun);
    for (std::size_t r = 0; r < packed.size(); ++r) {
      const Parameter<T>* p = &parameters_[r * kParametersPerRun];
      packed[r].pack({kGates, spec_.hidden_size, kGateBlock<T>}, p[0].info.shape[1], k,
                     p[0].value.data(), p[1].value.data(), p[2].value.data(), p[3].value.data());
    }
  });
}

template <class T>
std::unique_ptr<LayerStream<T>> LSTMLayer<T>::stream(Index rows) const {
  if (spec_.bidirectional || spec_.reverse)
    throw InvalidArgument(
        "LSTM: cannot be streamed: its output depends on steps to come (bidirectional or reverse)");
  return make_lstm_stream<T>(packed(), rows);
}

template class LSTMLayer<float>;
template class LSTMLayer<double>;

}  // namespace lstm_native
