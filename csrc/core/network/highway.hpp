// A linear highway beside other layers (the autoregressive component of Lai et al. 2018).
#pragma once

#include "core/layers/linear.hpp"
#include "core/network/container.hpp"

namespace lstm_native {

/// y = inner(x) + W vec(last `window` steps of x) + b. Parameters: weight (out, window * F) over
/// the steps oldest first, bias (out), then those of the inner layers.
template <class T>
class HighwayLayer final : public Container<T> {
 public:
  HighwayLayer(const HighwaySpec& spec, Index inputs, WeightSeed seed);

  LayerSpec spec() const override { return {spec_}; }
  OutputShape output_shape(Index timesteps) const override;
  std::unique_ptr<SequenceTape<T>> forward(const Batch<T>& x, T* y, const States<T>& states,
                                           const Pass& pass) const override;
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

 private:
  class HighwayTape;
  std::vector<Parameter<T>*> own_parameters() override { return linear_.parameters(); }
  void drop_packed() override {
    Container<T>::drop_packed();
    linear_.parameters_changed();
  }
  /// The last `window` steps of each sample as one row.
  template <class V>
  Rows<V> windows(V* x, Index timesteps) const {
    const Index features = this->input_features();
    return {x ? x + (timesteps - spec_.window) * features : nullptr, timesteps * features};
  }

  HighwaySpec spec_;
  Linear<T> linear_;
};

}  // namespace lstm_native
