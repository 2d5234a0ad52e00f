// Windows of steps that are laid over a sequence: what Conv1D and pooling look at.
#pragma once

#include <algorithm>

#include "core/base/workspace.hpp"
#include "lstm_native/step_layers.hpp"

namespace lstm_native {

/// `size` steps, `dilation` apart; the next window begins `stride` steps later. Counts are those of
/// a sequence's true length, so that what pads it in a batch moves nothing.
struct StepWindows {
  Index size, stride, dilation;
  Padding padding;

  Index span() const { return (size - 1) * dilation + 1; }

  /// How many windows a sequence of so many steps has.
  Index count(Index steps) const {
    if (padding != Padding::valid) return (steps + stride - 1) / stride;
    return steps >= span() ? (steps - span()) / stride + 1 : 0;
  }

  /// How many steps before the sequence the first window begins.
  Index before(Index steps) const {
    if (padding == Padding::valid) return 0;
    if (padding == Padding::causal) return span() - 1;
    return std::max<Index>((count(steps) - 1) * stride + span() - steps, 0) / 2;
  }

  /// As `count` for the steps of a batch. Throws InvalidArgument unless there is a window.
  Index checked_count(const char* layer, Index timesteps) const;

  /// The counts of all sequences; null where all have all steps.
  const Index* counts(Index samples, const Index* lengths, Workspace& workspace) const;

  /// Throws InvalidArgument unless each step has a window, which looks at no later step.
  void check_streams(const char* layer) const;
};

}  // namespace lstm_native
