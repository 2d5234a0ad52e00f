#include "core/layers/step_windows.hpp"

#include <string>

#include "lstm_native/error.hpp"

namespace lstm_native {

Index StepWindows::checked_count(const char* layer, Index timesteps) const {
  if (timesteps < 1)
    throw InvalidArgument(std::string(layer) + ": expected an input with a time axis, got none");
  if (count(timesteps) < 1)
    throw InvalidArgument(std::string(layer) + ": expected at least " + std::to_string(span()) +
                          " timesteps (its window; padding is \"valid\"), got " +
                          std::to_string(timesteps));
  return count(timesteps);
}

const Index* StepWindows::counts(Index samples, const Index* lengths, Workspace& workspace) const {
  if (!lengths) return nullptr;
  Index* found = workspace.take<Index>(samples);
  for (Index i = 0; i < samples; ++i) found[i] = count(lengths[i]);
  return found;
}

void StepWindows::check_streams(const char* layer) const {
  if (stride == 1 && (padding == Padding::causal || span() == 1)) return;
  throw InvalidArgument(
      std::string(layer) +
      (stride == 1
           ? ": cannot be streamed: its output depends on steps to come; padding=\"causal\" "
             "looks at none"
           : ": cannot be streamed with a stride of " + std::to_string(stride) +
                 ": it gives fewer steps than it takes"));
}

}  // namespace lstm_native
