// Fills the table of one instruction set; compiled once per set (see simd.hpp).
#include "kernels/attention.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/general_cells.hpp"
#include "kernels/general_lstm_cell.hpp"
#include "kernels/lstm_cell.hpp"
#include "kernels/probes.hpp"
#include "kernels/products.hpp"
#include "kernels/recurrent_step.hpp"
#include "kernels/simple_cells.hpp"
#include "kernels/transpose.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class T>
static constexpr KernelTable<T> table() {
  KernelTable<T> t{};
  t.lanes = kLanes<T>;
  t.gradient_block = [](Index cols) { return gradient_block(cols); };
  t.gradient_scratch = &gradient_scratch<T>;
  t.product = &product<T>;
  t.gradient_product = &gradient_product<T>;
  t.transpose = &transpose<T>;
  const auto cell = [&t](CellKind kind) -> CellKernels<T>& {
    return t.cells[static_cast<int>(kind)];
  };
  cell(CellKind::lstm) = cell_entry<LstmCell, T>();
  cell(CellKind::gru) = cell_entry<GruCell, T>();
  cell(CellKind::rnn_tanh) = cell_entry<RnnCell<true>, T>();
  cell(CellKind::rnn_relu) = cell_entry<RnnCell<false>, T>();
  cell(CellKind::min_lstm) = cell_entry<MinLstmCell, T>();
  cell(CellKind::min_gru) = cell_entry<MinGruCell, T>();
  cell(CellKind::lstm_general) = cell_entry<GeneralLstmCell<4>, T>();
  cell(CellKind::lstm_three) = cell_entry<GeneralLstmCell<3>, T>();
  cell(CellKind::lstm_two) = cell_entry<GeneralLstmCell<2>, T>();
  cell(CellKind::lstm_one) = cell_entry<GeneralLstmCell<1>, T>();
  cell(CellKind::gru_general) = cell_entry<GeneralGruCell, T>();
  cell(CellKind::gru_reset) = cell_entry<GruResetCell, T>();
  cell(CellKind::gru_candidate) = cell_entry<GruCandidateCell, T>();
  cell(CellKind::rnn_general) = cell_entry<GeneralRnnCell, T>();
  t.pointwise = &pointwise<T>;
  t.pointwise_backward = &pointwise_backward<T>;
  t.additive_scores = &additive_scores<T>;
  t.additive_scores_backward = &additive_scores_backward<T>;
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
