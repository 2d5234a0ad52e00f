#include "core/network/bidirectional.hpp"

#include "core/base/random.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

LayerSpec merging_layer(Merging merge) {
  switch (merge) {
    case Merging::sum: return AddSpec{};
    case Merging::mul: return MultiplySpec{};
    case Merging::ave: return AverageSpec{};
    case Merging::concat: break;
  }
  return ConcatSpec{};
}

// The places of the graph's input and nodes.
enum Place : Index { input, forwards, turned, backwards, turned_back, merged };

template <class T>
Index features_of(const Layer<T>& layer) {
  return layer.outputs().front().features;
}

template <class T>
std::shared_ptr<Graph<T>> two_directions(const BidirectionalSpec& spec, Index inputs,
                                         WeightSeed seed) {
  if (spec.layers.size() != 2)
    throw InvalidArgument("Bidirectional: expected two layers, one for each direction, got " +
                          std::to_string(spec.layers.size()));
  std::vector<std::shared_ptr<Layer<T>>> layers;
  for (std::uint64_t i = 0; i < 2; ++i)
    layers.push_back(
        make_layer<T>(spec.layers[static_cast<std::size_t>(i)], inputs, derive_seed(seed, i)));
  const Index first = features_of(*layers[0]), second = features_of(*layers[1]);
  if (spec.merge != Merging::concat && first != second)
    throw InvalidArgument("Bidirectional: expected layers of as many output features, got " +
                          std::to_string(first) + " and " + std::to_string(second));
  layers.push_back(make_layer<T>(ReverseSpec{}, inputs, std::nullopt));
  layers.push_back(make_layer<T>(ReverseSpec{}, second, std::nullopt));
  layers.push_back(make_layer<T>(merging_layer(spec.merge), {first, second}, std::nullopt));
  GraphSpec graph;
  graph.inputs = {{"x", inputs, 0}};
  for (const char* name : {"0", "1", "turn", "turn back", "merge"})
    graph.layers.push_back({name, {}});
  graph.nodes = {{"forwards", 0, {{Place::input, 0}}},
                 {"turned", 2, {{Place::input, 0}}},
                 {"backwards", 1, {{Place::turned, 0}}},
                 {"turned back", 3, {{Place::backwards, 0}}},
                 {"merged", 4, {{Place::forwards, 0}, {Place::turned_back, 0}}}};
  graph.outputs = {{"y", {Place::merged, 0}}};
  return std::make_shared<Graph<T>>(std::move(graph), std::move(layers));
}

}  // namespace

template <class T>
BidirectionalLayer<T>::BidirectionalLayer(const BidirectionalSpec& spec, Index inputs,
                                          WeightSeed seed)
    : Container<T>(inputs, two_directions<T>(spec, inputs, seed)), spec_(spec) {}

template <class T>
OutputShape BidirectionalLayer<T>::output_shape(Index timesteps) const {
  const OutputShape in{timesteps, this->input_features()};
  const auto& layers = this->inner().layers();
  const Index first = layers[0]->output_shape(0, &in).timesteps;
  const Index second = layers[1]->output_shape(0, &in).timesteps;
  if (timesteps < 1)
    throw InvalidArgument("Bidirectional: expected an input with a time axis, got none");
  if (first != second)
    throw InvalidArgument("Bidirectional: expected layers that give as many steps, got " +
                          std::to_string(first) + " and " + std::to_string(second) +
                          " (0: no time axis)");
  return this->inner().output_shape(timesteps);
}

template <class T>
const Index* BidirectionalLayer<T>::output_lengths(std::size_t, const Batch<T>* in,
                                                   Workspace& workspace) const {
  return this->inner().layers()[0]->output_lengths(0, in, workspace);
}

template <class T>
class BidirectionalLayer<T>::BidirectionalTape final : public SequenceTape<T> {
 public:
  explicit BidirectionalTape(std::unique_ptr<GraphTape<T>> inner) : inner_(std::move(inner)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    inner_->backward(&dy, &dx, gradients, workspace);
  }

 private:
  std::unique_ptr<GraphTape<T>> inner_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> BidirectionalLayer<T>::forward(const Batch<T>& x, T* y,
                                                                const States<T>&,
                                                                const Pass& pass) const {
  Batch<T> found;
  auto tape = run_graph(this->inner(), &x, &y, &found, pass);
  if (!pass.remember) return nullptr;
  return std::make_unique<BidirectionalTape>(std::move(tape));
}

template <class T>
std::unique_ptr<LayerStream<T>> BidirectionalLayer<T>::stream(Index) const {
  throw InvalidArgument("Bidirectional: cannot be streamed: its output depends on steps to come");
}

template class BidirectionalLayer<float>;
template class BidirectionalLayer<double>;

}  // namespace lstm_native
