// A layer that takes each step for itself, over sequences of different lengths.
#pragma once

#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

/// The layer's pass over the true steps of x, which has lengths, as plain rows; zeros behind the
/// end of each sequence, in y and in the gradient of x.
template <class T>
std::unique_ptr<SequenceTape<T>> forward_by_rows(const SequenceLayer<T>& layer, const Batch<T>& x,
                                                 T* y, const Pass& pass);

}  // namespace lstm_native
