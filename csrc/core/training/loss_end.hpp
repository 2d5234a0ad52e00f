// Where a network ends for a loss: what a cross-entropy takes its outputs for.
#pragma once

#include "core/network/network_end.hpp"
#include "lstm_native/losses.hpp"

namespace lstm_native {

/// The activation that the loss takes into its own account: a sigmoid or softmax whose outputs it
/// reads as probabilities. Without node: it reads the outputs as they are.
///
/// Throws InvalidArgument, saying what to write instead, when the loss contradicts the network.
template <class T>
NetworkEnd loss_end(const LossSpec& loss, const Graph<T>& graph, std::size_t output = 0);

}  // namespace lstm_native
