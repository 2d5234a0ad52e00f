// The table of one instruction set; compiled once per set (see simd.hpp). It knows its functions by
// their declarations alone, so that an edit of one compiles that one.
#include "kernels/cell_kinds.hpp"
#include "kernels/set_functions.hpp"
#include "kernels/simd.hpp"

namespace lstm_native {
namespace LN_ISA {

struct LstmCell;
struct GruCell;
template <bool Tanh>
struct RnnCell;
struct MinLstmCell;
struct MinGruCell;
template <int Gates>
struct GeneralLstmCell;
struct GeneralGruCell;
struct GruResetCell;
struct GruCandidateCell;
struct GeneralRnnCell;

template <class T>
struct CellEntry {
  CellKind kind;
  const CellKernels<T>* kernels;
};

/// Which policy computes which kind of cell.
template <class T>
constexpr CellEntry<T> kCellEntries[] = {
    {CellKind::lstm, &CellFunctions<LstmCell, T>::kernels},
    {CellKind::gru, &CellFunctions<GruCell, T>::kernels},
    {CellKind::rnn_tanh, &CellFunctions<RnnCell<true>, T>::kernels},
    {CellKind::rnn_relu, &CellFunctions<RnnCell<false>, T>::kernels},
    {CellKind::min_lstm, &CellFunctions<MinLstmCell, T>::kernels},
    {CellKind::min_gru, &CellFunctions<MinGruCell, T>::kernels},
    {CellKind::lstm_general, &CellFunctions<GeneralLstmCell<4>, T>::kernels},
    {CellKind::lstm_three, &CellFunctions<GeneralLstmCell<3>, T>::kernels},
    {CellKind::lstm_two, &CellFunctions<GeneralLstmCell<2>, T>::kernels},
    {CellKind::lstm_one, &CellFunctions<GeneralLstmCell<1>, T>::kernels},
    {CellKind::gru_general, &CellFunctions<GeneralGruCell, T>::kernels},
    {CellKind::gru_reset, &CellFunctions<GruResetCell, T>::kernels},
    {CellKind::gru_candidate, &CellFunctions<GruCandidateCell, T>::kernels},
    {CellKind::rnn_general, &CellFunctions<GeneralRnnCell, T>::kernels},
};

constexpr bool each_kind_has_one_entry() {
  bool has[kCellKinds] = {};
  for (const CellEntry<float>& entry : kCellEntries<float>) {
    bool& own = has[static_cast<int>(entry.kind)];
    if (own) return false;
    own = true;
  }
  for (const bool one : has)
    if (!one) return false;
  return true;
}
static_assert(each_kind_has_one_entry(), "every CellKind needs its policy in kCellEntries, once");

template <class T>
struct CellTable {
  const CellKernels<T>* by_kind[kCellKinds] = {};

  constexpr CellTable() {
    for (const CellEntry<T>& entry : kCellEntries<T>)
      by_kind[static_cast<int>(entry.kind)] = entry.kernels;
  }
};
template <class T>
constexpr CellTable<T> kCells;

template <class T>
static constexpr KernelTable<T> table() {
  KernelTable<T> t{};
  t.lanes = kLanes<T>;
  t.gradient_block = &gradient_block;
  t.gradient_scratch = &gradient_scratch<T>;
  t.product = &product<T>;
  t.gradient_product = &gradient_product<T>;
  t.transpose = &transpose<T>;
  t.cells = kCells<T>.by_kind;
  t.pointwise = &pointwise<T>;
  t.pointwise_backward = &pointwise_backward<T>;
  t.exponentials = &exponentials<T>;
  t.exponential_sum = &exponential_sum<T>;
  t.additive_scores = &additive_scores<T>;
  t.additive_scores_backward = &additive_scores_backward<T>;
  t.sgd = &sgd<T>;
  t.adam = &adam<T>;
  t.amsgrad = &amsgrad<T>;
  t.nadam = &nadam<T>;
  t.adagrad = &adagrad<T>;
  t.rmsprop = &rmsprop<T>;
  t.probe_multiply_add = &probe_multiply_add<T>;
  t.probe_read = &probe_read<T>;
  return t;
}

extern const KernelSet kernel_set;
constexpr KernelSet kernel_set = {table<float>(), table<double>()};

}  // namespace LN_ISA
}  // namespace lstm_native
