// Transposition in blocks held in registers.
#include "kernels/product_args.hpp"
#include "kernels/set_functions.hpp"
#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class T>
void transpose(const TransposeArgs<T>& p) {
  constexpr Index L = kLanes<T>;
  const auto one_by_one = [&p](Index r0, Index r1, Index c0, Index c1) {
    for (Index c = c0; c < c1; ++c)
      for (Index r = r0; r < r1; ++r) {
        T& to = p.to[c * p.to_stride + r];
        const T value = p.from[r * p.from_stride + c];
        to = p.add ? to + value : value;
      }
  };
  const Index rows = p.rows / L * L, cols = p.cols / L * L;
  for (Index c = 0; c < cols; c += L)
    for (Index r = 0; r < rows; r += L) {
      ei::PacketBlock<Packet<T>, L> block;
      for (Index i = 0; i < L; ++i) block.packet[i] = load(p.from + (r + i) * p.from_stride + c);
      ei::ptranspose(block);
      for (Index i = 0; i < L; ++i) {
        T* to = p.to + (c + i) * p.to_stride + r;
        store(to, p.add ? ei::padd(load(to), block.packet[i]) : block.packet[i]);
      }
    }
  one_by_one(rows, p.rows, 0, cols);
  one_by_one(0, p.rows, cols, p.cols);
}

template void transpose(const TransposeArgs<float>&);
template void transpose(const TransposeArgs<double>&);

}  // namespace LN_ISA
}  // namespace lstm_native
