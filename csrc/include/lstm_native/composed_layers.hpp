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

}  // namespace lstm_native
