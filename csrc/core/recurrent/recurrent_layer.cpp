// Parameters of the recurrent layers. How they compute stands in recurrent_pass.hpp.
#include "core/recurrent/recurrent_layer.hpp"

#include <algorithm>
#include <type_traits>

#include "core/numeric/initialisers.hpp"
#include "core/recurrent/recurrent_stream.hpp"
#include "core/recurrent/sequence_masks.hpp"
#include "core/runtime/threads.hpp"
#include "core/specs/layer_kinds.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

// Which parts of a direction's seed its weights are drawn from. Those of the first two kinds are
// followed by one for each gate.
constexpr std::uint64_t kInputSeed = 0, kRecurrentSeed = 4, kReverseSeed = 8, kProjectionSeed = 9;

struct Description {
  const char* name;
  RecurrentOptions options;
  CellPlan plan;
};

Description describe(const LayerSpec& layer) {
  return visit_kind(layer, [](const auto& spec, auto kind) -> Description {
    if constexpr (std::is_base_of_v<RecurrentOptions, std::decay_t<decltype(spec)>>)
      return {kind.name, spec, plan_of(spec)};
    else
      throw InvalidArgument(std::string("layer: expected a recurrent one, got ") + kind.name);
  });
}

}  // namespace

template <class T>
RecurrentLayer<T>::RecurrentLayer(const LayerSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec), inputs_(inputs) {
  const Description description = describe(spec);
  name_ = description.name;
  options_ = description.options;
  plan_ = description.plan;
  for (Index l = 0; l < options_.num_layers; ++l) {
    const Index features = l == 0 ? inputs : output_features();
    const std::string suffix = "_l" + std::to_string(l);
    const WeightSeed layer_seed = derive_seed(seed, static_cast<std::uint64_t>(l));
    add_direction(suffix, features, layer_seed);
    if (options_.bidirectional)
      add_direction(suffix + "_reverse", features, derive_seed(layer_seed, kReverseSeed));
  }
}

template <class T>
void RecurrentLayer<T>::add_direction(const std::string& suffix, Index inputs, WeightSeed seed) {
  DirectionParameters<T> p;
  std::vector<T**> fields;
  for_each_parameter(plan_, inputs, p, [&](const char* name, std::vector<Index> shape, T*& field) {
    parameters_.push_back(make_parameter<T>(name + suffix, std::move(shape)));
    field = parameters_.back().value.data();
  });
  const Index hidden_size = plan_.hidden_size, outputs = plan_.output_size(),
              rows = plan_.gates * hidden_size;
  const auto gate_seed = [&](std::uint64_t kind, Index gate) {
    return derive_seed(seed, kind + static_cast<std::uint64_t>(gate));
  };
  for (Index g = 0; g < plan_.gates; ++g)
    glorot_uniform(inputs, hidden_size, gate_seed(kInputSeed, g), hidden_size * inputs,
                   p.input + g * hidden_size * inputs);
  const auto recurrent_block = [&](Index g, Cancellation* cancellation) {
    T* w = p.recurrent + g * hidden_size * outputs;
    if (plan_.identity_init) {
      for (Index u = 0; u < hidden_size; ++u) w[u * outputs + u] = T(1);
    } else if (outputs == hidden_size) {
      orthogonal(hidden_size, gate_seed(kRecurrentSeed, g), w, cancellation);
    } else {  // orthogonal columns
      std::vector<T> square(static_cast<std::size_t>(hidden_size * hidden_size));
      orthogonal(hidden_size, gate_seed(kRecurrentSeed, g), square.data(), cancellation);
      for (Index u = 0; u < hidden_size; ++u)
        std::copy_n(square.data() + u * hidden_size, outputs, w + u * outputs);
    }
  };
  if (plan_.recurrent) {
    Cancellation* const cancellation = Cancellation::current();
    const double n = static_cast<double>(hidden_size);
    const bool large = seed && parallel_parts(plan_.gates, n * n * n) > 1;
    // A part for each gate: where that does not come out even, this thread has one more than the
    // others, and can be asked to end until all are done.
    run_parts(large ? plan_.gates : 1, plan_.gates, [&](Index, Index begin, Index end) {
      for (Index g = begin; g < end; ++g) recurrent_block(g, cancellation);
    });
  }
  if (plan_.bias && plan_.forget_gate >= 0)
    std::fill_n(p.bias_input + plan_.forget_gate * hidden_size, hidden_size,
                static_cast<T>(plan_.forget_bias));
  if (p.projection)
    glorot_uniform(hidden_size, outputs, derive_seed(seed, kProjectionSeed), outputs * hidden_size,
                   p.projection);
  if (!plan_.layer_norm) return;
  std::fill_n(p.norm_input, rows, T(1));
  std::fill_n(p.norm_recurrent, rows, T(1));
  std::fill_n(p.norm_cell, hidden_size, T(1));
}

