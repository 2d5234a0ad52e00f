#include "core/training/loss_end.hpp"

#include <optional>
#include <string>

#include "core/specs/json_specs.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// Whether each output is the sigmoid of something, of a layer that the loss cannot look into.
template <class T>
bool is_sigmoid_cell(const PathBack<T>& path) {
  if (path.node() == kNoNode) return false;
  const LayerSpec layer = path.spec();
  const auto* spec = std::get_if<RNNSpec>(&layer.options);
  return spec && !spec->residual && spec->merge == Merge::concat &&
         (spec->activation.function == CellFunction::sigmoid ||
          spec->activation.function == CellFunction::hard_sigmoid);
}

/// The layer behind node `end` that changes, in training, what it hands on; null: none.
template <class T>
const char* changed_behind(const Graph<T>& graph, std::size_t output, std::size_t end) {
  for (auto path = path_to(graph, output); path.node() != end; path.go_back()) {
    const LayerSpec spec = path.spec();
    if (const auto* dropout = std::get_if<DropoutSpec>(&spec.options))
      if (dropout->rate > 0) return "Dropout";
    if (const auto* charge = std::get_if<ActivityRegularizationSpec>(&spec.options))
      if (charge->activity > 0 || charge->temporal > 0) return "ActivityRegularization";
  }
  return nullptr;
}

/// Whether anything but the output reads what leaves node `end` or a node behind it.
template <class T>
bool read_elsewhere(const Graph<T>& graph, std::size_t output, std::size_t end) {
  const auto readers = [&](std::size_t node) {
    const auto value = static_cast<std::size_t>(graph.steps()[node].first_value);
    Index count = 0;
    for (const GraphStep<T>& step : graph.steps())
      for (const GraphSource& source : step.sources)
        count += source.place >= 0 && graph.value_of(source) == value;
    for (const GraphOutput& named : graph.structure().outputs)
      count += graph.value_of(named.source) == value;
    return count;
  };
  for (auto path = path_to(graph, output);; path.go_back()) {
    if (readers(path.node()) > 1) return true;
    if (path.node() == end) return false;
  }
}

[[noreturn]] void refuse(const std::string& what) { throw InvalidArgument("loss: " + what); }

/// What a loss of probabilities takes the outputs for.
struct Probabilities {
  std::string name;
  OutputReading outputs;
  bool categorical;   // of a softmax, else of a sigmoid
  std::string other;  // the loss of the other kind; empty: there is none
};

/// Nothing for a loss that takes the outputs as they are.
std::optional<Probabilities> probabilities_of(const LossSpec& loss) {
  using Binary = BinaryCrossentropyLoss;
  using Categorical = CategoricalCrossentropyLoss;
  if (const auto* spec = std::get_if<Binary>(&loss.options))
    return Probabilities{spec->kName, spec->outputs, false, Categorical::kName};
  if (const auto* spec = std::get_if<Categorical>(&loss.options))
    return Probabilities{spec->kName, spec->outputs, true, Binary::kName};
  if (const auto* spec = std::get_if<BinaryFocalLoss>(&loss.options))
    return Probabilities{spec->kName, spec->outputs, false, CategoricalFocalLoss::kName};
  if (const auto* spec = std::get_if<CategoricalFocalLoss>(&loss.options))
    return Probabilities{spec->kName, spec->outputs, true, BinaryFocalLoss::kName};
  if (const auto* spec = std::get_if<CTCLoss>(&loss.options))
    return Probabilities{spec->kName, spec->outputs, true, ""};
  return std::nullopt;
}

/// The complaints about a cross-entropy over a network that ends with a sigmoid or a softmax.
void check_fits(const Probabilities& loss, Activation end) {
  const bool categorical = loss.categorical;
  if (categorical && end == Activation::sigmoid)
    refuse(loss.name +
           " needs outputs that sum to 1, but the network ends with a sigmoid. For one class per "
           "row end with softmax or without an activation" +
           (loss.other.empty() ? "" : "; for several independent ones take " + loss.other));
  if (!categorical && end == Activation::softmax)
    refuse(loss.name +
           " takes each output for itself, but the network ends with a softmax. For one class per "
           "row take " +
           loss.other + "; for independent outputs end with sigmoid or without an activation");
  if (loss.outputs == OutputReading::logits)
    refuse(std::string("from_logits=True, but the network ends with a ") +
           (categorical ? "softmax" : "sigmoid") +
           ", whose outputs are probabilities. Leave from_logits away, or end with a Dense without "
           "an activation");
}

