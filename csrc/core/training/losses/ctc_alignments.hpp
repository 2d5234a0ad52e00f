// The sum over all alignments of a sequence of labels with the steps of an output: what
// connectionist temporal classification needs (Graves et al. 2006).
#pragma once

#include "lstm_native/types.hpp"

namespace lstm_native {

/// One sequence, and its probabilities. The states of an alignment are, in order, a blank before
/// the first label, the first label, a blank behind it, ... and a blank behind the last one.
struct CtcSequence {
  Index steps = 0;
  Index labels = 0;
  const std::int64_t* label = nullptr;  // labels values
  /// steps x (1 + labels): the probability of the blank, then that of each label of the sequence.
  const double* probabilities = nullptr;
  /// The same as logarithms.
  const double* log_probabilities = nullptr;
};

/// Values of a row of states: blanks, then labels with a zero before them.
inline Index ctc_states(Index labels) { return 2 * (labels + 1); }

/// Steps that the labels need: one each, and a blank between two that are the same.
Index ctc_least_steps(Index labels, const std::int64_t* label);

/// Minus the logarithm of the probability of the labels, from products of the probabilities, each
/// step scaled by the sum of its states (Rabiner 1989). NaN where numbers may have become too small
/// to be trusted: the logarithms are needed then.
///
/// occupied  steps x (1 + labels), to be written: the probability that a step belongs to a blank,
/// to
///           each label, given the labels. May be null
/// memory    (steps + 3) x ctc_states(labels) + steps values
double ctc_by_products(const CtcSequence& sequence, double* occupied, double* memory);

/// The same from the logarithms, whatever the numbers; infinity where no alignment is possible
/// (`occupied` is 0 then).
double ctc_by_logarithms(const CtcSequence& sequence, double* occupied, double* memory);

}  // namespace lstm_native
