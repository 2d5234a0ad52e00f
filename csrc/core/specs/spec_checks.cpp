#include "core/specs/spec_checks.hpp"

#include "core/specs/cell_activation_fields.hpp"
#include "core/specs/fields.hpp"
#include "core/specs/layer_kinds.hpp"

namespace lstm_native {
namespace {

void check_layers(const std::vector<LayerSpec>& layers, const std::string& path, int depth,
                  Index& count);

/// Checks one layer and what is nested in it; counts layers as it goes.
void check_layer(const LayerSpec& layer, const LayerPlace& place, Index& count) {
  visit_kind(layer, [&](const auto& spec, auto kind) {
    check_fields(spec, place.path);
    kind.check(spec, place);
    const std::vector<LayerSpec>* inner = inner_layers(spec);
    if (!inner) return;
    if (place.depth == kMaxLayerDepth) refuse(place.path, nesting_limit(), "more");
    check_layers(*inner, place.path + ".layers", place.depth + 1, count);
  });
}

void check_layers(const std::vector<LayerSpec>& layers, const std::string& path, int depth,
                  Index& count) {
  if (layers.empty()) refuse(path, "at least one layer", "none");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string here = path + '[' + std::to_string(i) + ']';
    if (++count > kMaxLayers)
      refuse(here, "at most " + std::to_string(kMaxLayers) + " layers in all", "more");
    const bool first_of_all = i == 0 && depth == 0;
    if (!first_of_all && takes_tokens(layers[i]))
      refuse(here, "an embedding only as a network's first layer", "one elsewhere");
    check_layer(layers[i], {here, depth}, count);
  }
}

}  // namespace

void validate(const LayerSpec& layer, const std::string& path) {
  Index count = 1;
  check_layer(layer, {path, 0}, count);
}

void validate(const std::vector<LayerSpec>& layers, const std::string& path) {
  Index count = 0;
  check_layers(layers, path, 0, count);
}

}  // namespace lstm_native
