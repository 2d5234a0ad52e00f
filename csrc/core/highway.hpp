// A linear highway beside other layers (the autoregressive component of Lai et al. 2018).
#pragma once

#include "core/chain.hpp"
#include "core/linear.hpp"

namespace lstm_native {

/// y = inner(x) + W vec(last `window` steps of x) + b. Parameters: weight (out, window * F) over
/// the steps oldest first, bias (out), then those of the inner layers as "layers.0.<name>".
template <class T>
class HighwayLayer final : public Layer<T> {
 public:
  HighwayLayer(const HighwaySpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  Index input_features() const override { return inputs_; }
  Index output_features() const override { return linear_.outputs(); }
  OutputShape output_shape(Index timesteps) const override;
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<Tape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                   const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class HighwayTape;
  void drop_packed() override;
  /// The last `window` steps of each sample as one row.
  template <class V>
  Rows<V> windows(V* x, Index timesteps) const {
    return {x ? x + (timesteps - spec_.window) * inputs_ : nullptr, timesteps * inputs_};
  }

  HighwaySpec spec_;
  Index inputs_;
  Chain<T> inner_;
  Linear<T> linear_;
};

}  // namespace lstm_native
