// A residual connection around other layers (He et al. 2016).
#pragma once

#include "core/network/container.hpp"

namespace lstm_native {

/// y = x + inner(x). The inner layers keep steps and features. Parameters: theirs alone.
template <class T>
class ResidualLayer final : public Container<T> {
 public:
  ResidualLayer(const ResidualSpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  OutputShape output_shape(Index timesteps) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  // The inner layers' output lies elsewhere.
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class ResidualTape;
  class ResidualStream;
  ResidualSpec spec_;
};

}  // namespace lstm_native
