#include "core/network/graph.hpp"

#include <algorithm>
#include <unordered_map>

#include "core/base/message_text.hpp"
#include "core/network/ties.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// Runs `body`, whose complaints are about this node.
template <class Body>
auto at_node(const std::string& label, const Body& body) {
  try {
    return body();
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(label + ": " + error.what());
  }
}

}  // namespace

template <class T>
GraphSpec row_of(const std::vector<std::shared_ptr<Layer<T>>>& layers) {
  if (layers.empty()) throw InvalidArgument("network: expected at least one layer, got none");
  GraphSpec spec;
  const Port first = layers.front()->inputs().front();
  if (first.kind == Port::Kind::tokens)
    spec.inputs.push_back({"x", 0, first.features});
  else
    spec.inputs.push_back({"x", first.features, 0});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto place = static_cast<Index>(i);
    spec.layers.push_back({std::to_string(i), {}});
    spec.nodes.push_back({std::to_string(i), place, {{place, 0}}});
  }
  spec.outputs.push_back({"y", {static_cast<Index>(layers.size()), 0}});
  return spec;
}

template <class T>
Graph<T>::Graph(const std::vector<std::shared_ptr<Layer<T>>>& layers)
    : spec_(row_of(layers)), layers_(layers), row_(true) {
  std::unordered_map<const Layer<T>*, std::size_t> known;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto [first, is_new] = known.emplace(layers_[i].get(), i);
    if (!is_new)
      throw InvalidArgument("layer " + std::to_string(i) + " is the same as layer " +
                            std::to_string(first->second) + ": make one layer for each");
  }
  make_steps();
  check_outputs();
  chain_ = find_chain();
  tie_layers(layers_, row_);
  place_parameters();
}

template <class T>
Graph<T>::Graph(GraphSpec spec, std::vector<std::shared_ptr<Layer<T>>> layers)
    : spec_(std::move(spec)), layers_(std::move(layers)) {
  check_structure(spec_);
  if (layers_.size() != spec_.layers.size())
    throw InvalidArgument("network: expected " + std::to_string(spec_.layers.size()) +
                          " layers, got " + std::to_string(layers_.size()));
  make_steps();
  check_outputs();
  chain_ = find_chain();
  tie_layers(layers_, row_);
  place_parameters();
}

template <class T>
void Graph<T>::make_steps() {
  values_ = inputs();
  for (const GraphNode& node : spec_.nodes) {
    const auto index = static_cast<std::size_t>(node.layer);
    GraphStep<T> step;
    step.layer = layers_[index].get();
    step.layer_index = index;
    step.label = row_ ? "layer " + node.name : "node " + quoted(node.name);
    step.inputs = step.layer->inputs();
    step.outputs = step.layer->outputs();
    step.sources = node.inputs;
    step.lengths_use = step.layer->lengths_use();
    step.adds_to_loss = step.layer->adds_to_loss();
    step.first_value = static_cast<Index>(values_);
    at_node(step.label, [&] { connect(step); });
    values_ += step.outputs.size();
    steps_.push_back(std::move(step));
  }
  stacked_.assign(inputs(), 1);
  for (const GraphStep<T>& step : steps_)
    for (const Port& port : step.outputs) stacked_.push_back(port.stacked);
  read_.assign(values_, 0);
  for (const GraphStep<T>& step : steps_)
    for (const std::size_t value : step.reads)
      if (value != kNoValue) read_[value] = 1;
}

