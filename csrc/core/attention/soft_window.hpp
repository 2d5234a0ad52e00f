// The soft window of Graves (2013), section 5.1: Gaussians that move over the positions of a
// memory.
#pragma once

#include "kernels/kernel_table.hpp"

namespace lstm_native {

/// For each of K Gaussians what the network says, exponentials taken: height a, sharpness b and how
/// far it moves, stacked: 3 K values.
template <class T>
struct SoftWindow {
  const KernelTable<T>* kernels;
  Index components;  // K

  /// said: 3 K sums in, a, b and moves out. kappa: in of the step before, out of this one.
  /// weights[u - 1] = sum over k of a exp(-b (kappa - u)^2) for u = 1 .. length.
  /// scratch: `length` values.
  void place(Index length, T* said, T* kappa, T* weights, T* scratch) const;

  /// said and kappa as `place` left them. d_said receives the gradients of the sums; d_kappa: in
  /// that of this step's kappa, out that of the one before.
  void back(Index length, const T* said, const T* kappa, const T* d_weights, T* d_said, T* d_kappa,
            T* scratch) const;

 private:
  /// exp(-b (kappa - u)^2) for all positions.
  void bell(Index length, T b, T kappa, T* out) const;
};

}  // namespace lstm_native
