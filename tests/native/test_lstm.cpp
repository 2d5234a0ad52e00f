// The LSTM layer against the plain cell: forward, states, stacks, and the way back.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "reference_cell.hpp"

using namespace lstm_native;

namespace {

struct Shape {
  Index samples, timesteps, inputs, hidden, layers;
};

// Hidden sizes at, before and behind every register width; one shape whose gates fill the cache
// several times, so that the input is projected in chunks.
constexpr Shape kShapes[] = {{1, 1, 1, 1, 1},   {1, 5, 3, 4, 1},  {3, 4, 2, 7, 2},
                             {2, 3, 5, 17, 3},  {5, 2, 1, 33, 1}, {7, 2, 3, 16, 2},
                             {16, 20, 4, 64, 1}};

LayerSpec lstm(const Shape& s, bool sequences = true, double dropout = 0.0) {
  LSTMSpec spec;
  spec.hidden_size = s.hidden;
  spec.num_layers = s.layers;
  spec.return_sequences = sequences;
  spec.dropout = dropout;
  return {spec};
}

template <class T>
LayerCase<T> make_case(const Shape& s, bool sequences = true, double dropout = 0.0) {
  const double weights = 1.0 / std::sqrt(static_cast<double>(s.hidden));
  return {lstm(s, sequences, dropout), s.inputs, s.samples, s.timesteps, weights};
}

std::size_t size(Index n) { return static_cast<std::size_t>(n); }

/// Values of layer l in a tensor that holds all layers.
template <class T>
std::vector<double> of_layer(const std::vector<T>& all, Index l, Index layers) {
  const Index n = static_cast<Index>(all.size()) / layers;
  return {all.begin() + l * n, all.begin() + (l + 1) * n};
}

/// The same stack in the reference.
template <class T>
struct ReferenceStack {
  Shape s;
  std::vector<reference::Lstm> layers;
  std::vector<reference::LstmTrace> traces;
  std::vector<std::vector<double>> inputs;

  ReferenceStack(const Shape& shape, const LayerCase<T>& layer) : s(shape) {
    const auto p = layer.layer->parameters();
    for (Index l = 0; l < s.layers; ++l) {
      const auto value = [&](Index i) { return to_double(p[size(4 * l + i)]->value); };
      layers.push_back({size(l == 0 ? s.inputs : s.hidden), size(s.hidden), value(0), value(1),
                        value(2), value(3)});
    }
    inputs.push_back(to_double(layer.x));
    for (Index l = 0; l < s.layers; ++l) {
      traces.push_back(reference::lstm_forward(layers[size(l)], size(s.samples), size(s.timesteps),
                                               inputs[size(l)], of_layer(layer.h, l, s.layers),
                                               of_layer(layer.c, l, s.layers)));
      inputs.push_back(traces[size(l)].outputs(size(s.samples), size(s.timesteps), size(s.hidden)));
    }
  }

  std::vector<double> final_state(const std::vector<double> reference::LstmTrace::* which) const {
    std::vector<double> all;
    for (const auto& trace : traces) {
      const auto state = reference::LstmTrace::state(
          trace.*which, size(s.samples), size(s.timesteps), size(s.hidden), size(s.timesteps));
      all.insert(all.end(), state.begin(), state.end());
    }
    return all;
  }

