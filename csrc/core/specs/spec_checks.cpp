#include "core/specs/spec_checks.hpp"

#include <cmath>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/base/message_text.hpp"
#include "core/specs/ranges.hpp"

namespace lstm_native {
namespace {

void check_integer(const std::string& path, Index value, Index low, Index high) {
  check_value(path, value, integers(low, high));
}
void check_fraction(const std::string& path, double value) {
  check_value(path, value, fractions());
}
void check_positive(const std::string& path, double value) { check_value(path, value, positive()); }
void check_not_negative(const std::string& path, double value) {
  check_value(path, value, not_negative());
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
    if (spec.dropout != 0 && spec.num_layers == 1)
      refuse(path + ".dropout",
             "0, for it acts between stacked layers, but num_layers is 1 (put a Dropout layer "
             "behind instead)",
             number_text(spec.dropout));
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

  template <class Spec>
  void check_forget_bias(const Spec& spec) const {
    if (!std::isfinite(spec.forget_bias))
      refuse(path + ".forget_bias", "a finite number", number_text(spec.forget_bias));
    const double standard = Spec{}.forget_bias;
    if (!spec.bias && spec.forget_bias != standard)
      refuse(path + ".forget_bias", number_text(standard) + ", as it is by default, without bias",
             number_text(spec.forget_bias));
  }

  void operator()(const LSTMSpec& spec) const {
    check_options(spec);
    check_forget_bias(spec);
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
    check_forget_bias(spec);
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

}  // namespace lstm_native
