// How long the sequences are that a graph answers with.
#pragma once

#include <vector>

#include "core/network/graph.hpp"

namespace lstm_native {

/// The lengths of each output of the graph, empty where all its steps are true, as far as they can
/// be told without running it: a layer that finds ends in the values (Masking) is taken to find
/// none. x: one batch for each input, of which sizes and lengths alone are looked at.
/// Throws InvalidArgument for numbers of steps that a layer cannot take.
template <class T>
std::vector<std::vector<Index>> output_lengths(const Graph<T>& graph, const Batch<T>* x);

}  // namespace lstm_native
