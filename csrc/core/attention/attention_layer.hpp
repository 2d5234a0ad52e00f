// Queries that look at a memory that is there as a whole (AttentionSpec).
#pragma once

#include "core/attention/attention_weights.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/specs/layer_kind.hpp"

namespace lstm_native {

template <class T>
class AttentionLayer final : public Layer<T> {
 public:
  AttentionLayer(const AttentionSpec& spec, const InputFeatures& features, WeightSeed seed);

  LayerSpec spec() const override { return spec_; }
  std::vector<Port> inputs() const override { return {{"query", queries_}, {"memory", memory_}}; }
  std::vector<Port> outputs() const override {
    return {{"y", output_features()}, {"weights", kAnyFeatures}};
  }
  OutputShape output_shape(std::size_t port, const OutputShape* in) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::vector<Parameter<T>*> parameters() override { return weights_.parameters(); }
  std::unique_ptr<Tape<T>> forward(const Batch<T>* in, T* const* out,
                                   const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

  const AttentionWeights<T>& weights() const { return weights_; }
  bool causal() const { return spec_.causal; }
  Index query_features() const { return queries_; }
  Index output_features() const { return weights_.heads() * weights_.value_size(); }

 private:
  void drop_packed() override { weights_.parameters_changed(); }

  AttentionSpec spec_;
  Index queries_, memory_;  // features
  AttentionWeights<T> weights_;
};

/// weights (padded rows x timesteps of the memory) of one row of looks: the mean over heads, zeros
/// behind the length. heads: `count` rows, `stride` apart.
template <class T>
void mean_over_heads(Index count, Index length, const T* heads, Index stride, Index timesteps,
                     T* weights);

/// The layer one step at a time, with the memory held.
template <class T>
std::unique_ptr<LayerStream<T>> make_attention_stream(const AttentionLayer<T>& layer, Index rows);

}  // namespace lstm_native