  /// Gradients of x, h, c and the weights, in the order of the layer's own.
  LayerResult<double> backward(const Upstream<T>& up) const {
    LayerResult<double> out;
    out.gradients.resize(size(4 * s.layers));
    std::vector<double> dy = to_double(up.dy);
    for (Index l = s.layers - 1; l >= 0; --l) {
      const auto g = reference::lstm_backward(
          layers[size(l)], size(s.samples), size(s.timesteps), inputs[size(l)], traces[size(l)], dy,
          of_layer(up.dh, l, s.layers), of_layer(up.dc, l, s.layers));
      out.gradients[size(4 * l)] = g.weights.input;
      out.gradients[size(4 * l + 1)] = g.weights.recurrent;
      out.gradients[size(4 * l + 2)] = g.weights.bias_input;
      out.gradients[size(4 * l + 3)] = g.weights.bias_recurrent;
      out.dh.insert(out.dh.begin(), g.h0.begin(), g.h0.end());
      out.dc.insert(out.dc.begin(), g.c0.begin(), g.c0.end());
      dy = g.x;
    }
    out.dx = dy;
    return out;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("lstm: forward and final states as the plain cell has them", T, float, double) {
  for (const Shape& s : kShapes) {
    auto layer = make_case<T>(s);
    const ReferenceStack<T> wanted(s, layer);
    // One layer object through all sets: its packed weights must follow.
    for_each_set([&](const std::string&) {
      CAPTURE(s.hidden);
      const auto got = layer.forward();
      CHECK(relative_error(got.y, wanted.inputs.back()) <= kForwardTolerance<T>);
      CHECK(relative_error(got.h, wanted.final_state(&reference::LstmTrace::h)) <=
            kForwardTolerance<T>);
      CHECK(relative_error(got.c, wanted.final_state(&reference::LstmTrace::c)) <=
            kForwardTolerance<T>);
      // Remembering changes nothing.
      CHECK(layer.backward(layer.upstream()).same_forward(got));
      // Without sequences: the last step of them.
      auto last = make_case<T>(s, false);
      const auto end = last.forward();
      for (Index n = 0; n < s.samples; ++n)
        CHECK(same_bits(&end.y[n * s.hidden], &got.y[((n + 1) * s.timesteps - 1) * s.hidden],
                        s.hidden));
      CHECK(same_bits(end.h, got.h));
      CHECK(same_bits(end.c, got.c));
    });
  }
}

TEST_CASE_TEMPLATE("lstm: a missing initial state is zeros", T, float, double) {
  for (const Shape& s : kShapes) {
    auto layer = make_case<T>(s);
    std::fill(layer.h.begin(), layer.h.end(), T(0));
    std::fill(layer.c.begin(), layer.c.end(), T(0));
    const auto zeros = layer.forward();
    std::vector<T> y(zeros.y.size());
    Workspace workspace;
    layer.layer->forward(layer.batch(), y.data(), {}, {workspace});
    CHECK(same_bits(y, zeros.y));
  }
}

TEST_CASE_TEMPLATE("lstm: a sequence in two pieces, the state carried over, is the sequence", T,
                   float, double) {
  const Shape s{3, 6, 4, 18, 2}, half{3, 3, 4, 18, 2};
  const auto whole = make_case<T>(s).forward();
  const auto all = make_case<T>(s);
  auto piece = make_case<T>(half);
  for (Index part = 0; part < 2; ++part) {
    const Index row = half.timesteps * s.inputs, out = half.timesteps * s.hidden;
    for (Index n = 0; n < s.samples; ++n)
      std::copy_n(&all.x[(2 * n + part) * row], row, &piece.x[n * row]);
    const auto got = piece.forward();
    for (Index n = 0; n < s.samples; ++n)
      CHECK(same_bits(&got.y[n * out], &whole.y[(2 * n + part) * out], out));
    piece.h = got.h;
    piece.c = got.c;
  }
  CHECK(same_bits(piece.h, whole.h));
  CHECK(same_bits(piece.c, whole.c));
}

TEST_CASE_TEMPLATE("lstm: back-propagation through time as the plain cell has it", T, float,
                   double) {
  // Rounding grows with the sums over samples and steps: ten times the forward pass.
  const double tolerance = 10 * kForwardTolerance<T>;
  for (const Shape& s : kShapes) {
    const auto layer = make_case<T>(s);
    const auto up = layer.upstream();
    const auto wanted = ReferenceStack<T>(s, layer).backward(up);
    for_each_set([&](const std::string&) {
      CAPTURE(s.hidden);
      const auto got = layer.backward(up);
      CHECK(relative_error(got.dx, wanted.dx) <= tolerance);
      CHECK(relative_error(got.dh, wanted.dh) <= tolerance);
      CHECK(relative_error(got.dc, wanted.dc) <= tolerance);
      for (std::size_t i = 0; i < got.gradients.size(); ++i)
        CHECK(relative_error(got.gradients[i], wanted.gradients[i]) <= tolerance);
    });
  }
}

TEST_CASE("lstm: gradients against central differences, with dropout and without sequences") {
  for (const Shape& s : {Shape{2, 3, 2, 3, 1}, {3, 2, 1, 5, 2}, {1, 4, 3, 2, 3}})
    for (const bool sequences : {true, false})
      for (const double dropout : {0.0, 0.4}) {
        if (dropout > 0 && s.layers == 1) continue;  // it acts between layers
        CAPTURE(s.hidden);
        CAPTURE(sequences);
        CAPTURE(dropout);
        auto layer = make_case<double>(s, sequences, dropout);
        layer.training = true;
        check_gradients(layer);
      }
}

TEST_CASE_TEMPLATE("lstm: gradients that are not asked for may be left out", T, float, double) {
  const Shape s{3, 4, 5, 9, 2};
  const auto layer = make_case<T>(s);
  auto up = layer.upstream();
  std::fill(up.dh.begin(), up.dh.end(), T(0));
  std::fill(up.dc.begin(), up.dc.end(), T(0));
  const auto wanted = layer.backward(up);
  std::fill(up.dy.begin(), up.dy.end(), T(0));
  const auto without_dy = layer.backward(up);

  for (const bool dy : {true, false}) {
    Workspace workspace;
    std::vector<T> y(static_cast<std::size_t>(layer.output_size()));
    States<T> states;
    states.initial[0] = layer.h.data();
    states.initial[1] = layer.c.data();
    const auto tape =
        layer.layer->forward(layer.batch(), y.data(), states, {workspace, /*remember=*/true});
    // Gradients are added to what is there.
    std::vector<std::vector<T>> gradients;
    std::vector<T*> pointers;
    for (auto* p : layer.layer->parameters()) gradients.emplace_back(p->value.size(), T(1));
    for (auto& g : gradients) pointers.push_back(g.data());
    const auto up_y = layer.upstream().dy;
    tape->backward(dy ? up_y.data() : nullptr, nullptr, {}, pointers.data(), workspace);
    const auto& same = dy ? wanted : without_dy;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      std::vector<T> sum = same.gradients[i];
      for (T& v : sum) v += T(1);
      CHECK(same_bits(gradients[i], sum));
    }
  }
}

TEST_CASE_TEMPLATE("lstm: sets with fused multiply-adds give the same bits", T, float, double) {
  std::vector<LayerResult<T>> first;
  for_every_set([&](const std::string& name) {
    if (name == "generic") return;
    for (std::size_t i = 0; i < std::size(kShapes); ++i) {
      const auto layer = make_case<T>(kShapes[i]);
      const auto got = layer.backward(layer.upstream());
      if (first.size() == i) {
        first.push_back(got);
      } else {
        CHECK(got.same_forward(first[i]));
        CHECK(got.same_backward(first[i]));
      }
    }
  });
}

TEST_CASE_TEMPLATE("lstm: weights packed for one set serve no other, nor what was left of them", T,
                   float, double) {
  const auto layer = make_case<T>({6, 3, 5, 40, 2});
  std::vector<std::pair<std::string, LayerResult<T>>> alone;
  for_each_set([&](const std::string& name) {
    const auto fresh = make_case<T>({6, 3, 5, 40, 2});
    alone.emplace_back(name, fresh.backward(fresh.upstream()));
  });
  // Every set after every other; one layer, whose packed weights are made again each time.
  for (const auto& before : alone)
    for (const auto& after : alone)
      for (const auto& use : {before, after}) {
        CAPTURE(before.first);
        CAPTURE(use.first);
        const UsedSet used(use.first);
        const auto got = layer.backward(layer.upstream());
        CHECK(got.same_forward(use.second));
        CHECK(got.same_backward(use.second));
      }
}
