// Learned vectors for tokens.
#pragma once

#include <memory>
#include <vector>

#include "core/base/packed_cache.hpp"
#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

template <class T>
class DenseLayer;
template <class T>
class EmbeddingLayer;
template <class T>
void tie(const std::shared_ptr<EmbeddingLayer<T>>& embedding,
         const std::shared_ptr<DenseLayer<T>>& dense);

template <class T>
class EmbeddingLayer final : public SequenceLayer<T> {
 public:
  EmbeddingLayer(const EmbeddingSpec& spec, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return 0; }
  Index output_features() const override { return spec_.features; }
  Index vocabulary() const override { return spec_.vocabulary; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, spec_.features}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::vector<Parameter<T>*> parameters() override { return {&weight_}; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class EmbeddingTape;
  class EmbeddingStream;
  friend void tie<T>(const std::shared_ptr<EmbeddingLayer<T>>&,
                     const std::shared_ptr<DenseLayer<T>>&);
  void drop_packed() override;
  EmbeddingSpec spec_;
  Parameter<T> weight_;
  PackedCache<std::vector<T>> table_;               // the weights as streams share them
  std::vector<std::weak_ptr<DenseLayer<T>>> tied_;  // to be told when the weight changes
};

}  // namespace lstm_native
