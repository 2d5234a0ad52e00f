#include "core/specs/recurrent_kinds.hpp"

#include <string>
#include <utility>

#include "core/base/message_text.hpp"
#include "core/specs/cell_parameters.hpp"
#include "core/specs/forget_bias.hpp"

namespace lstm_native {
namespace {

/// The parameters of one direction of one stacked layer.
LayerCount count_direction(const CellPlan& plan, Index inputs) {
  LayerCount count;
  DirectionParameters<const float> nowhere;
  for_each_parameter(plan, inputs, nowhere,
                     [&](const char*, std::initializer_list<Index> shape, const float*) {
                       Index values = 1;
                       for (const Index extent : shape) values = multiply_sizes(values, extent);
                       count.values = add_sizes(count.values, values);
                       ++count.tensors;
                     });
  return count;
}

}  // namespace

void check_options(const RecurrentOptions& spec, const LayerPlace& place) {
  const std::string& path = place.path;
  if (spec.dropout != 0 && spec.num_layers == 1)
    refuse(path + ".dropout",
           "0, for it acts between stacked layers, but num_layers is 1 (put a Dropout layer "
           "behind instead)",
           number_text(spec.dropout));
  if (spec.bidirectional && spec.reverse)
    refuse(path + ".reverse", "false with bidirectional", "true");
  if (spec.merge == Merge::sum && !spec.bidirectional)
    refuse(path + ".merge", "\"concat\" without bidirectional", "\"sum\"");
  if (spec.residual && spec.num_layers == 1)
    refuse(path + ".residual", "false with one layer, whose input it does not add", "true");
  // The last steps of two directions have different inputs.
  if (spec.residual && spec.bidirectional && !spec.return_sequences)
    refuse(path + ".residual", "false with bidirectional and without return_sequences", "true");
  if (spec.stateful && place.depth > 0)
    refuse(path + ".stateful", "false inside another layer", "true");
  if (spec.stateful && (spec.bidirectional || spec.reverse))
    refuse(path + ".stateful", "false with bidirectional or reverse", "true");
}

void LayerKind<LSTMSpec>::check(const LSTMSpec& spec, const LayerPlace& place) {
  const std::string& path = place.path;
  check_options(spec, place);
  check_forget_bias(spec, path);
  if (spec.coupled_gates && !(spec.input_gate && spec.forget_gate))
    refuse(path + ".coupled_gates", "false without input or forget gate", "true");
  if (spec.peephole && !spec.output_gate && !spec.input_gate && !spec.forget_gate)
    refuse(path + ".peephole", "false without gates", "true");
}

void InputAloneKind::check(const RecurrentOptions& spec, const LayerPlace& place) {
  check_options(spec, place);
  const std::pair<const char*, double> none[] = {{".recurrent_dropout", spec.recurrent_dropout},
                                                 {".weight_drop", spec.weight_drop},
                                                 {".zoneout", spec.zoneout},
                                                 {".gate_clip", spec.gate_clip}};
  for (const auto& [name, value] : none)
    if (value != 0) refuse(place.path + name, "0: no recurrent weights", number_text(value));
}

LayerCount count_recurrent(const RecurrentOptions& spec, const CellPlan& plan, Index inputs) {
  const Index directions = spec.bidirectional ? 2 : 1;
  const Index outputs = (spec.merge == Merge::concat ? directions : 1) * plan.output_size();
  const LayerCount first = count_direction(plan, inputs), other = count_direction(plan, outputs);
  const Index others = spec.num_layers - 1;
  const Index values = add_sizes(first.values, multiply_sizes(other.values, others));
  return {multiply_sizes(directions, values), directions * (first.tensors + others * other.tensors),
          outputs};
}

}  // namespace lstm_native
