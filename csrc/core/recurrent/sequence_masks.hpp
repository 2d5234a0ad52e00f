// Random masks of a training pass. Each is a function of (seed of the sequence, place in it), so
// that it is drawn again on the way back instead of stored, and does not depend on the batch.
#pragma once

#include "core/base/random.hpp"
#include "core/recurrent/time_loop.hpp"

namespace lstm_native {

/// One mask for a whole sequence (Gal & Ghahramani 2016), scaled by 1 / (1 - rate).
template <class T>
void draw_dropout(double rate, std::uint64_t seed, Index count, T* mask) {
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  for (Index i = 0; i < count; ++i)
    mask[i] = uniform(seed, static_cast<std::uint64_t>(i)) < rate ? T(0) : scale;
}

/// Fills the zoneout masks of step t where the loop draws them: 1 keeps the old value.
template <class T>
void draw_zoneout(const TimeLoop<T>& loop, Index t, Range rows, Range units, Range outputs) {
  const LoopExtras<T>& extras = loop.extras;
  if (!extras.random) return;
  const CellPlan& plan = loop.weights->plan;
  const auto draw = [&](double rate, std::uint64_t kind, Range columns, Index width, Index stride,
                        T* mask) {
    for (Index n = rows.begin; n < rows.end; ++n) {
      const std::uint64_t seed = derive_seed(extras.sample_seeds[n], kind);
      const Index at = (loop.first_step + t) * width;
      for (Index j = columns.begin; j < columns.end; ++j)
        mask[n * stride + j] =
            uniform(seed, static_cast<std::uint64_t>(at + j)) < rate ? T(1) : T(0);
    }
  };
  if (extras.keep_h)
    draw(plan.zoneout_h, 0, outputs, loop.weights->outputs(), loop.weights->padded_outputs(),
         extras.keep_h);
  if (extras.keep_c)
    draw(plan.zoneout_c, 1, units, plan.hidden_size, loop.weights->padded(), extras.keep_c);
}

}  // namespace lstm_native
