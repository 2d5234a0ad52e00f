// Losses from logits, and their gradients.
#pragma once

#include "core/workspace.hpp"
#include "lstm_native/training.hpp"

namespace lstm_native {

inline bool takes_labels(LossKind kind) { return kind == LossKind::categorical_crossentropy; }

struct LossValue {
  double loss = 0;    // weighted mean over the rows
  double weight = 0;  // sum of weights
};

/// output: rows x features. gradient (rows x features, of the mean) may be null.
///
/// Loss of a row, o the output and y the target, mean over its features:
///   mse  (o - y)^2        mae  |o - y|
///   huber  (o - y)^2 / 2 within delta, else delta (|o - y| - delta / 2)   (Huber 1964)
///   binary_crossentropy  max(o, 0) - o y + log(1 + exp(-|o|))
///   categorical_crossentropy  log(sum(exp(o))) - o[label]
template <class T>
LossValue compute_loss(const LossSpec& spec, Index rows, Index features, const T* output,
                       const Targets<T>& targets, T* gradient, Workspace& workspace);

/// Throws InvalidArgument when targets are of the wrong kind, a label is out of range (rows of
/// weight 0 may hold any label), or a weight is negative or not finite.
template <class T>
void check_targets(const LossSpec& spec, Index rows, Index features, const Targets<T>& targets);

}  // namespace lstm_native
