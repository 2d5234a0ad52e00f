#include "core/highway.hpp"

#include <algorithm>

#include "core/random.hpp"
#include "core/stream.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
HighwayLayer<T>::HighwayLayer(const HighwaySpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec),
      inputs_(inputs),
      inner_(make_layers<T>(spec.layers, inputs, derive_seed(seed, 0))),
      linear_(spec.window * inputs, inner_.layers().back()->output_features(), true,
              derive_seed(seed, 1)) {
  // Inner parameters are renamed once, here; they are reached through this layer alone.
  for (auto& [name, parameter] : inner_.parameters()) parameter->info.name = "layers." + name;
}

template <class T>
OutputShape HighwayLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < spec_.window)
    throw InvalidArgument("Highway: expected at least " + std::to_string(spec_.window) +
                          " timesteps (its window), got " + std::to_string(timesteps));
  const OutputShape shape = inner_.output_shape(timesteps);
  if (shape.timesteps != 0)
    throw InvalidArgument(
        "Highway: expected inner layers that end without a time axis (such as "
        "LSTM(return_sequences=False)), got one of " +
        std::to_string(shape.timesteps) + " steps");
  return shape;
}

template <class T>
std::vector<Parameter<T>*> HighwayLayer<T>::parameters() {
  std::vector<Parameter<T>*> list = linear_.parameters();
  for (auto& [name, parameter] : inner_.parameters()) list.push_back(parameter);
  return list;
}

template <class T>
void HighwayLayer<T>::drop_packed() {
  linear_.parameters_changed();
  inner_.parameters_changed();
}

template <class T>
class HighwayLayer<T>::HighwayTape final : public Tape<T> {
 public:
  HighwayTape(const HighwayLayer& layer, const Batch<T>& x, std::unique_ptr<Tape<T>> inner)
      : layer_(layer), x_(x), inner_(std::move(inner)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    constexpr int kOwnParameters = 2;
    inner_->backward(dy, dx, {}, gradients + kOwnParameters, workspace);
    layer_.linear_.backward(x_.samples, layer_.windows(x_.values, x_.timesteps),
                            {dy, layer_.linear_.outputs()}, layer_.windows(dx, x_.timesteps),
                            /*accumulate=*/true, gradients, workspace);
  }

 private:
  const HighwayLayer& layer_;
  Batch<T> x_;
  std::unique_ptr<Tape<T>> inner_;
};

template <class T>
std::unique_ptr<Tape<T>> HighwayLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                  const Pass& pass) const {
  // The inner tape may look at its own output again: the sum goes elsewhere.
  const Index size = x.samples * linear_.outputs();
  T* inner_output = pass.remember ? pass.workspace.take<T>(size) : y;
  auto inner = inner_.forward(x, inner_output, pass);
  if (inner_output != y) std::copy_n(inner_output, size, y);
  linear_.forward(x.samples, windows(x.values, x.timesteps), {y, linear_.outputs()},
                  /*accumulate=*/true);
  if (!pass.remember) return nullptr;
  return std::make_unique<HighwayTape>(*this, x, std::move(inner));
}

template <class T>
std::unique_ptr<LayerStream<T>> HighwayLayer<T>::stream(Index) const {
  throw InvalidArgument("Highway: cannot be streamed: its first output needs a whole window of " +
                        std::to_string(spec_.window) + " steps");
}

template class HighwayLayer<float>;
template class HighwayLayer<double>;

}  // namespace lstm_native
