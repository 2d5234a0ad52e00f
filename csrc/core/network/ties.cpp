#include "core/network/ties.hpp"

#include <string>

#include "core/layers/dense.hpp"
#include "core/layers/embedding.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
std::shared_ptr<EmbeddingLayer<T>> find_embedding(
    const std::vector<std::shared_ptr<Layer<T>>>& layers, bool row) {
  if (row) {
    auto front = std::dynamic_pointer_cast<EmbeddingLayer<T>>(layers.front());
    if (!front)
      throw InvalidArgument(
          "Dense: tied, it needs an Embedding as the first layer, whose weight it uses");
    return front;
  }
  std::shared_ptr<EmbeddingLayer<T>> found;
  for (const auto& layer : layers) {
    auto embedding = std::dynamic_pointer_cast<EmbeddingLayer<T>>(layer);
    if (!embedding) continue;
    if (found)
      throw InvalidArgument("Dense: tied, it needs one Embedding, whose weight it uses, got more");
    found = std::move(embedding);
  }
  if (!found)
    throw InvalidArgument("Dense: tied, it needs an Embedding, whose weight it uses, got none");
  return found;
}

}  // namespace

template <class T>
void tie_layers(const std::vector<std::shared_ptr<Layer<T>>>& layers, bool row) {
  std::shared_ptr<EmbeddingLayer<T>> embedding;
  std::vector<std::shared_ptr<DenseLayer<T>>> tied;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto dense = std::dynamic_pointer_cast<DenseLayer<T>>(layers[i]);
    if (!dense || !dense->tied()) continue;
    try {
      if (!embedding) embedding = find_embedding(layers, row);
      dense->check_tie(*embedding);
    } catch (const InvalidArgument& e) {
      throw InvalidArgument("layer " + std::to_string(i) + ": " + e.what());
    }
    tied.push_back(std::move(dense));
  }
  for (const auto& dense : tied) lstm_native::tie<T>(embedding, dense);  // not std::tie
}

template void tie_layers(const std::vector<std::shared_ptr<Layer<float>>>&, bool);
template void tie_layers(const std::vector<std::shared_ptr<Layer<double>>>&, bool);

}  // namespace lstm_native
