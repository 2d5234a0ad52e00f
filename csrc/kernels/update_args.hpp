// Arguments of an optimiser's update.
#pragma once

#include "kernels/conventions.hpp"

namespace lstm_native {

/// The numbers of one optimiser update (training.hpp), bias corrections folded in.
template <class T>
struct UpdateArgs {
  Index size = 0;
  T* weight = nullptr;
  const T* gradient = nullptr;
  T* first = nullptr;   // momentum or exp_avg
  T* second = nullptr;  // exp_avg_sq, square_avg or sum
  T* third = nullptr;   // max_exp_avg_sq
  T gradient_scale = 1;
  T learning_rate = 0;                         // step size
  T gradient_rate = 0;                         // nadam: of the gradient beside its mean
  T decay = 0;                                 // L2 term added to the gradient
  T shrink = 1;                                // decoupled decay: weight *= shrink
  T beta1 = 0;                                 // or momentum
  T beta2 = 0;                                 // or the decay of the squared gradient
  T one_minus_beta1 = 1, one_minus_beta2 = 1;  // rounded from the difference of doubles
  T second_scale = 1;                          // sqrt(second) / second_scale
  T epsilon = 0;
  bool nesterov = false;
};

}  // namespace lstm_native
