// The stream of a layer that takes each value, or each row, for itself.
#pragma once

#include <algorithm>
#include <memory>

#include "core/layers/layer_stream.hpp"
#include "core/numeric/activations.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {

/// Values as they come, through an activation.
template <class T>
class PointwiseStream final : public SequenceStream<T> {
 public:
  PointwiseStream(Activation kind, Index features)
      : kernels_(kernels<T>()), kind_(kind), features_(features) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    std::copy_n(x.values, x.samples * features_, y);
    activate_rows(kernels_, kind_, x.samples, features_, y);
  }

 private:
  const KernelTable<T>& kernels_;
  Activation kind_;
  Index features_;
};

/// The stream of a layer that hands values on as they are.
template <class T>
std::unique_ptr<LayerStream<T>> pass_through_stream(Index features) {
  return std::make_unique<PointwiseStream<T>>(Activation::linear, features);
}

}  // namespace lstm_native
