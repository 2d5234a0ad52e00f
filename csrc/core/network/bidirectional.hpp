// Two layers over a sequence, one from each end.
#pragma once

#include "core/network/container.hpp"

namespace lstm_native {

/// The first layer runs over the sequence as it is, the second over its true steps in the opposite
/// order; what that gives at each step is turned back, and both are merged (Schuster & Paliwal
/// 1997). Inside it is a graph of Reverse and a merging layer beside the two.
template <class T>
class BidirectionalLayer final : public Container<T> {
 public:
  BidirectionalLayer(const BidirectionalSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  OutputShape output_shape(Index timesteps) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  const Index* output_lengths(std::size_t port, const Batch<T>* in,
                              Workspace& workspace) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class BidirectionalTape;
  BidirectionalSpec spec_;
};

}  // namespace lstm_native
