// One time step of a cell, of which the time loop and the stream make their own.
#pragma once

#include "core/recurrent/recurrent_weights.hpp"
#include "kernels/step_args.hpp"

namespace lstm_native {

/// What one step reads and writes; pointers are to unit 0 of its first row. P: padded hidden size,
/// PR: padded output size. Null where the cell's options do not need it.
template <class T>
struct CellStep {
  Index rows = 0;
  T* gates = nullptr;             // rows x columns: StepArgs::gates
  const T* x = nullptr;           // rows x inputs where the step makes W x: StepArgs::x
  const T* h_prev = nullptr;      // rows x PR
  const T* recur_prev = nullptr;  // rows x PR: what the product reads; h_prev unless masked
  const T* c_prev = nullptr;      // rows x P
  T* h = nullptr;                 // rows x PR
  T* c = nullptr;                 // rows x P
  T* y = nullptr;                 // rows x R
  bool last_first = false;
  T* recur = nullptr;           // rows x PR
  const T* mask = nullptr;      // rows x PR
  T* unprojected = nullptr;     // rows x P
  T* candidate = nullptr;       // rows x P
  const T* keep_h = nullptr;    // rows x PR, or one for all of them
  const T* keep_c = nullptr;    // rows x P, or one for all of them
  bool keep_per_row = false;    // whether keep_h and keep_c have rows
  T* norm_recurrent = nullptr;  // rows x columns
  T* norm_cell = nullptr;       // rows x P
  T* norm_scale = nullptr;      // rows x 3: of input, recurrent sums, cell
};

/// Takes steps for the hidden units [unit_begin, unit_end) of a cell, and the outputs
/// [output_begin, output_end) of its projection. Without projection and layer normalisation a step
/// is one call of a kernel, or two.
template <class T>
class CellForward {
 public:
  CellForward(const RecurrentWeights<T>& weights, Index unit_begin, Index unit_end,
              Index output_begin, Index output_end);

  /// Whether `take_many` can be called: each step is one call of a kernel that reads no options.
  bool can_take_many() const {
    return !general_ && weights_.plan.phase_count == 1 && !weights_.projection;
  }

  /// So many steps in one call of the kernel; the strides are those of StepArgs.
  void take_many(const CellStep<T>& first, Index steps) {
    set(phases_[0], first);
    phases_[0].steps = steps;
    weights_.phases[0].cell->step(phases_[0]);
    phases_[0].steps = 1;
  }

  /// The step after the one before, in the same memory: x, h, y and their turn are new.
  void take_next(const CellStep<T>& step) {
    StepArgs<T>& a = phases_[0];
    a.x = step.x;
    a.h_prev = a.h_old = step.h_prev;
    a.h = step.h;
    a.y = step.y;
    a.last_first = step.last_first;
    weights_.phases[0].cell->step(a);
  }

  /// What is the same at every step.
  void prepare(bool remember, Index y_stride) {
    for (StepArgs<T>& a : phases_) {
      a.remember = remember;
      a.y_stride = y_stride;
    }
  }
  /// The step makes b + W x by itself.
  void project_in_step(Index x_stride) {
    phases_[0].inputs = weights_.inputs;
    phases_[0].x_stride = x_stride;
    phases_[0].input = weights_.input_of_steps;
    phases_[0].bias = weights_.bias;
  }
  StepArgs<T>& args() { return phases_[0]; }  // `ahead`

  /// meet(): waits until all parts of these rows have come as far.
  template <class Meet>
  void take(const CellStep<T>& step, const Meet& meet) {
    set(phases_[0], step);
    if (weights_.plan.layer_norm) {
      normalised(step);
    } else {
      weights_.phases[0].cell->step(phases_[0]);
      if (weights_.plan.phase_count > 1) {
        meet();
        set(phases_[1], step);
        phases_[1].x = nullptr;
        phases_[1].h_prev = step.c;
        phases_[1].h_stride = weights_.padded();
        weights_.phases[1].cell->step(phases_[1]);
      }
    }
    if (!weights_.projection) return;
    meet();
    project(step);
  }

 private:
  void set(StepArgs<T>& a, const CellStep<T>& step) const {
    a.rows = step.rows;
    a.gates = step.gates;
    a.x = step.x;
    a.h_prev = step.recur_prev;
    a.h_old = step.h_prev;
    a.c_prev = step.c_prev;
    a.c = step.c;
    a.h = weights_.projection ? step.unprojected : step.h;
    a.y = weights_.projection ? nullptr : step.y;
    a.last_first = step.last_first;
    if (!general_) return;
    a.candidate = step.candidate;
    a.keep_c = step.keep_c;
    a.keep_stride = step.keep_per_row ? weights_.padded() : 0;
    if (weights_.projection) return;
    a.keep_h = step.keep_h;
    a.mask = step.mask;
    a.recur = step.recur;
  }
  void normalised(const CellStep<T>& step);
  void project(const CellStep<T>& step) const;

  const RecurrentWeights<T>& weights_;
  Index output_begin_, output_end_;
  bool general_;  // options are read
  StepArgs<T> phases_[2];
};

}  // namespace lstm_native
