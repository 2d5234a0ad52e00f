// The list of losses: one line for each, and each in a file of its own.
//
// A loss that LossSpec knows and that stands here not does not compile (losses/loss.cpp).
#pragma once

#include "core/training/losses/loss.hpp"

namespace lstm_native {

template <class T>
using LossPointer = std::unique_ptr<Loss<T>>;

// clang-format off
template <class T> LossPointer<T> new_loss(const MSELoss& spec);
template <class T> LossPointer<T> new_loss(const MAELoss& spec);
template <class T> LossPointer<T> new_loss(const HuberLoss& spec);
template <class T> LossPointer<T> new_loss(const BinaryCrossentropyLoss& spec);
template <class T> LossPointer<T> new_loss(const CategoricalCrossentropyLoss& spec);
// clang-format on

}  // namespace lstm_native