template <class T>
void Graph<T>::connect(GraphStep<T>& step) const {
  if (step.sources.size() > step.inputs.size())
    throw InvalidArgument("expected at most " + std::to_string(step.inputs.size()) +
                          " inputs, got " + std::to_string(step.sources.size()));
  step.sources.resize(step.inputs.size());
  step.reads.assign(step.inputs.size(), kNoValue);
  step.carries.assign(step.inputs.size(), kNoPort);
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    const Port& port = step.inputs[i];
    if (step.sources[i].place < 0) {
      if (!port.optional)
        throw InvalidArgument(std::string("input '") + port.name + "' reads nothing");
      if (port.kind != Port::Kind::state) continue;
      for (std::size_t o = 0; o < step.outputs.size(); ++o)
        if (step.outputs[o].name == std::string_view(port.name)) step.carries[i] = o;
      continue;
    }
    check_fit(port, step.sources[i]);
    step.reads[i] = value_of(step.sources[i]);
  }
}

template <class T>
void Graph<T>::check_fit(const Port& port, const GraphSource& source) const {
  const Port from = port_of(source);
  const std::string what = row_ ? std::string() : std::string("input '") + port.name + "': ";
  if (from.kind == Port::Kind::tokens) {
    if (port.kind == Port::Kind::tokens) {
      if (from.features <= port.features || port.features == 0) return;
      throw InvalidArgument(what + "takes tokens below " + std::to_string(port.features) +
                            ", but the input has tokens below " + std::to_string(from.features));
    }
    throw InvalidArgument(what + "expected values, got tokens");
  }
  if (port.kind == Port::Kind::tokens)
    throw InvalidArgument(row_ ? "an Embedding takes tokens and can only come first"
                               : what + "expected tokens, got values");
  const bool state = port.kind == Port::Kind::state;
  if (state && from.stacked != port.stacked)
    throw InvalidArgument(what + "expected " + std::to_string(port.stacked) +
                          " stacked states, got " + std::to_string(from.stacked));
  const Index features = state ? from.features : from.stacked * from.features;
  if (features == port.features || port.features == kAnyFeatures) return;
  if (row_)
    throw InvalidArgument("expected " + std::to_string(port.features) +
                          " input features, the layer before gives " + std::to_string(features));
  throw InvalidArgument(what + "expected " + std::to_string(port.features) + " features, got " +
                        std::to_string(features));
}

template <class T>
Port Graph<T>::port_of(const GraphSource& source) const {
  const std::size_t node = node_of(source);
  if (node == kNoNode) {
    const GraphInput& input = spec_.inputs[static_cast<std::size_t>(source.place)];
    if (source.port != 0) throw InvalidArgument("an input has one port, 0");
    if (input.vocabulary) return {"x", input.vocabulary, Port::Kind::tokens};
    return {"x", input.features};
  }
  const GraphStep<T>& step = steps_[node];
  if (source.port < 0 || static_cast<std::size_t>(source.port) >= step.outputs.size())
    throw InvalidArgument("reads port " + std::to_string(source.port) + " of " + step.label +
                          ", which has " + std::to_string(step.outputs.size()) + " outputs");
  return step.outputs[static_cast<std::size_t>(source.port)];
}

template <class T>
void Graph<T>::check_outputs() {
  std::vector<bool> read(inputs() + steps_.size());
  for (const GraphNode& node : spec_.nodes)
    for (const GraphSource& source : node.inputs)
      if (source.place >= 0) read[static_cast<std::size_t>(source.place)] = true;
  for (const GraphOutput& output : spec_.outputs) {
    at_node("output " + quoted(output.name), [&] {
      if (port_of(output.source).kind == Port::Kind::tokens)
        throw InvalidArgument("expected values, got tokens");
    });
    read[static_cast<std::size_t>(output.source.place)] = true;
    output_values_.push_back(value_of(output.source));
    read_[output_values_.back()] = 1;
  }
  for (std::size_t i = 0; i < read.size(); ++i)
    if (!read[i]) {
      const bool input = i < inputs();
      throw InvalidArgument(input ? "input " + quoted(spec_.inputs[i].name) + " leads nowhere"
                                  : steps_[i - inputs()].label + " leads to no output");
    }
}

