// Activation functions of layers.
#pragma once

namespace lstm_native {

enum class Activation { linear, relu, sigmoid, tanh, softmax };

}  // namespace lstm_native
