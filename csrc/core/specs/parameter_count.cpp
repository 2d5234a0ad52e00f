// How many parameters layers make, without making them.
#include <limits>
#include <string>
#include <variant>

#include "core/specs/cell_plan.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

Index add(Index a, Index b) {
  if (a > std::numeric_limits<Index>::max() - b)
    throw InvalidArgument("layers: expected fewer than 2^63 parameters, got more");
  return a + b;
}

/// Factors are never zero here: `validate` has seen them.
Index multiply(Index a, Index b) {
  if (a > std::numeric_limits<Index>::max() / b)
    throw InvalidArgument("layers: expected fewer than 2^63 parameters, got more");
  return a * b;
}

void check_width(Index input_features) {
  if (input_features >= 1 && input_features <= kMaxWidth) return;
  throw InvalidArgument("input_features: expected 1 to " + std::to_string(kMaxWidth) + ", got " +
                        std::to_string(input_features));
}

/// Adds up the parameters of a stack, layer by layer.
struct ParameterCount {
  Index features;  // of the input of the next layer
  Index total = 0;
  Index tensors = 0;

  /// G gates; R values recur, none where there are no recurrent weights. `others`: values of one
  /// run in other parameters, and in how many tensors.
  void recurrent(const RecurrentOptions& spec, Index gates, Index outputs, Index recur,
                 Index others, Index other_tensors = 0) {
    const Index directions = spec.bidirectional ? 2 : 1;
    const Index width = (spec.merge == Merge::concat ? directions : 1) * outputs;
    const Index rows = directions * gates * spec.hidden_size;
    const Index biases = !spec.bias ? 0 : recur ? 2 : 1;
    total = add(total, multiply(rows, features + recur + biases));
    if (spec.num_layers > 1)
      total = add(total, multiply(multiply(rows, width + recur + biases), spec.num_layers - 1));
    const Index runs = directions * spec.num_layers;
    if (others) total = add(total, multiply(runs, others));
    tensors += runs * (1 + (recur ? 1 : 0) + biases + other_tensors);
    features = width;
  }

  void operator()(const LSTMSpec& spec) {
    const CellPlan plan = plan_of(spec);
    const Index H = spec.hidden_size, R = plan.output_size();
    Index others = plan.peepholes * H, other_tensors = plan.peepholes ? 1 : 0;
    if (spec.proj_size) {
      others = add(others, multiply(R, H));
      other_tensors += 1;
    }
    if (spec.layer_norm) {
      others = add(others, (2 * plan.gates + (spec.bias ? 2 : 1)) * H);
      other_tensors += spec.bias ? 4 : 3;
    }
    recurrent(spec, plan.gates, R, R, others, other_tensors);
  }
  void operator()(const GRUSpec& spec) {
    recurrent(spec, 3, spec.hidden_size, spec.hidden_size, 0);
  }
  void operator()(const RNNSpec& spec) {
    recurrent(spec, 1, spec.hidden_size, spec.hidden_size, 0);
  }
  void operator()(const MinLSTMSpec& spec) { recurrent(spec, 3, spec.hidden_size, 0, 0); }
  void operator()(const MinGRUSpec& spec) { recurrent(spec, 2, spec.hidden_size, 0, 0); }

  void operator()(const DenseSpec& spec) {
    if (!spec.tied) total = add(total, multiply(spec.units, features));
    if (spec.bias) total = add(total, spec.units);
    tensors += (spec.tied ? 0 : 1) + (spec.bias ? 1 : 0);
    features = spec.units;
  }

  void operator()(const EmbeddingSpec& spec) {
    total = add(total, multiply(spec.vocabulary, spec.features));
    tensors += 1;
    features = spec.features;
  }

  void operator()(const DropoutSpec&) {}
  void operator()(const ActivationSpec&) {}
  void operator()(const ActivityRegularizationSpec&) {}
  void operator()(const LayerNormSpec&) {
    total = add(total, 2 * features);
    tensors += 2;
  }

  void operator()(const HighwaySpec& spec) {
    const ParameterCount inner = inside(spec.layers);
    const Index row = add(multiply(spec.window, features), 1);
    total = add(total, add(inner.total, multiply(row, inner.features)));
    tensors += inner.tensors + 2;
    features = inner.features;
  }

  void operator()(const ResidualSpec& spec) {
    const ParameterCount inner = inside(spec.layers);
    total = add(total, inner.total);
    tensors += inner.tensors;
    features = inner.features;
  }

  void operator()(const ConvLSTMSpec& spec) {
    const Index taps = multiply(spec.kernel_height, spec.kernel_width);
    const Index row = add(multiply(taps, spec.channels + spec.filters), spec.bias ? 1 : 0);
    total = add(total, multiply(4 * spec.filters, row));
    features = spec.height * spec.width * spec.filters;
    if (spec.peephole) total = add(total, 3 * features);
    tensors += 2 + (spec.bias ? 1 : 0) + (spec.peephole ? 1 : 0);
  }

  ParameterCount inside(const std::vector<LayerSpec>& layers) const {
    ParameterCount inner{features};
    for (const LayerSpec& layer : layers) std::visit(inner, layer.options);
    return inner;
  }
};

}  // namespace

ParameterTotals parameter_totals(const std::vector<LayerSpec>& layers, Index input_features) {
  validate(layers);
  if (!std::holds_alternative<EmbeddingSpec>(layers[0].options)) check_width(input_features);
  ParameterCount count{input_features};
  for (const LayerSpec& layer : layers) std::visit(count, layer.options);
  return {count.total, count.tensors};
}

Index parameter_count(const std::vector<LayerSpec>& layers, Index input_features) {
  return parameter_totals(layers, input_features).values;
}

}  // namespace lstm_native
