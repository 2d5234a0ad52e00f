// How the rows of products and steps are cut into tiles that registers hold.
#pragma once

#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Vectors per panel of packed weights.
inline constexpr int kPanelVectors = 4;

/// Rows a tile may hold: as many as leave registers for one row of weights and a broadcast.
inline constexpr int kMaxRows = kRegisters >= 32 ? 6 : 3;

/// Calls body(std::integral_constant-like R, first_row) so that tiles of at most MaxRows rows
/// cover `rows`, as even as can be: 32 rows are 6 6 5 5 5 5, not 6 6 6 6 6 2.
template <int R>
struct Rows {
  static constexpr int value = R;
};

template <int MaxRows, class Body>
LN_INLINE void for_row_tiles(Index rows, const Body& body) {
  static_assert(MaxRows <= 6, "add cases below");
  Index tiles = (rows + MaxRows - 1) / MaxRows;
  for (Index row = 0; row < rows; --tiles) {
    const int size = static_cast<int>((rows - row + tiles - 1) / tiles);
    switch (size) {
      case 1: body(Rows<1>{}, row); break;
      case 2: body(Rows<(MaxRows >= 2 ? 2 : 1)>{}, row); break;
      case 3: body(Rows<(MaxRows >= 3 ? 3 : 1)>{}, row); break;
      case 4: body(Rows<(MaxRows >= 4 ? 4 : 1)>{}, row); break;
      case 5: body(Rows<(MaxRows >= 5 ? 5 : 1)>{}, row); break;
      default: body(Rows<(MaxRows >= 6 ? 6 : 1)>{}, row); break;
    }
    row += size;
  }
}

}  // namespace LN_ISA
}  // namespace lstm_native
