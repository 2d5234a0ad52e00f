#include "core/training/loss_end.hpp"

#include <optional>

#include "core/specs/json_specs.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// Whether each output is the sigmoid of something, of a layer that the loss cannot look into.
bool is_sigmoid_cell(const LayerSpec& layer) {
  const auto* spec = std::get_if<RNNSpec>(&layer.options);
  return spec && !spec->residual && spec->merge == Merge::concat &&
         (spec->activation.function == CellFunction::sigmoid ||
          spec->activation.function == CellFunction::hard_sigmoid);
}

/// The layer behind `layer` that changes, in training, what it hands on; null: none.
template <class T>
const char* changed_behind(const Chain<T>& chain, std::size_t layer) {
  for (std::size_t i = layer + 1; i < chain.layers().size(); ++i) {
    const LayerSpec spec = chain.layers()[i]->spec();
    if (const auto* dropout = std::get_if<DropoutSpec>(&spec.options))
      if (dropout->rate > 0) return "Dropout";
    if (const auto* charge = std::get_if<ActivityRegularizationSpec>(&spec.options))
      if (charge->activity > 0 || charge->temporal > 0) return "ActivityRegularization";
  }
  return nullptr;
}

[[noreturn]] void refuse(const std::string& what) { throw InvalidArgument("loss: " + what); }

/// What a loss of probabilities takes the outputs for.
struct Probabilities {
  OutputReading outputs;
  bool categorical;  // of a softmax, else of a sigmoid
};

/// Nothing for a loss that takes the outputs as they are.
std::optional<Probabilities> probabilities_of(const LossSpec& loss) {
  if (const auto* spec = std::get_if<BinaryCrossentropyLoss>(&loss.options))
    return Probabilities{spec->outputs, false};
  if (const auto* spec = std::get_if<CategoricalCrossentropyLoss>(&loss.options))
    return Probabilities{spec->outputs, true};
  return std::nullopt;
}

/// The complaints about a cross-entropy over a network that ends with a sigmoid or a softmax.
void check_fits(const Probabilities& loss, Activation end) {
  const bool categorical = loss.categorical;
  if (categorical && end == Activation::sigmoid)
    refuse(
        "categorical_crossentropy needs outputs that sum to 1, but the network ends with a "
        "sigmoid. For one class per row end with softmax or without an activation; for several "
        "independent ones take binary_crossentropy");
  if (!categorical && end == Activation::softmax)
    refuse(
        "binary_crossentropy takes each output for itself, but the network ends with a softmax. "
        "For one class per row take categorical_crossentropy; for independent outputs end with "
        "sigmoid or without an activation");
  if (loss.outputs == OutputReading::logits)
    refuse(std::string("from_logits=True, but the network ends with a ") +
           (categorical ? "softmax" : "sigmoid") +
           ", whose outputs are probabilities. Leave from_logits away, or end with a Dense without "
           "an activation");
}

/// The activation that the first `count` layers end with.
template <class T>
NetworkEnd end_of(const Chain<T>& chain, std::size_t count) {
  for (std::size_t i = count; i-- > 0;) {
    const LayerSpec spec = chain.layers()[i]->spec();
    if (const auto* dense = std::get_if<DenseSpec>(&spec.options)) return {dense->activation, i};
    if (const auto* function = std::get_if<ActivationSpec>(&spec.options)) {
      if (function->activation != Activation::linear) return {function->activation, i};
    } else if (!std::holds_alternative<DropoutSpec>(spec.options) &&
               !std::holds_alternative<ActivityRegularizationSpec>(spec.options)) {
      break;
    }
  }
  return {};
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
void check_logits(const Probabilities& loss, const Chain<T>& chain, const NetworkEnd& end) {
  const bool last = !gives_probabilities(end.activation);
  if (!last && !std::holds_alternative<ActivationSpec>(chain.layers()[end.layer]->spec().options))
    return;  // a Dense makes its logits itself
  const Activation inner = last ? end.activation : end_of(chain, end.layer).activation;
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
NetworkEnd network_end(const Chain<T>& chain) {
  return end_of(chain, chain.layers().size());
}

template <class T>
NetworkEnd loss_end(const LossSpec& spec, const Chain<T>& chain) {
  const Index outputs = chain.layers().back()->output_features();
  const NetworkEnd end = network_end(chain);
  if (end.activation == Activation::softmax && outputs == 1)
    refuse("the network ends with a softmax over one output, which is always 1. End with sigmoid");
  const std::optional<Probabilities> found = probabilities_of(spec);
  if (!found) return {};
  const Probabilities& loss = *found;
  const bool categorical = loss.categorical;
  if (categorical && outputs == 1)
    refuse(
        "categorical_crossentropy of one output is always 0. Take binary_crossentropy, or give "
        "the network one output for each class");
  if (gives_probabilities(end.activation)) {
    check_fits(loss, end.activation);
    check_logits(loss, chain, end);
    if (const char* layer = changed_behind(chain, end.layer))
      refuse(std::string(layer) + " behind the " + (categorical ? "softmax" : "sigmoid") +
             " that the network ends with: what it hands on in training are no probabilities. Put "
             "it before the last layer");
    return end;
  }
  if (loss.outputs == OutputReading::probabilities)
    refuse(std::string("from_logits=False, but the network does not end with a ") +
           (categorical ? "softmax" : "sigmoid") +
           ", so that its outputs are no probabilities. Leave from_logits away, or end with "
           "Dense(..., activation='" +
           (categorical ? "softmax" : "sigmoid") + "')");
  check_logits(loss, chain, end);
  if (loss.outputs == OutputReading::automatic && is_sigmoid_cell(chain.layers().back()->spec()))
    refuse(
        "the network ends with a recurrent layer of sigmoid activation, whose outputs from 0 to 1 "
        "would be read as logits. Put a Dense behind it, or say from_logits=True if that is meant");
  return {};
}

template NetworkEnd network_end(const Chain<float>&);
template NetworkEnd network_end(const Chain<double>&);
template NetworkEnd loss_end(const LossSpec&, const Chain<float>&);
template NetworkEnd loss_end(const LossSpec&, const Chain<double>&);

}  // namespace lstm_native
