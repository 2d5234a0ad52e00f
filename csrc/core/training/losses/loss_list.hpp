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
template <class T> LossPointer<T> new_loss(const BinaryFocalLoss& spec);
template <class T> LossPointer<T> new_loss(const CategoricalFocalLoss& spec);
template <class T> LossPointer<T> new_loss(const CosineLoss& spec);
template <class T> LossPointer<T> new_loss(const QuantileLoss& spec);
template <class T> LossPointer<T> new_loss(const PoissonLoss& spec);
template <class T> LossPointer<T> new_loss(const NegativeBinomialLoss& spec);
template <class T> LossPointer<T> new_loss(const GaussianLoss& spec);
template <class T> LossPointer<T> new_loss(const StudentTLoss& spec);
template <class T> LossPointer<T> new_loss(const GaussianMixture2DLoss& spec);
template <class T> LossPointer<T> new_loss(const UnitGaussianKLLoss& spec);
template <class T> LossPointer<T> new_loss(const CTCLoss& spec);
template <class T> LossPointer<T> new_loss(const FunctionLoss& spec);
// clang-format on

}  // namespace lstm_native
