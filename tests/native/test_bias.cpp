// Recurrent layers without biases: which parameters are left, and their gradients.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "network_helpers.hpp"

using namespace lstm_native;

namespace {

template <class Spec>
Spec bare(Index hidden) {
  Spec spec;
  spec.hidden_size = hidden;
  spec.bias = false;
  return spec;
}

/// Every kind, and what an LSTM and a GRU do with their biases otherwise.
std::vector<LayerSpec> kinds(Index hidden) {
  LSTMSpec normalised = bare<LSTMSpec>(hidden), projected = normalised;
  normalised.layer_norm = normalised.peephole = true;
  projected.proj_size = 2;
  projected.num_layers = 2;
  projected.bidirectional = projected.coupled_gates = true;
  GRUSpec before = bare<GRUSpec>(hidden);
  before.reset_after = false;
  return {{bare<LSTMSpec>(hidden)},
          {normalised},
          {projected},
          {bare<GRUSpec>(hidden)},
          {before},
          {bare<RNNSpec>(hidden)},
          {bare<MinLSTMSpec>(hidden)},
          {bare<MinGRUSpec>(hidden)}};
}

}  // namespace

TEST_CASE("without biases: no parameter has one, and the rest are counted") {
  for (const LayerSpec& spec : kinds(5)) {
    const Network<float> network({spec}, 3, 1);
    Index count = 0;
    for (const TensorInfo& info : network.parameters()) {
      CHECK(info.name.find("bias") == std::string::npos);
      count += info.size();
    }
    CHECK(network.parameter_count() == count);
  }
}

TEST_CASE("without biases: gradients against central differences") {
  for_each_set([&](const std::string&) {
    for (const LayerSpec& spec : kinds(5)) check_gradients(LayerCase<double>(spec, 3, 2, 4));
  });
}
