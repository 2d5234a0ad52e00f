#include "core/chain.hpp"

#include <algorithm>
#include <optional>

#include "core/random.hpp"
#include "core/simple_layers.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
template <class T>
Chain<T>::Chain(std::vector<std::shared_ptr<Layer<T>>> layers) : layers_(std::move(layers)) {
  if (layers_.empty()) throw InvalidArgument("network: expected at least one layer, got none");
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      if (layers_[i] == layers_[j])
        throw InvalidArgument("layer " + std::to_string(i) + " is the same as layer " +
                              std::to_string(j) + ": make one layer for each");
    if (layers_[i]->takes_tokens())
      throw InvalidArgument("layer " + std::to_string(i) +
                            ": an Embedding takes tokens and can only come first");
    const Index expected = layers_[i]->input_features();
    const Index actual = layers_[i - 1]->output_features();
    if (expected != actual)
      throw InvalidArgument("layer " + std::to_string(i) + ": expected " +
                            std::to_string(expected) + " input features, the layer before gives " +
                            std::to_string(actual));
  }
  tie_layers();
  for (const auto& layer : layers_) {
    std::vector<std::size_t> places;
    for (Parameter<T>* p : layer->parameters()) {
      const auto found = std::find(parameters_.begin(), parameters_.end(), p);
      places.push_back(static_cast<std::size_t>(found - parameters_.begin()));
      if (found == parameters_.end()) parameters_.push_back(p);
    }
    places_.push_back(std::move(places));
  }
}

template <class T>
void Chain<T>::tie_layers() {
  const auto embedding = std::dynamic_pointer_cast<EmbeddingLayer<T>>(layers_.front());
  std::vector<std::shared_ptr<DenseLayer<T>>> tied;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    auto dense = std::dynamic_pointer_cast<DenseLayer<T>>(layers_[i]);
    if (!dense || !dense->tied()) continue;
    try {
      if (!embedding)
        throw InvalidArgument(
            "Dense: tied, it needs an Embedding as the first layer, whose weight it uses");
      dense->check_tie(*embedding);
    } catch (const InvalidArgument& e) {
      throw InvalidArgument("layer " + std::to_string(i) + ": " + e.what());
    }
    tied.push_back(std::move(dense));
  }
  for (const auto& dense : tied) tie(embedding, dense);
}

template <class T>
OutputShape Chain<T>::output_shape(Index timesteps) const {
  OutputShape shape{timesteps, 0};
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    try {
      shape = layers_[i]->output_shape(shape.timesteps);
    } catch (const InvalidArgument& e) {
      throw InvalidArgument("layer " + std::to_string(i) + ": " + e.what());
    }
  }
  return shape;
}

template <class T>
std::vector<std::pair<std::string, Parameter<T>*>> Chain<T>::parameters() const {
  std::vector<std::pair<std::string, Parameter<T>*>> list;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto used = layers_[i]->parameters();
    for (std::size_t j = layers_[i]->borrowed_parameters(); j < used.size(); ++j)
      list.emplace_back(std::to_string(i) + "." + used[j]->info.name, used[j]);
  }
  return list;
}

template <class T>
void Chain<T>::parameters_changed() const {
  for (const auto& layer : layers_) layer->parameters_changed();
}

template <class T>
Index Chain<T>::version() const {
  Index sum = 0;
  for (const auto& layer : layers_) sum += layer->version();
  return sum;
}

template <class T>
class Chain<T>::ChainTape final : public Tape<T> {
 public:
  /// sizes: values in the input of each layer.
  ChainTape(const Chain& chain, std::vector<std::unique_ptr<Tape<T>>> tapes,
            std::vector<Index> sizes)
      : chain_(chain), tapes_(std::move(tapes)), sizes_(std::move(sizes)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Workspace::Scope scope(workspace);
    std::vector<T*> of_layer;
    for (std::size_t i = tapes_.size(); i-- > 0;) {
      of_layer.clear();
      for (const std::size_t place : chain_.places_[i]) of_layer.push_back(gradients[place]);
      T* down = i == 0 ? dx : workspace.take<T>(sizes_[i]);
      tapes_[i]->backward(dy, down, {}, of_layer.data(), workspace);
      dy = down;
    }
  }

 private:
  const Chain& chain_;
  std::vector<std::unique_ptr<Tape<T>>> tapes_;
  std::vector<Index> sizes_;
};

template <class T>
std::unique_ptr<Tape<T>> Chain<T>::forward(const Batch<T>& x, T* y, const Pass& pass) const {
  std::optional<Workspace::Scope> scope;
  if (!pass.remember) scope.emplace(pass.workspace);
  std::vector<std::unique_ptr<Tape<T>>> tapes;
  std::vector<Index> sizes;
  Batch<T> input = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const OutputShape shape = layers_[i]->output_shape(input.timesteps);
    const bool last = i + 1 == layers_.size();
    T* output = last ? y : pass.workspace.take<T>(x.samples * shape.row_size());
    Pass layer_pass = pass;
    layer_pass.seed = derive_seed(pass.seed, static_cast<std::uint64_t>(i));
    auto tape = layers_[i]->forward(input, output, {}, layer_pass);
    if (pass.remember) {
      tapes.push_back(std::move(tape));
      // The first layer's gradient goes to the caller; tokens have no features to count.
      sizes.push_back(i == 0 ? 0 : rows_of(input.samples, input.timesteps) * input.features);
    }
    input = {output, nullptr, x.samples, shape.timesteps, shape.features};
  }
  if (!pass.remember) return nullptr;
  return std::make_unique<ChainTape>(*this, std::move(tapes), std::move(sizes));
}

template <class T>
std::vector<std::shared_ptr<Layer<T>>> make_layers(const std::vector<LayerSpec>& specs,
                                                   Index input_features, WeightSeed seed) {
  std::vector<std::shared_ptr<Layer<T>>> layers;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Index features = i == 0 ? input_features : layers.back()->output_features();
    layers.push_back(
        make_layer<T>(specs[i], features, derive_seed(seed, static_cast<std::uint64_t>(i))));
  }
  return layers;
}

template class Chain<float>;
template class Chain<double>;
template std::vector<std::shared_ptr<Layer<float>>> make_layers(const std::vector<LayerSpec>&,
                                                                Index, WeightSeed);
template std::vector<std::shared_ptr<Layer<double>>> make_layers(const std::vector<LayerSpec>&,
                                                                 Index, WeightSeed);

}  // namespace lstm_native
