#include "core/network/chain.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "core/base/random.hpp"
#include "core/layers/dense.hpp"
#include "core/layers/embedding.hpp"
#include "core/layers/true_steps.hpp"
#include "core/network/layer_factory.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
template <class T>
Chain<T>::Chain(std::vector<std::shared_ptr<SequenceLayer<T>>> layers)
    : layers_(std::move(layers)) {
  if (layers_.empty()) throw InvalidArgument("network: expected at least one layer, got none");
  std::unordered_map<const SequenceLayer<T>*, std::size_t> known;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto [first, is_new] = known.emplace(layers_[i].get(), i);
    if (!is_new)
      throw InvalidArgument("layer " + std::to_string(i) + " is the same as layer " +
                            std::to_string(first->second) + ": make one layer for each");
    if (i == 0) continue;
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
  std::unordered_map<const Parameter<T>*, std::size_t> place_of;
  for (const auto& layer : layers_) {
    std::vector<std::size_t> places;
    for (Parameter<T>* p : layer->parameters()) {
      const auto [found, is_new] = place_of.emplace(p, parameters_.size());
      places.push_back(found->second);
      if (is_new) parameters_.push_back(p);
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

namespace {

/// Leads back through TrueSteps::gather, or through TrueSteps::scatter.
template <class T>
class StepsTape final : public SequenceTape<T> {
 public:
  StepsTape(const TrueSteps& steps, Index width, bool gathered)
      : steps_(steps), width_(width), gathered_(gathered) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*,
                Workspace& workspace) override {
    if (!dx) return;
    const Workspace::Scope scope(workspace);
    if (gathered_)
      steps_.scatter(dy, width_, dx);
    else
      std::copy_n(steps_.gather(dy, width_, workspace), steps_.rows() * width_, dx);
  }

 private:
  TrueSteps steps_;
  Index width_;
  bool gathered_;
};

/// The way back through a layer's pass, or between padded sequences and their true steps.
template <class T>
struct Link {
  std::unique_ptr<SequenceTape<T>> tape;
  Index inputs;  // values of what the pass has read
  std::size_t layer;
};

}  // namespace

template <class T>
class Chain<T>::ChainTape final : public SequenceTape<T> {
 public:
  ChainTape(const Chain& chain, std::vector<Link<T>> links)
      : chain_(chain), links_(std::move(links)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Workspace::Scope scope(workspace);
    std::vector<T*> of_layer;
    for (std::size_t i = links_.size(); i-- > 0;) {
      of_layer.clear();
      if (links_[i].layer != kNoLayer)
        for (const std::size_t place : chain_.places_[links_[i].layer])
          of_layer.push_back(gradients[place]);
      // The first layer's gradient goes to the caller, who may not want it.
      const bool unwanted = !dx && (i == 0 || (i == 1 && links_[0].layer == kNoLayer));
      T* down = i == 0 || unwanted ? dx : workspace.take<T>(links_[i].inputs);
      links_[i].tape->backward(dy, down, {}, of_layer.data(), workspace);
      dy = down;
    }
  }

 private:
  const Chain& chain_;
  std::vector<Link<T>> links_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> Chain<T>::forward(const Batch<T>& x, T* y, const Pass& pass,
                                                   ChainStates<T>* states,
                                                   std::size_t without_activation) const {
  Workspace& workspace = pass.workspace;
  std::optional<Workspace::Scope> scope;
  if (!pass.remember) scope.emplace(workspace);
  std::vector<Link<T>> links;
  Batch<T> input = x;
  if (x.tokens) input.features = 0;  // what the caller left there means nothing
  if (x.lengths && std::all_of(x.lengths, x.lengths + x.samples,
                               [&](Index length) { return length == x.timesteps; }))
    input.lengths = nullptr;
  TrueSteps steps{x.samples, x.timesteps, input.lengths};
  bool gathered = false;  // whether `input` holds the true steps as rows
  const auto move = [&](Index values, bool to_rows) {
    gathered = to_rows;
    if (pass.remember)
      links.push_back(
          {std::make_unique<StepsTape<T>>(steps, input.features, to_rows), values, kNoLayer});
  };
  const auto gather = [&] {
    const Index values = rows_of(input.samples, input.timesteps) * input.features;
    const T* from = input.values;
    const std::int64_t* tokens = input.tokens;
    if (from) from = steps.gather(from, input.features, workspace);
    if (tokens) tokens = steps.gather(tokens, 1, workspace);
    move(values, true);
    input = {from, tokens, steps.rows(), 0, input.features};
  };
  const auto scatter = [&](T* to) {
    const Index values = input.samples * input.features;
    steps.scatter(input.values, input.features, to);
    move(values, false);
    input = {to, nullptr, steps.samples, steps.timesteps, input.features, steps.lengths};
  };

  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const SequenceLayer<T>& layer = *layers_[i];
    if (gathered || input.lengths) {
      const LengthsUse use = layer.lengths_use();
      if (use == LengthsUse::refused)
        throw InvalidArgument("layer " + std::to_string(i) + " cannot take lengths");
      if (use == LengthsUse::by_rows && !gathered) gather();
      if (use == LengthsUse::honoured && gathered)
        scatter(workspace.take<T>(rows_of(steps.samples, steps.timesteps) * input.features));
    }
    const OutputShape shape = layer.output_shape(input.timesteps);
    const Index* lengths = nullptr;
    if (shape.timesteps && !gathered) lengths = layer.output_lengths(0, &input, workspace);
    const bool last = i + 1 == layers_.size();
    T* output = last && !gathered ? y : workspace.take<T>(input.samples * shape.row_size());
    Pass layer_pass = pass;
    layer_pass.seed = derive_seed(pass.seed, static_cast<std::uint64_t>(i));
    layer_pass.before_activation = i == without_activation;
    const StateShape state = states ? layer.state_shape() : StateShape{};
    const States<T> carried = state.count ? states->of(i, state, x.samples) : States<T>{};
    auto tape = layer.forward(input, output, carried, layer_pass);
    if (pass.remember)
      links.push_back(
          {std::move(tape), rows_of(input.samples, input.timesteps) * input.features, i});
    input = {output, nullptr, input.samples, shape.timesteps, shape.features, lengths};
    if (!gathered) steps = {x.samples, shape.timesteps, lengths};
  }
  if (gathered) scatter(y);
  if (!pass.remember) return nullptr;
  return std::make_unique<ChainTape>(*this, std::move(links));
}

template <class T>
std::vector<std::shared_ptr<SequenceLayer<T>>> make_layers(const std::vector<LayerSpec>& specs,
                                                           Index input_features, WeightSeed seed) {
  std::vector<std::shared_ptr<SequenceLayer<T>>> layers;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Index features = i == 0 ? input_features : layers.back()->output_features();
    layers.push_back(
        make_layer<T>(specs[i], features, derive_seed(seed, static_cast<std::uint64_t>(i))));
  }
  return layers;
}

template class Chain<float>;
template class Chain<double>;
template std::vector<std::shared_ptr<SequenceLayer<float>>> make_layers(
    const std::vector<LayerSpec>&, Index, WeightSeed);
template std::vector<std::shared_ptr<SequenceLayer<double>>> make_layers(
    const std::vector<LayerSpec>&, Index, WeightSeed);

}  // namespace lstm_native
