// What to minimise and how, as plain data.
#pragma once

#include <utility>
#include <vector>

#include "lstm_native/losses.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// A loss of one of a network's outputs, and its part in the sum that is minimised.
struct OutputLoss {
  Index output = 0;
  LossSpec loss;
  double factor = 1.0;  // finite, not negative

  OutputLoss(Index which, LossSpec what, double times = 1.0)
      : output(which), loss(std::move(what)), factor(times) {}
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
  double momentum_decay = 4e-3;            // nadam: how fast its momentum climbs to beta1
  bool decoupled_weight_decay = false;     // nadam: as adamw has it
  double learning_rate_decay = 0.0;        // adagrad: the rate is divided by 1 + updates * this
  double initial_accumulator_value = 0.0;  // adagrad: of the sums of squares
};

/// What one loss of a step found.
struct LossPart {
  double loss = 0.0;    // weighted mean over the rows of the batch, without its factor
  double weight = 0.0;  // sum of the rows' weights (rows when unweighted)
};

/// What one training or evaluation step found.
struct StepResult {
  double loss = 0.0;            // the loss; of several the sum of factor x loss
  double weight = 0.0;          // sum of the rows' weights (rows when unweighted), of all losses
  double gradient_norm = 0.0;   // global norm before clipping; 0 for evaluation
  bool finite = true;           // false: no update; the last one may have been undone (Trainer)
  std::vector<LossPart> parts;  // one for each loss where there are several
  double penalty = 0.0;         // what layers add in training, in the loss (ActivityRegularization)
};

}  // namespace lstm_native
