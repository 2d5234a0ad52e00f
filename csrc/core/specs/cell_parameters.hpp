// The parameters of a recurrent cell: which it has, their names and shapes. PyTorch's, where
// PyTorch has them.
#pragma once

#include "core/specs/cell_plan.hpp"

namespace lstm_native {

/// The parameters of one direction of one stacked layer, in PyTorch's layout; what the cell does
/// not have is null. G: gates that have weights, R: size of the output.
template <class V>
struct DirectionParameters {
  V* input = nullptr;           // (G H, F)
  V* recurrent = nullptr;       // (G H, R)
  V* bias_input = nullptr;      // (G H)
  V* bias_recurrent = nullptr;  // (G H)
  V* peephole = nullptr;        // (gates that look, H)
  V* projection = nullptr;      // (R, H)
  V* norm_input = nullptr;      // (G H)
  V* norm_recurrent = nullptr;  // (G H)
  V* norm_cell = nullptr;       // (H)
  V* norm_cell_bias = nullptr;  // (H)
};

/// Calls body(name, shape, pointer to the field) for every parameter of a direction that the cell
/// has, in the order in which they stand.
template <class V, class Body>
void for_each_parameter(const CellPlan& plan, Index inputs, DirectionParameters<V>& p,
                        const Body& body) {
  const Index H = plan.hidden_size, R = plan.output_size(), rows = plan.gates * H;
  body("weight_ih", {rows, inputs}, p.input);
  if (plan.recurrent) body("weight_hh", {rows, R}, p.recurrent);
  if (plan.bias) body("bias_ih", {rows}, p.bias_input);
  if (plan.bias && plan.recurrent) body("bias_hh", {rows}, p.bias_recurrent);
  if (plan.peepholes) body("peephole", {plan.peepholes, H}, p.peephole);
  if (plan.proj_size) body("weight_hr", {R, H}, p.projection);
  if (!plan.layer_norm) return;
  body("norm_ih", {rows}, p.norm_input);
  body("norm_hh", {rows}, p.norm_recurrent);
  body("norm_c", {H}, p.norm_cell);
  if (plan.bias) body("norm_c_bias", {H}, p.norm_cell_bias);
}

}  // namespace lstm_native