template <class T>
OutputShape RecurrentLayer<T>::output_shape(Index timesteps) const {
  if (timesteps < 1)
    throw InvalidArgument(
        std::string(name_) +
        ": expected 3 dimensions (samples, timesteps, features), got 2: no time axis");
  return {options_.return_sequences ? timesteps : 0, output_features()};
}

template <class T>
std::vector<Parameter<T>*> RecurrentLayer<T>::parameters() {
  std::vector<Parameter<T>*> list;
  list.reserve(parameters_.size());
  for (Parameter<T>& p : parameters_) list.push_back(&p);
  return list;
}

template <class T>
template <class V>
DirectionParameters<V> RecurrentLayer<T>::of_direction(V* const* all, std::size_t index) const {
  DirectionParameters<V> p;
  V* const* next = all + index * parameters_per_direction();
  for_each_parameter(
      plan_, 0, p, [&](const char*, std::initializer_list<Index>, V*& field) { field = *next++; });
  return p;
}

template <class T>
void RecurrentLayer<T>::pack(Packed& packed, const std::vector<const T*>& values) const {
  const KernelTable<T>& k = kernels_for<T>(plan_.hidden_size);
  packed.resize(all_directions());
  for (std::size_t r = 0; r < packed.size(); ++r)
    packed[r].pack(plan_, parameters_[r * parameters_per_direction()].info.shape[1], k,
                   of_direction<const T>(values.data(), r));
}

template <class T>
std::shared_ptr<const typename RecurrentLayer<T>::Packed> RecurrentLayer<T>::packed() const {
  return packed_.get(&kernels_for<T>(plan_.hidden_size), [&](Packed& packed) {
    std::vector<const T*> values;
    for (const Parameter<T>& p : parameters_) values.push_back(p.value.data());
    pack(packed, values);
  });
}

template <class T>
std::shared_ptr<const typename RecurrentLayer<T>::Packed> RecurrentLayer<T>::packed_with_drops(
    std::uint64_t seed) const {
  std::vector<std::vector<T>> dropped(all_directions());
  std::vector<const T*> values;
  for (const Parameter<T>& p : parameters_) values.push_back(p.value.data());
  for (std::size_t r = 0; r < all_directions(); ++r) {
    const std::size_t at = recurrent_weight(r);
    const std::vector<T>& weight = parameters_[at].value;
    dropped[r].resize(weight.size());
    draw_dropout(options_.weight_drop, derive_seed(seed, r), static_cast<Index>(weight.size()),
                 dropped[r].data());
    for (std::size_t i = 0; i < weight.size(); ++i) dropped[r][i] *= weight[i];
    values[at] = dropped[r].data();
  }
  auto packed = std::make_shared<Packed>();
  pack(*packed, values);
  return packed;
}

template <class T>
std::unique_ptr<LayerStream<T>> RecurrentLayer<T>::stream(Index rows) const {
  if (options_.bidirectional || options_.reverse)
    throw InvalidArgument(std::string(name_) +
                          ": cannot be streamed: its output depends on steps to come "
                          "(bidirectional or reverse)");
  return make_recurrent_stream<T>(packed(), rows, options_.residual);
}

template class RecurrentLayer<float>;
template class RecurrentLayer<double>;
template DirectionParameters<float> RecurrentLayer<float>::of_direction(float* const*,
                                                                        std::size_t) const;
template DirectionParameters<double> RecurrentLayer<double>::of_direction(double* const*,
                                                                          std::size_t) const;

}  // namespace lstm_native
