// A fully connected layer on the last axis.
#pragma once

#include "core/layers/linear.hpp"
#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

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

}  // namespace lstm_native
