// A recurrent layer, one step at a time.
#pragma once

#include "core/layers/layer_stream.hpp"
#include "core/recurrent/recurrent_weights.hpp"

namespace lstm_native {

/// `weights`: of each stacked layer, from the bottom up. residual: all but the first add their
/// input to their output.
template <class T>
std::unique_ptr<LayerStream<T>> make_recurrent_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights, Index rows, bool residual);

}  // namespace lstm_native
