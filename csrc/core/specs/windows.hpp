// Which layers can run window of time after window of time, their states carried.
#pragma once

#include <string>

#include "lstm_native/layers.hpp"

namespace lstm_native {

/// Why the windows of a sequence, one after another, would not give what the whole gives; empty
/// when they do.
std::string why_not_in_windows(const LayerSpec& layer);

}  // namespace lstm_native
