// What the processor can do at best: the two loops that benchmarks hold every figure against.
// They stand among the kernels because the peak is that of an instruction set, compiled alike.
#include "kernels/set_functions.hpp"
#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Independent sums: enough to hide the latency of a multiply-add on two units, few enough to
/// stay in sixteen registers beside the operands.
inline constexpr int kProbeSums = 12;

template <class T>
ProbeResult<T> probe_multiply_add(Index iterations) {
  Packet<T> sum[kProbeSums];
  // All different, or the compiler would compute one and copy it.
  for (int s = 0; s < kProbeSums; ++s) sum[s] = broadcast(T(s) / T(kProbeSums));
  const Packet<T> factor = broadcast(T(0.9999)), term = broadcast(T(1e-6));
  for (Index i = 0; i < iterations; ++i)
    for (int s = 0; s < kProbeSums; ++s) sum[s] = ei::pmadd(sum[s], factor, term);
  for (int s = 1; s < kProbeSums; ++s) sum[0] = ei::padd(sum[0], sum[s]);
  const double flop = 2.0 * kProbeSums * kLanes<T>;
  return {flop * static_cast<double>(iterations), ei::predux(sum[0])};
}

/// values: aligned to a register; n is rounded down to whole steps of the loop.
template <class T>
ProbeResult<T> probe_read(const T* values, Index n, Index repetitions) {
  constexpr int kSums = 8;
  constexpr Index step = kSums * kLanes<T>;
  const Index used = n / step * step;
  Packet<T> sum[kSums];
  for (int s = 0; s < kSums; ++s) sum[s] = broadcast(T(s));
  for (Index r = 0; r < repetitions; ++r)
    for (Index i = 0; i < used; i += step)
      for (int s = 0; s < kSums; ++s)
        sum[s] = ei::padd(sum[s], ei::pload<Packet<T>>(values + i + s * kLanes<T>));
  for (int s = 1; s < kSums; ++s) sum[0] = ei::padd(sum[0], sum[s]);
  const double bytes = static_cast<double>(used) * sizeof(T);
  return {bytes * static_cast<double>(repetitions), ei::predux(sum[0])};
}

template ProbeResult<float> probe_multiply_add<float>(Index);
template ProbeResult<double> probe_multiply_add<double>(Index);
template ProbeResult<float> probe_read(const float*, Index, Index);
template ProbeResult<double> probe_read(const double*, Index, Index);

}  // namespace LN_ISA
}  // namespace lstm_native
