// Parameters of the ConvLSTM layer, and its stream. How it runs stands in conv_lstm_pass.cpp.
#include "core/conv_lstm/conv_lstm.hpp"

#include "core/layers/layer_stream.hpp"
#include "core/numeric/initialisers.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
ConvLSTMLayer<T>::ConvLSTMLayer(const ConvLSTMSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec) {
  if (inputs != input_features())
    throw InvalidArgument("ConvLSTM: expected " + std::to_string(input_features()) +
                          " input features (height " + std::to_string(spec.height) + " x width " +
                          std::to_string(spec.width) + " x channels " +
                          std::to_string(spec.channels) + "), got " + std::to_string(inputs));
  constexpr Index kGates = 4;
  const Index filters = spec.filters, taps = spec.kernel_height * spec.kernel_width;
  const auto add = [&](const char* name, std::vector<Index> shape) {
    parameters_.push_back(make_parameter<T>(name, std::move(shape)));
    return parameters_.back().value.data();
  };
  const auto add_kernel = [&](const char* name, Index from, Index first_seed) {
    T* w = add(name, {kGates * filters, from, spec.kernel_height, spec.kernel_width});
    const Index size = filters * from * taps;
    for (Index g = 0; g < kGates; ++g)
      glorot_uniform(taps * from, taps * filters,
                     derive_seed(seed, static_cast<std::uint64_t>(first_seed + g)), size,
                     w + g * size);
  };
  add_kernel("weight_ih", spec.channels, 0);
  add_kernel("weight_hh", filters, kGates);
  if (spec.bias) {
    T* bias = add("bias", {kGates * filters});
    std::fill_n(bias + filters, filters, static_cast<T>(spec.forget_bias));  // second gate: forget
  }
  if (spec.peephole) add("peephole", {3, spec.height, spec.width, filters});
}

template <class T>
OutputShape ConvLSTMLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < 1)
    throw InvalidArgument(
        "ConvLSTM: expected a time axis (samples, timesteps, height * width * channels), got none");
  return {spec_.return_sequences ? timesteps : 0, output_features()};
}

template <class T>
std::vector<Parameter<T>*> ConvLSTMLayer<T>::parameters() {
  std::vector<Parameter<T>*> list;
  for (Parameter<T>& p : parameters_) list.push_back(&p);
  return list;
}

template <class T>
std::shared_ptr<const ConvLSTMWeights<T>> ConvLSTMLayer<T>::packed() const {
  const KernelTable<T>& k = kernels<T>();
  return packed_.get(&k, [&](Weights& weights) {
    std::vector<const T*> values;
    for (const Parameter<T>& p : parameters_) values.push_back(p.value.data());
    weights.pack(spec_, k, values.data());
  });
}

template <class T>
class ConvLSTMLayer<T>::ConvLSTMStream final : public SequenceStream<T> {
 public:
  ConvLSTMStream(std::shared_ptr<const Weights> weights, const StateShape& state, Index rows)
      : weights_(std::move(weights)), state_(state), size_(weights_->state_size()), rows_(rows) {
    // h before and after a step, and c, of all rows; then what one row at a time needs.
    memory_.resize(static_cast<std::size_t>(3 * rows * size_ + weights_->gates_size() +
                                            weights_->patches_size()));
    h_ = memory_.data();
    next_h_ = h_ + rows * size_;
    c_ = next_h_ + rows * size_;
  }

  void step(const Batch<T>& x, T* y) noexcept override {
    const Index inputs = weights_->shape.pixels() * weights_->channels;
    const Index outputs = weights_->shape.pixels() * weights_->filters();
    T* gates = c_ + rows_ * size_;
    for (Index r = 0; r < rows_; ++r) {
      const Index at = r * size_;
      forward_step<T>(*weights_, {x.values + r * inputs, h_ + at, c_ + at, next_h_ + at, c_ + at,
                                  y + r * outputs, gates, gates + weights_->gates_size(), false});
    }
    std::swap(h_, next_h_);
  }

  void reset() noexcept override {
    std::fill_n(h_, rows_ * size_, T(0));
    std::fill_n(c_, rows_ * size_, T(0));
  }
  std::vector<TensorInfo> state() const override { return state_tensors(state_, rows_); }
  void get_state(Index which, T* out) const noexcept override {
    weights_->unpad(which == 0 ? h_ : c_, rows_, out);
  }
  void set_state(Index which, const T* values) noexcept override {
    weights_->pad(values, rows_, which == 0 ? h_ : c_);
  }

 private:
  std::shared_ptr<const Weights> weights_;
  StateShape state_;
  Index size_, rows_;
  AlignedVector<T> memory_;
  T *h_, *next_h_, *c_;
};

template <class T>
std::unique_ptr<LayerStream<T>> ConvLSTMLayer<T>::stream(Index rows) const {
  if (spec_.reverse)
    throw InvalidArgument(
        "ConvLSTM: cannot be streamed: its output depends on steps to come (reverse)");
  return std::make_unique<ConvLSTMStream>(packed(), state_shape(), rows);
}

template class ConvLSTMLayer<float>;
template class ConvLSTMLayer<double>;

}  // namespace lstm_native
