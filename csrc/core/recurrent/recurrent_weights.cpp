#include "core/recurrent/recurrent_weights.hpp"
#include "kernels/cell_kinds.hpp"

#include <algorithm>
#include <vector>

namespace lstm_native {
namespace {

/// Pointers into one block of memory: first each asks for its share, then all are set.
template <class T>
class Shares {
 public:
  /// Returns the share's number.
  std::size_t ask(Index size) {
    offsets_.push_back(total_);
    total_ += round_up(size, static_cast<Index>(kCacheLine / sizeof(T)));
    return offsets_.size() - 1;
  }
  void take_from(AlignedVector<T>& memory) {
    memory.resize(static_cast<std::size_t>(total_));
    base_ = memory.data();
  }
  T* zeros(std::size_t share, Index size) const {
    return std::fill_n((*this)[share], size, T(0)) - size;
  }
  T* operator[](std::size_t share) const { return base_ + offsets_[share]; }

 private:
  T* base_ = nullptr;
  Index total_ = 0;
  std::vector<Index> offsets_;
};

/// A vector of gate values (G H) in gate order; what stood there is added to.
template <class T>
void add_in_order(const GateOrder& order, const T* values, T* to) {
  order.for_each(
      [&](Index g, Index u, Index column) { to[column] += values[g * order.hidden_size + u]; });
}

}  // namespace

template <class T>
void RecurrentWeights<T>::pack(const CellPlan& cell_plan, Index input_size,
                               const KernelTable<T>& table,
                               const DirectionParameters<const T>& parameters) {
  kernels = &table;
  plan = cell_plan;
  inputs = input_size;
  const Index lanes = table.lanes, block = kGateBlock<T>, H = plan.hidden_size, R = outputs();
  order = {plan.gates, H, block};
  const Index columns = order.columns(), P = padded();
  // A panel of a product is four registers wide; a step's holds all gates of a register of units.
  const bool same = lanes == block && order.gates == 4;

  Shares<T> shares;
  const auto in = shares.ask(columns * inputs);
  const auto in_steps = shares.ask(same ? 0 : step_packed_size(order, inputs, lanes));
  const auto b = shares.ask(columns), b_apart = shares.ask(P);
  const auto in_transposed = shares.ask(packed_size(inputs, columns, lanes));
  std::size_t rec[2] = {}, rec_transposed[2] = {};
  Index column = 0;
  for (Index p = 0; p < plan.phase_count; ++p) {
    Phase& phase = phases[p];
    phase.cell = &cell_kernels(table, plan.phases[p].kind);
    phase.order = {plan.phases[p].gates, H, block};
    phase.first_gate = plan.phases[p].first_gate;
    phase.column = column;
    column += phase.order.columns();
    if (!plan.recurrent) continue;
    rec[p] = shares.ask(step_packed_size(phase.order, R, lanes));
    rec_transposed[p] = shares.ask(packed_size(R, phase.order.columns(), lanes));
  }
  const bool projects = plan.proj_size > 0;
  const GateOrder out = output_order();
  const auto proj = shares.ask(projects ? out.columns() * H : 0);
  const auto proj_transposed = shares.ask(projects ? packed_size(H, out.columns(), lanes) : 0);
  std::size_t peep[3] = {};
  for (std::size_t& share : peep) share = shares.ask(plan.peepholes > 0 ? P : 0);
  const bool norms = plan.layer_norm;
  const auto n_in = shares.ask(norms ? columns : 0), n_rec = shares.ask(norms ? columns : 0);
  const auto n_cell = shares.ask(norms ? P : 0), n_cell_bias = shares.ask(norms ? P : 0);
  const auto rec_product = shares.ask(norms ? columns * R : 0);
  shares.take_from(memory_);

  pack_gates(table, order, inputs, parameters.input, shares[in]);
  if (!same) pack_step(table, order, inputs, parameters.input, shares[in_steps]);
  pack_gates_transposed(table, order, inputs, parameters.input, shares[in_transposed]);
  shares.zeros(b_apart, P);
  shares.zeros(b, columns);
  if (parameters.bias_input) add_in_order(order, parameters.bias_input, shares[b]);
  if (parameters.bias_recurrent)
    order.for_each([&](Index g, Index u, Index at) {
      const T value = parameters.bias_recurrent[g * H + u];
      if (plan.candidate_bias_apart && g == plan.gates - 1)
        shares[b_apart][u] = value;
      else
        shares[b][at] += value;
    });
  for (Index p = 0; p < plan.phase_count && plan.recurrent; ++p) {
    Phase& phase = phases[p];
    const T* w = parameters.recurrent + phase.first_gate * H * R;
    pack_step(table, phase.order, R, w, shares[rec[p]]);
    pack_gates_transposed(table, phase.order, R, w, shares[rec_transposed[p]]);
    phase.recurrent = shares[rec[p]];
    phase.recurrent_transposed = shares[rec_transposed[p]];
  }
  if (projects) {
    pack_gates(table, out, H, parameters.projection, shares[proj]);
    pack_gates_transposed(table, out, H, parameters.projection, shares[proj_transposed]);
    projection = shares[proj];
    projection_transposed = shares[proj_transposed];
  }
  options = options_in<T>(plan.options);
  if (plan.peepholes > 0) {
    const T* from = parameters.peephole;
    for (const int gate : {0, 1, 3}) {
      if (options.column[gate] < 0) continue;
      const int i = gate == 3 ? 2 : gate;
      std::copy_n(from, H, shares.zeros(peep[i], P));
      options.peephole[i] = shares[peep[i]];
      from += H;
    }
  }
  if (norms) {
    add_in_order(order, parameters.norm_input, shares.zeros(n_in, columns));
    add_in_order(order, parameters.norm_recurrent, shares.zeros(n_rec, columns));
    std::copy_n(parameters.norm_cell, H, shares.zeros(n_cell, P));
    shares.zeros(n_cell_bias, P);
    if (parameters.norm_cell_bias) std::copy_n(parameters.norm_cell_bias, H, shares[n_cell_bias]);
    pack_gates(table, order, R, parameters.recurrent, shares[rec_product]);
    norm_input = shares[n_in];
    norm_recurrent = shares[n_rec];
    norm_cell = shares[n_cell];
    norm_cell_bias = shares[n_cell_bias];
    recurrent_product = shares[rec_product];
  }
  input = shares[in];
  input_of_steps = same ? shares[in] : shares[in_steps];
  bias = shares[b];
  recurrent_bias = shares[b_apart];
  input_transposed = shares[in_transposed];
}

template struct RecurrentWeights<float>;
template struct RecurrentWeights<double>;

}  // namespace lstm_native
