// Activation functions by name.
#pragma once

namespace lstm_native {

enum class Activation { linear, relu, sigmoid, tanh, softmax };

}  // namespace lstm_native
