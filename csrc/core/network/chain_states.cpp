#include "core/network/chain_states.hpp"

#include <string>

#include "lstm_native/error.hpp"

namespace lstm_native {

template <class T>
void ChainStates<T>::check(Index samples) const {
  if (samples_ && samples_ != samples)
    throw InvalidArgument("states: expected a batch of " + std::to_string(samples_) +
                          " sequences, as many as the pass before had, got " +
                          std::to_string(samples) + "; reset the states to change that");
}

template class ChainStates<float>;
template class ChainStates<double>;

}  // namespace lstm_native
