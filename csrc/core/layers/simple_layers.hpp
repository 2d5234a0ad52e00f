// Layers without recurrence: Dense, Embedding, Dropout, LayerNorm, Activation.
#pragma once

#include "core/layers/linear.hpp"
#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// The stream of a layer that hands values on as they are.
template <class T>
std::unique_ptr<LayerStream<T>> pass_through_stream(Index features);

template <class T>
class DenseLayer;
template <class T>
class EmbeddingLayer;

/// From now on the Dense computes with the Embedding's weight (see DenseSpec::tied). It must have
/// passed check_tie.
template <class T>
void tie(const std::shared_ptr<EmbeddingLayer<T>>& embedding,
         const std::shared_ptr<DenseLayer<T>>& dense);

template <class T>
class DenseLayer final : public SequenceLayer<T> {
 public:
  DenseLayer(const DenseSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return linear_.inputs(); }
  Index output_features() const override { return spec_.units; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::vector<Parameter<T>*> parameters() override { return linear_.parameters(); }
  std::size_t borrowed_parameters() const override { return spec_.tied && linear_.weight(); }
  bool tied() const { return spec_.tied; }
  /// Throws InvalidArgument unless this layer, which is tied, can take the Embedding's weight.
  void check_tie(const EmbeddingLayer<T>& embedding) const;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class DenseTape;
  class DenseStream;
  friend void tie<T>(const std::shared_ptr<EmbeddingLayer<T>>&,
                     const std::shared_ptr<DenseLayer<T>>&);
  void drop_packed() override { linear_.parameters_changed(); }
  DenseSpec spec_;
  Linear<T> linear_;
  std::shared_ptr<EmbeddingLayer<T>> embedding_;  // whose weight a tied layer uses
};

template <class T>
class EmbeddingLayer final : public SequenceLayer<T> {
 public:
  EmbeddingLayer(const EmbeddingSpec& spec, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  bool takes_tokens() const override { return true; }
  Index input_features() const override { return 0; }
  Index output_features() const override { return spec_.features; }
  Index vocabulary() const { return spec_.vocabulary; }
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

/// Inverted dropout: values that stay are scaled by 1 / (1 - rate).
template <class T>
class DropoutLayer final : public SequenceLayer<T> {
 public:
  DropoutLayer(const DropoutSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class DropoutTape;
  DropoutSpec spec_;
  Index features_;
};

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis.
template <class T>
class LayerNormLayer final : public SequenceLayer<T> {
 public:
  LayerNormLayer(const LayerNormSpec& spec, Index features);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::vector<Parameter<T>*> parameters() override { return {&weight_, &bias_}; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class LayerNormTape;
  class LayerNormStream;
  LayerNormSpec spec_;
  Index features_;
  Parameter<T> weight_, bias_;
};

template <class T>
class ActivationLayer final : public SequenceLayer<T> {
 public:
  ActivationLayer(const ActivationSpec& spec, Index features) : spec_(spec), features_(features) {}

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return features_; }
  Index output_features() const override { return features_; }
  OutputShape output_shape(Index timesteps) const override { return {timesteps, features_}; }
  LengthsUse lengths_use() const override { return LengthsUse::by_rows; }
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ActivationTape;
  ActivationSpec spec_;
  Index features_;
};

}  // namespace lstm_native
