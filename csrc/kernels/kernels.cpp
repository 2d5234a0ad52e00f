// Fills the table of one instruction set; compiled once per set (see simd.hpp).
#include "kernels/elementwise.hpp"
#include "kernels/probes.hpp"
#include "kernels/products.hpp"
#include "kernels/recurrent_step.hpp"
#include "kernels/transpose.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class T>
static constexpr KernelTable<T> table() {
  KernelTable<T> t{};
  t.lanes = kLanes<T>;
  t.ahead_rows = kAheadRows<T>;
  t.gradient_scratch = &gradient_scratch<T>;
  t.product = &product<T>;
  t.gradient_product = &gradient_product<T>;
  t.transpose = &transpose<T>;
  t.lstm_step = &recurrent_step<LstmCell, T>;
  t.lstm_step_backward = &recurrent_step_backward<LstmCell, T>;
  t.pointwise = &pointwise<T>;
  t.pointwise_backward = &pointwise_backward<T>;
  t.exponentials = &exponentials<T>;
  t.sgd = &sgd<T>;
  t.adam = &adam<T>;
  t.rmsprop = &rmsprop<T>;
  t.probe_multiply_add = &probe_multiply_add<T>;
  t.probe_read = &probe_read<T>;
  return t;
}

extern const KernelSet kernel_set;
const KernelSet kernel_set = {table<float>(), table<double>()};

}  // namespace LN_ISA
}  // namespace lstm_native
