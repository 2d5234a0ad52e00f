#include "core/layers/dense.hpp"

#include <algorithm>

#include "core/layers/activation.hpp"
#include "core/layers/embedding.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/numeric/activations.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/product_args.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
DenseLayer<T>::DenseLayer(const DenseSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec),
      linear_(spec.tied ? Linear<T>(inputs, spec.units, spec.bias)
                        : Linear<T>(inputs, spec.units, spec.bias, seed)) {}

template <class T>
OutputShape DenseLayer<T>::output_shape(Index timesteps) const {
  if (!linear_.weight())
    throw InvalidArgument(
        "Dense: tied, it has no weight of its own and runs only in a network that begins with an "
        "Embedding");
  return {timesteps, spec_.units};
}

template <class T>
void DenseLayer<T>::check_tie(const EmbeddingLayer<T>& embedding) const {
  if (spec_.units != embedding.vocabulary())
    throw InvalidArgument("Dense: tied, expected " + std::to_string(embedding.vocabulary()) +
                          " units (the Embedding's vocabulary), got " +
                          std::to_string(spec_.units));
  if (linear_.inputs() != embedding.output_features())
    throw InvalidArgument("Dense: tied, expected " + std::to_string(embedding.output_features()) +
                          " input features (the Embedding's), got " +
                          std::to_string(linear_.inputs()));
  if (embedding_ && embedding_.get() != &embedding)
    throw InvalidArgument("Dense: is tied to the Embedding of another network already");
}

template <class T>
void tie(const std::shared_ptr<EmbeddingLayer<T>>& embedding,
         const std::shared_ptr<DenseLayer<T>>& dense) {
  if (dense->embedding_ == embedding) return;
  auto& tied = embedding->tied_;
  tied.erase(std::remove_if(tied.begin(), tied.end(), [](const auto& d) { return d.expired(); }),
             tied.end());
  tied.push_back(dense);
  dense->embedding_ = embedding;
  dense->linear_.borrow(&embedding->weight_);
}

template <class T>
class DenseLayer<T>::DenseTape final : public SequenceTape<T> {
 public:
  DenseTape(const DenseLayer& layer, Activation activation, const Batch<T>& x, const T* y)
      : layer_(layer), activation_(activation), x_(x), y_(y) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Index rows = rows_of(x_.samples, x_.timesteps), units = layer_.spec_.units;
    const Workspace::Scope scope(workspace);
    if (activation_ != Activation::linear) {
      T* before = workspace.take<T>(rows * units);
      activate_backward(activation_, rows, units, y_, dy, before);
      dy = before;
    }
    const Index inputs = layer_.linear_.inputs();
    layer_.linear_.backward(rows, {x_.values, inputs}, {dy, units}, {dx, inputs}, false, gradients,
                            workspace);
  }

 private:
  const DenseLayer& layer_;
  Activation activation_;
  Batch<T> x_;
  const T* y_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> DenseLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                        const Pass& pass) const {
  const Index rows = rows_of(x.samples, x.timesteps);
  linear_.forward(rows, {x.values, linear_.inputs()}, {y, spec_.units}, false);
  const Activation activation = applied(spec_.activation, pass);
  activate(activation, rows, spec_.units, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<DenseTape>(*this, activation, x, y);
}

template <class T>
class DenseLayer<T>::DenseStream final : public SequenceStream<T> {
 public:
  DenseStream(const DenseLayer& layer, Index rows)
      : weights_(layer.linear_.packed(rows)), activation_(layer.spec_.activation) {
    product_.rows = rows;
    product_.depth = product_.a_stride = layer.linear_.inputs();
    product_.cols = product_.out_stride = layer.spec_.units;
    product_.packed = weights_->weight.data();
    product_.bias = weights_->bias.data();
  }

  void step(const Batch<T>& x, T* y) noexcept override {
    product_.a = x.values;
    product_.out = y;
    weights_->kernels->product(product_);
    activate_rows(*weights_->kernels, activation_, product_.rows, product_.cols, y);
  }

 private:
  std::shared_ptr<const typename Linear<T>::Packed> weights_;
  Activation activation_;
  ProductArgs<T> product_;
};

template <class T>
std::unique_ptr<LayerStream<T>> DenseLayer<T>::stream(Index rows) const {
  output_shape(1);  // throws when there is no weight
  return std::make_unique<DenseStream>(*this, rows);
}

template void tie(const std::shared_ptr<EmbeddingLayer<float>>&,
                  const std::shared_ptr<DenseLayer<float>>&);
template void tie(const std::shared_ptr<EmbeddingLayer<double>>&,
                  const std::shared_ptr<DenseLayer<double>>&);
template class DenseLayer<float>;
template class DenseLayer<double>;

}  // namespace lstm_native
