// How large a network may be.
#pragma once

#include <string>

#include "lstm_native/types.hpp"

namespace lstm_native {

constexpr Index kMaxWidth = Index{1} << 24;       // features, units, hidden units, window
constexpr Index kMaxVocabulary = Index{1} << 31;  // rows of an embedding
constexpr Index kMaxLayers = 1024;                // of a network, nested ones included
constexpr Index kMaxStackedLayers = 1024;         // num_layers of one LSTM
constexpr int kMaxLayerDepth = 4;                 // layers that hold layers that hold layers

/// As messages name the last.
inline std::string nesting_limit() {
  return "at most " + std::to_string(kMaxLayerDepth) + " layers inside one another";
}

}  // namespace lstm_native
