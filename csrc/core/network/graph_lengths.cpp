#include "core/network/graph_lengths.hpp"

#include <variant>

namespace lstm_native {
namespace {

/// Whether a layer finds the ends of sequences in the values, which are not there.
template <class T>
bool finds_ends(const Layer<T>& layer) {
  return std::holds_alternative<MaskingSpec>(layer.spec().options);
}

}  // namespace

template <class T>
std::vector<std::vector<Index>> output_lengths(const Graph<T>& graph, const Batch<T>* x) {
  Workspace workspace;
  std::vector<Index> timesteps;
  std::vector<Batch<T>> values(graph.values()), in;
  for (std::size_t i = 0; i < graph.inputs(); ++i) {
    values[i] = {nullptr, nullptr, x[i].samples, x[i].timesteps, x[i].features, x[i].lengths};
    timesteps.push_back(x[i].timesteps);
  }
  const std::vector<OutputShape> shapes = graph.value_shapes(timesteps);
  for (const GraphStep<T>& step : graph.steps()) {
    in.clear();
    for (const GraphSource& source : step.sources)
      in.push_back(source.place < 0 ? Batch<T>{} : values[graph.value_of(source)]);
    for (std::size_t o = 0; o < step.outputs.size(); ++o) {
      const std::size_t v = static_cast<std::size_t>(step.first_value) + o;
      values[v] = {nullptr, nullptr, x[0].samples, shapes[v].timesteps, shapes[v].features};
      if (shapes[v].timesteps)
        values[v].lengths = finds_ends(*step.layer)
                                ? in[0].lengths
                                : step.layer->output_lengths(o, in.data(), workspace);
    }
  }
  std::vector<std::vector<Index>> found;
  for (const GraphOutput& output : graph.structure().outputs) {
    const Batch<T>& value = values[graph.value_of(output.source)];
    found.emplace_back();
    if (!value.lengths) continue;
    found.back().assign(value.lengths, value.lengths + value.samples);
  }
  return found;
}

template std::vector<std::vector<Index>> output_lengths(const Graph<float>&, const Batch<float>*);
template std::vector<std::vector<Index>> output_lengths(const Graph<double>&, const Batch<double>*);

}  // namespace lstm_native
