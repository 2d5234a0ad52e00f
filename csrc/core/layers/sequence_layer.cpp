#include "core/layers/sequence_layer.hpp"

namespace lstm_native {

template <class T>
void SequenceTape<T>::backward(const T* const* dy, T* const* dx, T* const* gradients,
                               Workspace& workspace) {
  StateGradients<T> states;
  for (Index i = 0; i < states_; ++i) {
    states.final[i] = dy[1 + i];
    states.initial[i] = dx[1 + i];
  }
  backward(dy[0], dx[0], states, gradients, workspace);
}

template void SequenceTape<float>::backward(const float* const*, float* const*, float* const*,
                                            Workspace&);
template void SequenceTape<double>::backward(const double* const*, double* const*, double* const*,
                                             Workspace&);

}  // namespace lstm_native
