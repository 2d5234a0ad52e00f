#include "core/specs/parameter_count.hpp"

#include <limits>
#include <string>

#include "core/specs/layer_kinds.hpp"
#include "core/specs/limits.hpp"
#include "core/specs/spec_checks.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

[[noreturn]] void refuse_overflow() {
  throw InvalidArgument("layers: expected fewer than 2^63 parameters, got more");
}

void check_width(const char* what, Index features) {
  check_value(what, features, integers(1, kMaxWidth));
}

}  // namespace

Index add_sizes(Index a, Index b) {
  if (a > std::numeric_limits<Index>::max() - b) refuse_overflow();
  return a + b;
}

Index multiply_sizes(Index a, Index b) {
  if (b > 0 && a > std::numeric_limits<Index>::max() / b) refuse_overflow();
  return a * b;
}

LayerCount count_layer(const LayerSpec& layer, const InputFeatures& input_features) {
  return visit_kind(layer, [&](const auto& spec, auto kind) {
    if (!kind.takes_tokens) {
      check_width("input_features", input_features.empty() ? 0 : input_features[0]);
      for (const Index features : input_features)
        if (features != 0) check_width("input_features", features);
    }
    const LayerCount count = kind.count(spec, input_features);
    check_width("output_features", count.output_features);
    return count;
  });
}

LayerCount count_chain(const std::vector<LayerSpec>& layers, Index input_features) {
  LayerCount all{0, 0, input_features};
  for (const LayerSpec& layer : layers) {
    const LayerCount next = count_layer(layer, {all.output_features});
    all.values = add_sizes(all.values, next.values);
    all.tensors = add_sizes(all.tensors, next.tensors);
    all.output_features = next.output_features;
  }
  return all;
}

ParameterTotals parameter_totals(const std::vector<LayerSpec>& layers, Index input_features) {
  validate(layers);
  const LayerCount count = count_chain(layers, input_features);
  return {count.values, count.tensors};
}

Index parameter_count(const std::vector<LayerSpec>& layers, Index input_features) {
  return parameter_totals(layers, input_features).values;
}

}  // namespace lstm_native
