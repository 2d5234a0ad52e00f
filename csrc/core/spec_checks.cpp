#include "core/spec_checks.hpp"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/cell_plan.hpp"
#include "core/message_text.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& expected,
                         const std::string& actual) {
  throw InvalidArgument(path + ": expected " + expected + ", got " + actual);
}

void check_integer(const std::string& path, Index value, Index low, Index high) {
  if (value >= low && value <= high) return;
  refuse(path, std::to_string(low) + " to " + std::to_string(high), std::to_string(value));
}

/// Zero included, one not. A NaN fails every comparison, here and below.
void check_fraction(const std::string& path, double value) {
  if (!(value >= 0.0 && value < 1.0)) refuse(path, "0 <= value < 1", number_text(value));
}

void check_positive(const std::string& path, double value) {
  if (!(value > 0.0 && std::isfinite(value)))
    refuse(path, "a finite number > 0", number_text(value));
}

void check_not_negative(const std::string& path, double value) {
  if (!(value >= 0.0 && std::isfinite(value)))
    refuse(path, "a finite number >= 0", number_text(value));
}

template <class Enum>
void check_enum(const std::string& path, Enum value, Enum last) {
  check_integer(path, static_cast<Index>(value), 0, static_cast<Index>(last));
}

std::string item(const std::string& path, std::size_t i) {
  return path + '[' + std::to_string(i) + ']';
}

/// Checks one layer and what is nested in it; counts layers as it goes.
struct LayerCheck {
  const std::string& path;
  int depth;      // layers around this one
  Index& layers;  // so far

  void check_options(const RecurrentOptions& spec) const {
    const Index directions = spec.bidirectional && spec.merge == Merge::concat ? 2 : 1;
    check_integer(path + ".hidden_size", spec.hidden_size, 1, kMaxWidth / directions);
    check_integer(path + ".num_layers", spec.num_layers, 1, kMaxStackedLayers);
    check_fraction(path + ".dropout", spec.dropout);
    check_fraction(path + ".input_dropout", spec.input_dropout);
    check_fraction(path + ".recurrent_dropout", spec.recurrent_dropout);
    check_fraction(path + ".weight_drop", spec.weight_drop);
    check_fraction(path + ".zoneout", spec.zoneout);
    check_not_negative(path + ".gate_clip", spec.gate_clip);
    check_enum(path + ".merge", spec.merge, Merge::sum);
    if (spec.bidirectional && spec.reverse)
      refuse(path + ".reverse", "false with bidirectional", "true");
    if (spec.merge == Merge::sum && !spec.bidirectional)
      refuse(path + ".merge", "\"concat\" without bidirectional", "\"sum\"");
    if (spec.residual && spec.num_layers == 1)
      refuse(path + ".residual", "false with one layer, whose input it does not add", "true");
    // The last steps of two directions have different inputs.
    if (spec.residual && spec.bidirectional && !spec.return_sequences)
      refuse(path + ".residual", "false with bidirectional and without return_sequences", "true");
    if (spec.stateful && depth > 0)
      refuse(path + ".stateful", "false inside another layer", "true");
    if (spec.stateful && (spec.bidirectional || spec.reverse))
      refuse(path + ".stateful", "false with bidirectional or reverse", "true");
  }

  void check_activation(const std::string& name, const CellActivation& a) const {
    check_enum(path + name, a.function, CellFunction::softplus);
    for (const double value : {a.alpha, a.beta})
      if (!std::isfinite(value)) refuse(path + name, "finite parameters", number_text(value));
  }

  void operator()(const LSTMSpec& spec) const {
    check_options(spec);
    if (!std::isfinite(spec.forget_bias))
      refuse(path + ".forget_bias", "a finite number", number_text(spec.forget_bias));
    check_integer(path + ".proj_size", spec.proj_size, 0, spec.hidden_size - 1);
    check_fraction(path + ".cell_zoneout", spec.cell_zoneout);
    check_not_negative(path + ".cell_clip", spec.cell_clip);
    check_activation(".gate_activation", spec.gate_activation);
    check_activation(".cell_activation", spec.cell_activation);
    check_activation(".output_activation", spec.output_activation);
    if (spec.coupled_gates && !(spec.input_gate && spec.forget_gate))
      refuse(path + ".coupled_gates", "false without input or forget gate", "true");
    if (spec.peephole && !spec.output_gate && !spec.input_gate && !spec.forget_gate)
      refuse(path + ".peephole", "false without gates", "true");
  }

  void operator()(const GRUSpec& spec) const {
    check_options(spec);
    check_activation(".gate_activation", spec.gate_activation);
    check_activation(".candidate_activation", spec.candidate_activation);
  }

  void operator()(const RNNSpec& spec) const {
    check_options(spec);
    check_activation(".activation", spec.activation);
  }

  void operator()(const MinLSTMSpec& spec) const { check_input_alone(spec); }
  void operator()(const MinGRUSpec& spec) const { check_input_alone(spec); }