/// What the values of an activation are held to.
const char* bounds_of(Activation activation) {
  return activation == Activation::tanh ? "-1 to 1" : "0 and above";
}

bool gives_probabilities(Activation activation) {
  return activation == Activation::sigmoid || activation == Activation::softmax;
}

/// The complaints about logits that another activation has bounded: they cannot say "surely not".
template <class T>
void check_logits(const Probabilities& loss, const Graph<T>& graph, const NetworkEnd& end) {
  const bool last = !gives_probabilities(end.activation);
  const Layer<T>* const ending = end.node == kNoNode ? nullptr : graph.steps()[end.node].layer;
  if (!last && !std::holds_alternative<ActivationSpec>(ending->spec().options))
    return;  // a Dense makes its logits itself
  const Activation inner =
      last ? end.activation
           : end_of(PathBack<T>(graph, graph.steps()[end.node].sources.front())).activation;
  if (inner == Activation::linear) return;
  const std::string name = activation_name(inner);
  const std::string both = last ? name : activation_name(end.activation) + " of a " + name;
  if (gives_probabilities(inner))
    refuse("the network ends with a " + both +
           ", so that numbers from 0 to 1 are taken for logits. Leave one of the two activations "
           "away");
  if (loss.outputs == (last ? OutputReading::logits : OutputReading::probabilities)) return;
  refuse("the network ends with a " + both + ", which holds the logits to " + bounds_of(inner) +
         ". End with a Dense without " + name +
         ", or say from_logits=" + (last ? "True" : "False") + " if that is meant");
}

}  // namespace

template <class T>
NetworkEnd loss_end(const LossSpec& spec, const Graph<T>& graph, std::size_t output) {
  const Index outputs = graph.output_features(output);
  const NetworkEnd end = network_end(graph, output);
  if (end.activation == Activation::softmax && outputs == 1)
    refuse("the network ends with a softmax over one output, which is always 1. End with sigmoid");
  const std::optional<Probabilities> found = probabilities_of(spec);
  if (!found) return {};
  const Probabilities& loss = *found;
  const bool categorical = loss.categorical;
  if (categorical && outputs == 1)
    refuse(loss.name + " of one output is always 0. " +
           (loss.other.empty() ? "Give" : "Take " + loss.other + ", or give") +
           " the network one output for each class");
  if (gives_probabilities(end.activation)) {
    check_fits(loss, end.activation);
    check_logits(loss, graph, end);
    if (const char* layer = changed_behind(graph, output, end.node))
      refuse(std::string(layer) + " behind the " + (categorical ? "softmax" : "sigmoid") +
             " that the network ends with: what it hands on in training are no probabilities. Put "
             "it before the last layer");
    if (read_elsewhere(graph, output, end.node))
      refuse(std::string("the ") + (categorical ? "softmax" : "sigmoid") +
             " that the output ends with is read elsewhere, too, so that the loss cannot look "
             "behind it. Give the loss a Dense or Activation of its own");
    return end;
  }
  if (loss.outputs == OutputReading::probabilities)
    refuse(std::string("from_logits=False, but the network does not end with a ") +
           (categorical ? "softmax" : "sigmoid") +
           ", so that its outputs are no probabilities. Leave from_logits away, or end with "
           "Dense(..., activation='" +
           (categorical ? "softmax" : "sigmoid") + "')");
  check_logits(loss, graph, end);
  if (loss.outputs == OutputReading::automatic && is_sigmoid_cell(path_to(graph, output)))
    refuse(
        "the network ends with a recurrent layer of sigmoid activation, whose outputs from 0 to 1 "
        "would be read as logits. Put a Dense behind it, or say from_logits=True if that is meant");
  return {};
}

template NetworkEnd loss_end(const LossSpec&, const Graph<float>&, std::size_t);
template NetworkEnd loss_end(const LossSpec&, const Graph<double>&, std::size_t);

}  // namespace lstm_native
