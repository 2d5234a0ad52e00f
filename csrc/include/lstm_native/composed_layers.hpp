// Layers that are made of layers, as plain data.
#pragma once

#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

struct LayerSpec;

/// A linear highway beside other layers (the autoregressive component of Lai et al. 2018):
/// layers(x) + W vec(last `window` steps of x) + b. The inner layers must end without time axis.
struct HighwaySpec {
  Index window = 0;
  std::vector<LayerSpec> layers;
};

/// x + layers(x): a residual connection (He et al. 2016). The inner layers keep steps and features.
struct ResidualSpec {
  std::vector<LayerSpec> layers;
};

/// What the outputs of two directions become: features one behind the other, or their sum, product
/// or mean.
enum class Merging { concat, sum, mul, ave };

/// Two layers over a sequence, the second one from its end to its start (Schuster & Paliwal 1997).
/// Inside they begin each pass with zeros.
struct BidirectionalSpec {
  std::vector<LayerSpec> layers;  // two: forwards and backwards
  Merging merge = Merging::concat;
};

}  // namespace lstm_native