template <class T>
bool Graph<T>::find_chain() const {
  std::size_t before = 0;
  for (const GraphStep<T>& step : steps_) {
    const auto others = std::count(step.reads.begin() + 1, step.reads.end(), kNoValue);
    if (step.reads[0] != before || others + 1 != static_cast<std::ptrdiff_t>(step.reads.size()))
      return false;
    before = static_cast<std::size_t>(step.first_value);
  }
  return inputs() == 1 && outputs() == 1 && output_values_[0] == before;
}

template <class T>
void Graph<T>::place_parameters() {
  std::unordered_map<const Parameter<T>*, std::size_t> place_of;
  for (const auto& layer : layers_) {
    std::vector<std::size_t> places;
    for (Parameter<T>* p : layer->parameters()) {
      const auto [found, is_new] = place_of.emplace(p, parameters_.size());
      places.push_back(found->second);
      if (is_new) parameters_.push_back(p);
    }
    places_.push_back(std::move(places));
  }
}

template <class T>
GraphSpec Graph<T>::spec() const {
  GraphSpec spec = spec_;
  for (std::size_t i = 0; i < layers_.size(); ++i) spec.layers[i].spec = layers_[i]->spec();
  return spec;
}

template <class T>
std::size_t Graph<T>::value_of(const GraphSource& source) const {
  const std::size_t node = node_of(source);
  if (node == kNoNode) return static_cast<std::size_t>(source.place);
  return static_cast<std::size_t>(steps_[node].first_value + source.port);
}

template <class T>
Index Graph<T>::output_features(std::size_t output) const {
  const Port port = port_of(spec_.outputs[output].source);
  return port.stacked * port.features;
}

template <class T>
std::vector<OutputShape> Graph<T>::value_shapes(const std::vector<Index>& timesteps) const {
  std::vector<OutputShape> shapes(values_), in;
  for (std::size_t i = 0; i < inputs(); ++i) shapes[i] = {timesteps[i], input_features(i)};
  for (const GraphStep<T>& step : steps_) {
    in.clear();
    for (std::size_t i = 0; i < step.reads.size(); ++i) {
      in.push_back(step.reads[i] == kNoValue ? OutputShape{} : shapes[step.reads[i]]);
      if (reads_joined(step, i)) in.back().features *= stacked(step.reads[i]);
    }
    try {
      check_states(step, in.data());
      for (std::size_t o = 0; o < step.outputs.size(); ++o)
        shapes[static_cast<std::size_t>(step.first_value) + o] =
            step.layer->output_shape(o, in.data());
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(step.label + ": " + error.what() + what_is_read(step));
    }
  }
  return shapes;
}

template <class T>
std::string Graph<T>::what_is_read(const GraphStep<T>& step) const {
  std::string text;
  std::size_t count = 0;
  for (std::size_t i = 0; i < step.sources.size(); ++i) {
    const GraphSource& source = step.sources[i];
    if (source.place < 0) continue;
    const std::size_t node = node_of(source);
    text += (count++ ? ", " : "; ") + std::string(step.inputs[i].name) + " is " +
            quoted(node == kNoNode ? spec_.inputs[static_cast<std::size_t>(source.place)].name
                                   : spec_.nodes[node].name);
  }
  return count > 1 ? text : std::string();
}

template <class T>
std::vector<OutputShape> Graph<T>::output_shapes(const std::vector<Index>& timesteps) const {
  const std::vector<OutputShape> all = value_shapes(timesteps);
  std::vector<OutputShape> shapes;
  for (const std::size_t value : output_values_) {
    shapes.push_back(all[value]);
    shapes.back().features *= stacked(value);
  }
  return shapes;
}

template <class T>
OutputShape Graph<T>::output_shape(Index timesteps) const {
  if (!chain_) return output_shapes({timesteps}).front();
  // Without lists, for the quickest calls.
  OutputShape shape{timesteps, 0};
  for (const GraphStep<T>& step : steps_)
    at_node(step.label, [&] { shape = step.layer->output_shape(0, &shape); });
  return shape;
}

