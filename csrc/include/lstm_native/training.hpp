// What to minimise and how, as plain data.
#pragma once

#include <cstdint>
#include <optional>

#include "lstm_native/types.hpp"

namespace lstm_native {

/// The loss of a batch is the weighted mean over its rows (a row: one sample, or one step of one
/// sample when the output has a time axis).
enum class LossKind { mse, mae, huber, binary_crossentropy, categorical_crossentropy };

/// How a cross-entropy reads what the network answers. `automatic`: as probabilities where the
/// network ends with the sigmoid (binary) or softmax (categorical) of a Dense or an Activation,
/// else as logits. Either way the loss is computed from what stands before that function, so that
/// a network learns alike with it and without it. A Trainer refuses what contradicts its network.
enum class OutputReading { automatic, logits, probabilities };

struct LossSpec {
  LossKind kind = LossKind::mse;
  double delta = 1.0;  // huber only: where the square turns into a line
  // The rest is for cross-entropies only.
  OutputReading outputs = OutputReading::automatic;
  // In [0, 1): targets y become y (1 - s) + s / K, K the number of classes; binary: + s / 2
  // (Szegedy et al. 2016, "Rethinking the Inception architecture").
  double label_smoothing = 0.0;
  // Categorical: rows of this label have no loss and no gradient, and do not count in the mean.
  std::optional<std::int64_t> ignore_index = std::nullopt;
};

enum class OptimizerKind { sgd, adam, adamw, rmsprop, nadam, adagrad };

/// Update rules as torch.optim defines them. Each kind reads the settings that name it.
struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double momentum = 0.0;      // sgd, rmsprop
  bool nesterov = false;      // sgd
  double beta1 = 0.9;         // adam, adamw, nadam
  double beta2 = 0.999;       // adam, adamw, nadam
  double rho = 0.99;          // rmsprop: decay of the squared gradient
  double epsilon = 1e-8;      // all but sgd; 1e-10 is usual for adagrad
  double weight_decay = 0.0;  // adamw: decoupled (Loshchilov & Hutter 2019); others: L2
  double clip_norm = 0.0;     // 0: off. Global norm over all parameters (Pascanu et al. 2013)
  double clip_value = 0.0;    // 0: off. Each gradient element into [-clip_value, clip_value]
  bool amsgrad = false;       // adam, adamw: the largest second moment so far (Reddi et al. 2018)
  double momentum_decay = 4e-3;  // nadam: how fast its momentum climbs to beta1
  bool decoupled_weight_decay = false;  // nadam: as adamw has it
  double learning_rate_decay = 0.0;     // adagrad: the rate is divided by 1 + updates * this
  double initial_accumulator_value = 0.0;  // adagrad: of the sums of squares
};

/// What a network should have answered.
///   values   rows x output features; for cross-entropies from 0 to 1, and each row a
///            distribution (soft or one-hot labels, sum 1) for the categorical one
///   labels   rows class indices, for categorical cross-entropy instead of values
///   weights  rows, non-negative, or null for all ones; 0 masks a row out
/// rows is samples, or samples x timesteps when the network's output has a time axis.
template <class T>
struct Targets {
  const T* values = nullptr;
  const std::int64_t* labels = nullptr;
  const T* weights = nullptr;
};

/// What one training or evaluation step found.
struct StepResult {
  double loss = 0.0;           // weighted mean over the rows of the batch
  double weight = 0.0;         // sum of the rows' weights (rows when unweighted)
  double gradient_norm = 0.0;  // global norm before clipping; 0 for evaluation
  bool finite = true;          // false: no update; the last one may have been undone (Trainer)
};

}  // namespace lstm_native
