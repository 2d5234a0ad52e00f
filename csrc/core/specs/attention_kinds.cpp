#include "core/specs/attention_kinds.hpp"

#include "core/base/message_text.hpp"
#include "core/specs/recurrent_kinds.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// A matrix and, beside it, a vector of its rows.
void add_matrix(LayerCount& count, Index rows, Index cols, bool bias) {
  count.values = add_sizes(count.values, multiply_sizes(rows, cols));
  count.tensors += 1;
  if (!bias) return;
  count.values = add_sizes(count.values, rows);
  count.tensors += 1;
}

}  // namespace

Index memory_features(const InputFeatures& in) {
  if (in.size() < 2 || in[1] == 0) throw InvalidArgument("input 'memory' reads nothing");
  return in[1];
}

LayerCount count_score(AttentionScore score, Index units, Index queries, Index memory) {
  LayerCount count;
  if (score == AttentionScore::general) add_matrix(count, queries, memory, false);
  if (score != AttentionScore::additive) return count;
  add_matrix(count, units, queries, false);
  add_matrix(count, units, memory, false);
  add_matrix(count, 1, units, false);
  return count;
}

void LayerKind<AttentionSpec>::check(const AttentionSpec& spec, const LayerPlace& place) {
  const std::string score = std::string(" with score \"") + name_of(kAttentionScores, spec.score);
  if (spec.score != AttentionScore::scaled_dot) {
    if (spec.num_heads != 1)
      refuse(place.path + ".num_heads", "1" + score + "\"", std::to_string(spec.num_heads));
    if (!spec.bias) refuse(place.path + ".bias", "true" + score + "\", which has none", "false");
  }
  if (spec.score != AttentionScore::additive && spec.units != 0)
    refuse(place.path + ".units", "0" + score + "\"", std::to_string(spec.units));
}

LayerCount LayerKind<AttentionSpec>::count(const AttentionSpec& spec, const InputFeatures& in) {
  const Index memory = memory_features(in);
  if (spec.score != AttentionScore::scaled_dot) {
    LayerCount count = count_score(spec.score, spec.units ? spec.units : in[0], in[0], memory);
    count.output_features = memory;
    return count;
  }
  LayerCount count;
  count.output_features = in[0];
  if (memory == in[0]) {
    add_matrix(count, multiply_sizes(3, in[0]), in[0], false);
  } else {
    add_matrix(count, in[0], in[0], false);
    add_matrix(count, in[0], memory, false);
    add_matrix(count, in[0], memory, false);
  }
  if (spec.bias) add_matrix(count, 1, multiply_sizes(3, in[0]), false);
  add_matrix(count, in[0], in[0], spec.bias);
  return count;
}

CellPlan plan_of(const AttentionLSTMSpec& spec) {
  LSTMSpec cell;
  cell.hidden_size = spec.hidden_size;
  cell.forget_bias = spec.forget_bias;
  return plan_of(cell);
}

CellPlan plan_of(const AttentionGRUSpec& spec) {
  GRUSpec cell;
  cell.hidden_size = spec.hidden_size;
  return plan_of(cell);
}

LayerCount count_attending(const AttentionRecurrentOptions& spec, const CellPlan& plan,
                           const InputFeatures& in) {
  const Index memory = memory_features(in), H = spec.hidden_size;
  const Index fed = fed_features(spec, memory);
  RecurrentOptions cell;
  cell.hidden_size = H;
  LayerCount count = count_recurrent(cell, plan, add_sizes(in[0], fed));
  count.output_features = H;
  if (spec.attention == StepAttention::window) {
    add_matrix(count, 3 * spec.components, H, true);
    return count;
  }
  const LayerCount score = count_score(spec.score, spec.units ? spec.units : H, H, memory);
  count.values = add_sizes(count.values, score.values);
  count.tensors += score.tensors;
  if (spec.attention == StepAttention::luong) {
    add_matrix(count, fed, add_sizes(memory, H), false);
    count.output_features = fed;
  }
  return count;
}

void AttendingKind::check(const AttentionRecurrentOptions& spec, const LayerPlace& place) {
  const std::string with =
      std::string(" with attention \"") + name_of(kStepAttentions, spec.attention) + "\"";
  const bool window = spec.attention == StepAttention::window;
  if (spec.score == AttentionScore::scaled_dot)
    refuse(place.path + ".score", "dot, general or additive", "scaled_dot");
  if (spec.units != 0 && (window || spec.score != AttentionScore::additive))
    refuse(place.path + ".units", "0 without additive scores", std::to_string(spec.units));
  if (spec.output_size != 0 && spec.attention != StepAttention::luong)
    refuse(place.path + ".output_size", "0" + with, std::to_string(spec.output_size));
  const AttentionRecurrentOptions standard;
  if (spec.score != standard.score && window)
    refuse(place.path + ".score", name_of(kAttentionScores, standard.score) + with,
           name_of(kAttentionScores, spec.score));
  if (spec.components != standard.components && !window)
    refuse(place.path + ".components", std::to_string(standard.components) + with,
           std::to_string(spec.components));
  if (spec.window_step != standard.window_step && !window)
    refuse(place.path + ".window_step", number_text(standard.window_step) + with,
           number_text(spec.window_step));
}

}  // namespace lstm_native
