// The weights of one recurrent layer as the kernels read them.
#pragma once

#include "core/base/aligned.hpp"
#include "core/numeric/packing.hpp"
#include "core/specs/cell_parameters.hpp"
#include "core/specs/cell_plan.hpp"
#include "kernels/cell_options.hpp"
#include "kernels/kernel_table.hpp"

namespace lstm_native {

template <class T>
struct RecurrentWeights {
  RecurrentWeights() = default;
  RecurrentWeights(RecurrentWeights&&) = default;  // the memory stays where it is
  RecurrentWeights(const RecurrentWeights&) = delete;
  RecurrentWeights& operator=(const RecurrentWeights&) = delete;

  struct Phase {
    const CellKernels<T>* cell = nullptr;
    GateOrder order{};  // of the gates that its recurrent product adds to
    Index first_gate = 0;
    Index column = 0;                         // of these gates in a row of split gradients
    const T* recurrent = nullptr;             // R x columns, packed for steps
    const T* recurrent_transposed = nullptr;  // columns x R, packed for products
  };

  const KernelTable<T>* kernels = nullptr;  // packed for these, to be run by these
  CellPlan plan;
  GateOrder order{};  // of the input's sums
  Index inputs = 0;
  const T* input = nullptr;             // inputs x columns, packed for products
  const T* input_of_steps = nullptr;    // the same weights, packed for steps
  const T* bias = nullptr;              // columns; zeros where the cell has none
  const T* recurrent_bias = nullptr;    // P, when the candidate's is apart
  const T* input_transposed = nullptr;  // columns x inputs, packed for products
  Phase phases[2];
  CellOptions<T> options;
  const T* projection = nullptr;             // H x R, packed for products
  const T* projection_transposed = nullptr;  // padded R x H, packed for products
  // Layer normalisation: gains of columns, columns and P values, and a bias of P; and the recurrent
  // weights again, R x columns packed for products.
  const T* norm_input = nullptr;
  const T* norm_recurrent = nullptr;
  const T* norm_cell = nullptr;
  const T* norm_cell_bias = nullptr;
  const T* recurrent_product = nullptr;

  Index padded() const { return order.padded(); }
  Index outputs() const { return plan.output_size(); }  // R
  GateOrder output_order() const { return {1, outputs(), order.block}; }
  /// Distance between rows of outputs.
  Index padded_outputs() const { return output_order().padded(); }
  /// Values in a row of split gradients.
  Index split_columns() const {
    const Phase& last = phases[plan.phase_count - 1];
    return last.column + last.order.columns();
  }

  void pack(const CellPlan& cell_plan, Index input_size, const KernelTable<T>& table,
            const DirectionParameters<const T>& parameters);

 private:
  AlignedVector<T> memory_;  // of all of them: together they may fill huge pages
};

}  // namespace lstm_native
