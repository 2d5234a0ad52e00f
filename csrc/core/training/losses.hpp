// Losses, cross-entropies from logits, and their gradients.
#pragma once

#include "core/base/workspace.hpp"
#include "lstm_native/training.hpp"

namespace lstm_native {

inline bool takes_labels(LossKind kind) { return kind == LossKind::categorical_crossentropy; }

struct LossValue {
  double loss = 0;    // weighted mean over the rows
  double weight = 0;  // sum of weights
};

/// output: rows x features. gradient (rows x features, of the mean) may be null; for mean_weight
/// see StepOptions.
///
/// Loss of a row, o the output and y the target, mean over its features:
///   mse  (o - y)^2        mae  |o - y|
///   huber  (o - y)^2 / 2 within delta, else delta (|o - y| - delta / 2)   (Huber 1964)
///   binary_crossentropy  max(o, 0) - o y + log(1 + exp(-|o|))
///   categorical_crossentropy  log(sum(exp(o))) sum(y) - sum(o y), y soft or the label's row
/// With label smoothing s, y is (1 - s) y + s / 2 (binary) or (1 - s) y + s / features.
template <class T>
LossValue compute_loss(const LossSpec& spec, Index rows, Index features, const T* output,
                       const Targets<T>& targets, double mean_weight, T* gradient,
                       Workspace& workspace);

/// The weights of rows with 0 where the label is the one that the loss ignores.
template <class T>
const T* weights_without_ignored(const LossSpec& spec, Index rows, const Targets<T>& targets,
                                 Workspace& workspace);

/// Throws InvalidArgument when targets are of the wrong kind, a label is out of range, a target of
/// a cross-entropy is not from 0 to 1, a row of soft labels does not sum to 1 (rows of weight 0 may
/// hold anything), or a weight is negative or not finite.
template <class T>
void check_targets(const LossSpec& spec, Index rows, Index features, const Targets<T>& targets);

}  // namespace lstm_native
