// Where a network ends for a loss: what a cross-entropy takes its outputs for.
#pragma once

#include "core/network/chain.hpp"
#include "lstm_native/losses.hpp"

namespace lstm_native {

/// The activation a network ends with, seen through layers that hand values on.
struct NetworkEnd {
  Activation activation = Activation::linear;
  std::size_t layer = kNoLayer;  // a Dense or Activation; kNoLayer: the network ends otherwise
};

template <class T>
NetworkEnd network_end(const Chain<T>& chain);

/// The activation that the loss takes into its own account: a sigmoid or softmax whose outputs it
/// reads as probabilities. Without layer: it reads the outputs as they are.
///
/// Throws InvalidArgument, saying what to write instead, when the loss contradicts the network.
template <class T>
NetworkEnd loss_end(const LossSpec& loss, const Chain<T>& chain);

}  // namespace lstm_native
