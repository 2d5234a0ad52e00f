// A network as Python holds it.
#pragma once

#include "lstm_native/network.hpp"

namespace lstm_native::python {

template <class T>
struct NetworkHandle {
  Network<T> network;
};

}  // namespace lstm_native::python