  void check_input_alone(const RecurrentOptions& spec) const {
    check_options(spec);
    const std::pair<const char*, double> none[] = {{".recurrent_dropout", spec.recurrent_dropout},
                                                   {".weight_drop", spec.weight_drop},
                                                   {".zoneout", spec.zoneout},
                                                   {".gate_clip", spec.gate_clip}};
    for (const auto& [name, value] : none)
      if (value != 0) refuse(path + name, "0: no recurrent weights", number_text(value));
  }

  void operator()(const DenseSpec& spec) const {
    check_integer(path + ".units", spec.units, 1, kMaxWidth);
    check_enum(path + ".activation", spec.activation, Activation::softmax);
    if (spec.tied && depth > 0) refuse(path + ".tied", "false inside another layer", "true");
  }

  void operator()(const EmbeddingSpec& spec) const {
    check_integer(path + ".vocabulary", spec.vocabulary, 1, kMaxVocabulary);
    check_integer(path + ".features", spec.features, 1, kMaxWidth);
  }

  void operator()(const DropoutSpec& spec) const { check_fraction(path + ".rate", spec.rate); }

  void operator()(const LayerNormSpec& spec) const {
    check_positive(path + ".epsilon", spec.epsilon);
  }

  void operator()(const ActivationSpec& spec) const {
    check_enum(path + ".activation", spec.activation, Activation::softmax);
  }

  void operator()(const HighwaySpec& spec) const {
    check_integer(path + ".window", spec.window, 1, kMaxWidth);
    check_inner(spec.layers);
  }

  void operator()(const ResidualSpec& spec) const { check_inner(spec.layers); }

  void operator()(const ConvLSTMSpec& spec) const {
    check_integer(path + ".height", spec.height, 1, kMaxWidth);
    check_integer(path + ".width", spec.width, 1, kMaxWidth / spec.height);
    const Index most = kMaxWidth / (spec.height * spec.width);
    check_integer(path + ".channels", spec.channels, 1, most);
    check_integer(path + ".filters", spec.filters, 1, most);
    // A larger kernel has weights that see no pixel.
    check_integer(path + ".kernel_height", spec.kernel_height, 1, 2 * spec.height - 1);
    check_integer(path + ".kernel_width", spec.kernel_width, 1, 2 * spec.width - 1);
    if (!std::isfinite(spec.forget_bias))
      refuse(path + ".forget_bias", "a finite number", number_text(spec.forget_bias));
  }

  void operator()(const ActivityRegularizationSpec& spec) const {
    check_not_negative(path + ".activity", spec.activity);
    check_not_negative(path + ".temporal", spec.temporal);
  }

  void check_inner(const std::vector<LayerSpec>& stack) const {
    if (depth == kMaxLayerDepth) refuse(path, nesting_limit(), "more");
    check_stack(stack, path + ".layers", depth + 1, layers);
  }

  static void check_stack(const std::vector<LayerSpec>& stack, const std::string& path, int depth,
                          Index& layers) {
    if (stack.empty()) refuse(path, "at least one layer", "none");
    for (std::size_t i = 0; i < stack.size(); ++i) {
      const std::string here = item(path, i);
      if (++layers > kMaxLayers)
        refuse(here, "at most " + std::to_string(kMaxLayers) + " layers in all", "more");
      const bool first_of_all = i == 0 && depth == 0;
      if (!first_of_all && std::holds_alternative<EmbeddingSpec>(stack[i].options))
        refuse(here, "an embedding only as a network's first layer", "one elsewhere");
      std::visit(LayerCheck{here, depth, layers}, stack[i].options);
    }
  }
};

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

/// Adds up the parameters of a stack, layer by layer.
struct ParameterCount {
  Index features;  // of the input of the next layer
  Index total = 0;

  /// G gates; R values recur, none where there are no recurrent weights.
  void recurrent(const RecurrentOptions& spec, Index gates, Index outputs, Index recur,
                 Index others) {
    const Index directions = spec.bidirectional ? 2 : 1;
    const Index width = (spec.merge == Merge::concat ? directions : 1) * outputs;
    const Index rows = directions * gates * spec.hidden_size, biases = recur ? 2 : 1;
    total = add(total, multiply(rows, features + recur + biases));
    if (spec.num_layers > 1)
      total = add(total, multiply(multiply(rows, width + recur + biases), spec.num_layers - 1));
    if (others) total = add(total, multiply(directions * spec.num_layers, others));
    features = width;
  }

  void operator()(const LSTMSpec& spec) {
    const CellPlan plan = plan_of(spec);
    const Index H = spec.hidden_size, R = plan.output_size();
    Index others = plan.peepholes * H;
    if (spec.proj_size) others = add(others, multiply(R, H));
    if (spec.layer_norm) others = add(others, (2 * plan.gates + 2) * H);
    recurrent(spec, plan.gates, R, R, others);
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
    features = spec.units;
  }

