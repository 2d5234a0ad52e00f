#include "core/network/residual.hpp"

#include "core/layers/true_steps.hpp"
#include "core/network/graph_stream.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
ResidualLayer<T>::ResidualLayer(const ResidualSpec& spec, Index inputs, WeightSeed seed)
    : Container<T>(spec.layers, inputs, seed), spec_(spec) {
  if (this->output_features() != inputs)
    throw InvalidArgument(
        "Residual: expected inner layers that give as many features as they take (" +
        std::to_string(inputs) + "), got " + std::to_string(this->output_features()));
}

template <class T>
OutputShape ResidualLayer<T>::output_shape(Index timesteps) const {
  const OutputShape shape = this->inner().output_shape(timesteps);
  if (shape.timesteps != timesteps)
    throw InvalidArgument("Residual: expected inner layers that keep the " +
                          std::to_string(timesteps) + " steps of the input, got " +
                          (shape.timesteps ? std::to_string(shape.timesteps) : "no time axis"));
  return shape;
}

template <class T>
class ResidualLayer<T>::ResidualTape final : public SequenceTape<T> {
 public:
  ResidualTape(const Batch<T>& x, Index size, std::unique_ptr<GraphTape<T>> inner)
      : steps_{x.samples, x.timesteps, x.lengths},
        features_(x.features),
        size_(size),
        inner_(std::move(inner)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    inner_->backward(&dy, &dx, gradients, workspace);
    if (!dx) return;
    for (Index i = 0; i < size_; ++i) dx[i] += dy[i];
    steps_.clear_padding(dx, features_);
  }

 private:
  TrueSteps steps_;
  Index features_, size_;
  std::unique_ptr<GraphTape<T>> inner_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> ResidualLayer<T>::forward(const Batch<T>& x, T* y,
                                                           const States<T>&,
                                                           const Pass& pass) const {
  const Index size = rows_of(x.samples, x.timesteps) * x.features;
  std::unique_ptr<GraphTape<T>> tape;
  const T* inner = this->run_inner(x, size, y, pass, tape);
  for (Index i = 0; i < size; ++i) y[i] = x.values[i] + inner[i];
  TrueSteps{x.samples, x.timesteps, x.lengths}.clear_padding(y, x.features);
  if (!pass.remember) return nullptr;
  return std::make_unique<ResidualTape>(x, size, std::move(tape));
}

template <class T>
class ResidualLayer<T>::ResidualStream final : public SequenceStream<T> {
 public:
  ResidualStream(const ResidualLayer& layer, Index rows)
      : inner_(layer.shared_inner(), rows), size_(rows * layer.output_features()) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    inner_.step(&x, &y);
    for (Index i = 0; i < size_; ++i) y[i] = x.values[i] + y[i];
  }
  void reset() noexcept override { inner_.reset(); }
  std::vector<StreamTensor<T>> inner_tensors() const override { return inner_.tensors(); }

 private:
  GraphStream<T> inner_;
  Index size_;
};

template <class T>
std::unique_ptr<LayerStream<T>> ResidualLayer<T>::stream(Index rows) const {
  return std::make_unique<ResidualStream>(*this, rows);
}

template class ResidualLayer<float>;
template class ResidualLayer<double>;

}  // namespace lstm_native
