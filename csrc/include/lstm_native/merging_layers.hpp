// Layers that make one of several inputs, as plain data.
//
// Inputs are (N, T, F) or (N, F). One without time axis is repeated at each step of the others;
// those with one have the same steps and lengths.
#pragma once

namespace lstm_native {

/// Features one behind the other.
struct ConcatSpec {};

/// Sum, product or mean of inputs with as many features.
struct AddSpec {};
struct MultiplySpec {};
struct AverageSpec {};

/// Inner product of two inputs over their features, which leaves one: (N, T, 1) or (N, 1).
struct DotSpec {
  bool normalise = false;  // of vectors of length 1: the cosine of their angle
};

}  // namespace lstm_native
