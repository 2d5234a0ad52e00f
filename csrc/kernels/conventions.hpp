// What all kernels have in common.
//
// Conventions shared by every kernel:
//   lanes      values per SIMD register of this set and dtype
//   padded(n)  n rounded up to a multiple of lanes; padding lanes hold zeros
//   P          hidden_size rounded up to gate blocks, the same for every instruction set
//   gate order columns of gates come in blocks of kGateBlock hidden units, each block with its
//              gates side by side: (block, gate, unit). Sums over gates so run in the same order
//              on every set.
//   stride     distance between two rows, in values
//   rows never overlap; no two arguments alias unless the comment says so
// Each output value is one sum over k in ascending order, whatever the tile it is computed in, or
// one of four such sums (ProductArgs::quarters): a row's result does not depend on the rows beside
// it.
#pragma once

#include <cstdint>

namespace lstm_native {

using Index = std::int64_t;

/// Hidden units per gate block: as many as the widest register (64 bytes) holds.
template <class T>
inline constexpr Index kGateBlock = 64 / sizeof(T);

}  // namespace lstm_native
