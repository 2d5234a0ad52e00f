// Which instruction sets are compiled in, which this processor has, and which one is in use.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernel_table.hpp"

namespace lstm_native {

struct InstructionSet {
  const char* name;
  bool (*supported)();
  const KernelSet* kernels;
  // With registers half as wide, and the same bits; or null. Every processor has it that has this.
  const KernelSet* narrower;
};

/// All sets compiled in, fastest first.
const std::vector<InstructionSet>& compiled_sets();

/// Names of the compiled sets that this processor can run, fastest first.
std::vector<std::string> available_sets();

/// The set in use. The first call chooses: LSTM_NATIVE_ISA, else the fastest available.
/// Throws InvalidArgument when LSTM_NATIVE_ISA names no available set.
const InstructionSet& active_set();

/// Throws InvalidArgument that lists the available names. "auto" takes the fastest.
void use_set(const std::string& name);

template <class T>
const KernelTable<T>& kernels();

/// For so few values side by side that they may leave half of each register empty: then the
/// kernels of the narrower set do the same in less time.
template <class T>
const KernelTable<T>& kernels_for(Index width);

}  // namespace lstm_native
