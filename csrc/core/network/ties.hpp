// Dense layers that compute with the weight of an Embedding (Press & Wolf 2017).
#pragma once

#include <memory>
#include <vector>

#include "core/layers/layer.hpp"

namespace lstm_native {

/// Ties what asks to be tied (DenseSpec::tied): in a row to the Embedding at its front, else to the
/// one Embedding among the layers. Throws InvalidArgument when there is none or it does not fit.
template <class T>
void tie_layers(const std::vector<std::shared_ptr<Layer<T>>>& layers, bool row);

}  // namespace lstm_native