template <class T>
std::vector<std::pair<std::string, Parameter<T>*>> Graph<T>::parameters() const {
  std::vector<std::pair<std::string, Parameter<T>*>> list;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto used = layers_[i]->parameters();
    for (std::size_t j = layers_[i]->borrowed_parameters(); j < used.size(); ++j)
      list.emplace_back(spec_.layers[i].name + "." + used[j]->info.name, used[j]);
  }
  return list;
}

template <class T>
void Graph<T>::parameters_changed() const {
  for (const auto& layer : layers_) layer->parameters_changed();
}

template <class T>
Index Graph<T>::version() const {
  Index sum = 0;
  for (const auto& layer : layers_) sum += layer->version();
  return sum;
}

template <class T>
void Graph<T>::check_lengths(std::size_t input, const Batch<T>& x) const {
  if (!x.lengths) return;
  if (x.timesteps == 0)
    throw InvalidArgument("lengths: expected an input with a time axis, got one without");
  for (Index i = 0; i < x.samples; ++i)
    if (x.lengths[i] < 0 || x.lengths[i] > x.timesteps)
      throw InvalidArgument("lengths: expected 0 to " + std::to_string(x.timesteps) +
                            " (the timesteps of " + named(input) + "), got " +
                            std::to_string(x.lengths[i]) + " for sequence " + std::to_string(i));
}

template <class T>
void Graph<T>::check_shape(std::size_t input, const Batch<T>& x) const {
  if (x.samples < 1)
    throw InvalidArgument(named(input) + ": expected at least one sample, got none");
  if (x.timesteps < 0)
    throw InvalidArgument(named(input) + ": expected timesteps >= 0, got " +
                          std::to_string(x.timesteps));
  check_lengths(input, x);
  if (takes_tokens(input)) {
    if (!x.tokens) throw InvalidArgument(named(input) + ": expected token indices, got values");
    return;
  }
  if (!x.values) throw InvalidArgument(named(input) + ": expected values, got token indices");
  if (x.features != input_features(input))
    throw InvalidArgument(named(input) + ": expected " + std::to_string(input_features(input)) +
                          " features, got " + std::to_string(x.features));
}

template <class T>
void Graph<T>::check_shapes(const Batch<T>* x) const {
  for (std::size_t i = 0; i < inputs(); ++i) {
    check_shape(i, x[i]);
    if (x[i].samples != x[0].samples)
      throw InvalidArgument(named(i) + ": expected " + std::to_string(x[0].samples) +
                            " samples, as " + named(0) + " has, got " +
                            std::to_string(x[i].samples));
  }
}

template <class T>
void Graph<T>::check_inputs(const Batch<T>* x) const {
  check_shapes(x);
  for (std::size_t i = 0; i < inputs(); ++i)
    if (takes_tokens(i)) check_tokens(i, x[i]);
}

template <class T>
void Graph<T>::check_tokens(std::size_t input, const Batch<T>& x) const {
  const Index vocabulary = spec_.inputs[input].vocabulary;
  const Index steps = rows_of(1, x.timesteps);
  for (Index i = 0; i < x.samples * steps; ++i) {
    if (x.lengths && i % steps >= x.lengths[i / steps]) continue;  // padding may hold anything
    if (x.tokens[i] < 0 || x.tokens[i] >= vocabulary)
      throw InvalidArgument(named(input) + ": expected tokens from 0 to " +
                            std::to_string(vocabulary - 1) + ", got " +
                            std::to_string(x.tokens[i]) + " at position " + std::to_string(i));
  }
}

template <class T>
std::string Graph<T>::named(std::size_t input) const {
  return inputs() == 1 ? "x" : "input " + quoted(spec_.inputs[input].name);
}

template GraphSpec row_of(const std::vector<std::shared_ptr<Layer<float>>>&);
template GraphSpec row_of(const std::vector<std::shared_ptr<Layer<double>>>&);
template class Graph<float>;
template class Graph<double>;

}  // namespace lstm_native