  void operator()(const EmbeddingSpec& spec) {
    total = add(total, multiply(spec.vocabulary, spec.features));
    features = spec.features;
  }

  void operator()(const DropoutSpec&) {}
  void operator()(const ActivationSpec&) {}
  void operator()(const ActivityRegularizationSpec&) {}
  void operator()(const LayerNormSpec&) { total = add(total, 2 * features); }

  void operator()(const HighwaySpec& spec) {
    const ParameterCount inner = inside(spec.layers);
    const Index row = add(multiply(spec.window, features), 1);
    total = add(total, add(inner.total, multiply(row, inner.features)));
    features = inner.features;
  }

  void operator()(const ResidualSpec& spec) {
    const ParameterCount inner = inside(spec.layers);
    total = add(total, inner.total);
    features = inner.features;
  }

  void operator()(const ConvLSTMSpec& spec) {
    const Index taps = multiply(spec.kernel_height, spec.kernel_width);
    const Index row = add(multiply(taps, spec.channels + spec.filters), 1);
    total = add(total, multiply(4 * spec.filters, row));
    features = spec.height * spec.width * spec.filters;
    if (spec.peephole) total = add(total, 3 * features);
  }

  ParameterCount inside(const std::vector<LayerSpec>& layers) const {
    ParameterCount inner{features};
    for (const LayerSpec& layer : layers) std::visit(inner, layer.options);
    return inner;
  }
};

}  // namespace

bool is_recurrent(const LayerSpec& layer) {
  return std::visit(
      [](const auto& options) {
        return std::is_base_of_v<RecurrentOptions, std::decay_t<decltype(options)>>;
      },
      layer.options);
}

std::string nesting_limit() {
  return "at most " + std::to_string(kMaxLayerDepth) + " layers inside one another";
}

void validate(const LayerSpec& layer, const std::string& path) {
  Index layers = 1;
  std::visit(LayerCheck{path, 0, layers}, layer.options);
}

void validate(const std::vector<LayerSpec>& layers, const std::string& path) {
  Index count = 0;
  LayerCheck::check_stack(layers, path, 0, count);
}

void validate(const LossSpec& loss, const std::string& path) {
  check_enum(path + ".type", loss.kind, LossKind::categorical_crossentropy);
  if (loss.kind == LossKind::huber) check_positive(path + ".delta", loss.delta);
  check_enum(path + ".from_logits", loss.outputs, OutputReading::probabilities);
  check_fraction(path + ".label_smoothing", loss.label_smoothing);
  const bool categorical = loss.kind == LossKind::categorical_crossentropy;
  if (categorical || loss.kind == LossKind::binary_crossentropy) {
    if (loss.ignore_index && !categorical)
      refuse(path + ".ignore_index", "none but for categorical cross-entropy",
             std::to_string(*loss.ignore_index));
    return;
  }
  if (loss.outputs != OutputReading::automatic)
    refuse(path + ".from_logits", "none but for cross-entropies", "one");
  if (loss.label_smoothing != 0.0)
    refuse(path + ".label_smoothing", "0 but for cross-entropies",
           number_text(loss.label_smoothing));
  if (loss.ignore_index)
    refuse(path + ".ignore_index", "none but for categorical cross-entropy",
           std::to_string(*loss.ignore_index));
}

void validate(const OptimizerSpec& optimizer, const std::string& path) {
  check_enum(path + ".type", optimizer.kind, OptimizerKind::rmsprop);
  check_positive(path + ".learning_rate", optimizer.learning_rate);
  check_not_negative(path + ".weight_decay", optimizer.weight_decay);
  check_not_negative(path + ".clip_norm", optimizer.clip_norm);
  check_not_negative(path + ".clip_value", optimizer.clip_value);
  switch (optimizer.kind) {
    case OptimizerKind::sgd:
      check_fraction(path + ".momentum", optimizer.momentum);
      if (optimizer.nesterov && optimizer.momentum == 0.0)
        refuse(path + ".momentum", "a value > 0 with nesterov", "0");
      break;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      check_fraction(path + ".beta1", optimizer.beta1);
      check_fraction(path + ".beta2", optimizer.beta2);
      check_positive(path + ".epsilon", optimizer.epsilon);
      break;
    case OptimizerKind::rmsprop:
      check_fraction(path + ".momentum", optimizer.momentum);
      check_fraction(path + ".rho", optimizer.rho);
      check_positive(path + ".epsilon", optimizer.epsilon);
      break;
  }
}

Index parameter_count(const std::vector<LayerSpec>& layers, Index input_features) {
  validate(layers);
  if (!std::holds_alternative<EmbeddingSpec>(layers[0].options))
    check_integer("input_features", input_features, 1, kMaxWidth);
  ParameterCount count{input_features};
  for (const LayerSpec& layer : layers) std::visit(count, layer.options);
  return count.total;
}

}  // namespace lstm_native
