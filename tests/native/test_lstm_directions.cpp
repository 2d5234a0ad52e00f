// The LSTM layer in reverse and in both directions: against the forward layer, which the plain
// cell vouches for, and against central differences.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "isa_helpers.hpp"
#include "layer_helpers.hpp"

using namespace lstm_native;

namespace {

std::size_t size(Index n) { return static_cast<std::size_t>(n); }

LSTMSpec spec_of(Index hidden, Index layers = 1) {
  LSTMSpec spec;
  spec.hidden_size = hidden;
  spec.num_layers = layers;
  return spec;
}

LSTMSpec reversed(LSTMSpec spec) {
  spec.reverse = true;
  return spec;
}

LSTMSpec bidirectional(LSTMSpec spec) {
  spec.bidirectional = true;
  return spec;
}

/// N x T x F with time from its end.
template <class T>
std::vector<T> flipped(const std::vector<T>& x, Index samples, Index timesteps) {
  const Index features = static_cast<Index>(x.size()) / (samples * timesteps);
  std::vector<T> out(x.size());
  for (Index n = 0; n < samples; ++n)
    for (Index t = 0; t < timesteps; ++t)
      std::copy_n(&x[size((n * timesteps + t) * features)], features,
                  &out[size((n * timesteps + timesteps - 1 - t) * features)]);
  return out;
}

/// Columns [begin, begin + count) of rows of `width` values.
template <class T>
std::vector<T> columns(const std::vector<T>& rows, Index width, Index begin, Index count) {
  std::vector<T> out;
  for (Index row = 0; row < static_cast<Index>(rows.size()); row += width)
    out.insert(out.end(), rows.begin() + row + begin, rows.begin() + row + begin + count);
  return out;
}

template <class T>
std::vector<T> part(const std::vector<T>& all, Index index, Index parts) {
  const Index n = static_cast<Index>(all.size()) / parts;
  return {all.begin() + index * n, all.begin() + (index + 1) * n};
}

}  // namespace

TEST_CASE_TEMPLATE("lstm in reverse: the flipped sequence, forward, gives the same bits", T, float,
                   double) {
  for (const Index layers : {1, 3})
    for (const bool training : {false, true}) {
      LSTMSpec spec = spec_of(18, layers);
      spec.dropout = layers > 1 ? 0.4 : 0.0;
      LayerCase<T> there({spec}, 5, 4, 7), back({reversed(spec)}, 5, 4, 7);
      there.training = back.training = training;
      there.x = flipped(back.x, 4, 7);
      auto up = back.upstream(), up_there = up;
      up_there.dy = flipped(up.dy, 4, 7);
      for_each_set([&](const std::string&) {
        const auto got = back.backward(up), wanted = there.backward(up_there);
        CHECK(same_bits(got.y, flipped(wanted.y, 4, 7)));
        CHECK(same_bits(got.dx, flipped(wanted.dx, 4, 7)));
        for (const auto member :
             {&LayerResult<T>::h, &LayerResult<T>::c, &LayerResult<T>::dh, &LayerResult<T>::dc})
          CHECK(same_bits(got.*member, wanted.*member));
        for (std::size_t i = 0; i < got.gradients.size(); ++i)
          CHECK(relative_error(got.gradients[i], to_double(wanted.gradients[i])) <=
                10 * kForwardTolerance<T>);
      });
    }
}

TEST_CASE_TEMPLATE("lstm in both directions: two layers side by side", T, float, double) {
  const Index N = 3, steps = 6, F = 5, H = 17;
  LayerCase<T> both({bidirectional(spec_of(H))}, F, N, steps);
  const auto up = both.upstream();
  for_each_set([&](const std::string&) {
    const auto got = both.backward(up);
    CHECK(both.forward().same_forward(got));
    std::vector<double> dx(got.dx.size());
    for (Index d = 0; d < 2; ++d) {
      LayerCase<T> alone({d == 0 ? spec_of(H) : reversed(spec_of(H))}, F, N, steps);
      const auto to = alone.layer->parameters(), from = both.layer->parameters();
      for (Index i = 0; i < 4; ++i) to[size(i)]->value = from[size(4 * d + i)]->value;
      alone.layer->parameters_changed();
      alone.x = both.x;
      alone.h = part(both.h, d, 2);
      alone.c = part(both.c, d, 2);
      const auto one =
          alone.backward({columns(up.dy, 2 * H, d * H, H), part(up.dh, d, 2), part(up.dc, d, 2)});
      CHECK(same_bits(columns(got.y, 2 * H, d * H, H), one.y));
      CHECK(same_bits(part(got.h, d, 2), one.h));
      CHECK(same_bits(part(got.c, d, 2), one.c));
      CHECK(same_bits(part(got.dh, d, 2), one.dh));
      CHECK(same_bits(part(got.dc, d, 2), one.dc));
      for (Index i = 0; i < 4; ++i)
        CHECK(same_bits(got.gradients[size(4 * d + i)], one.gradients[size(i)]));
      for (std::size_t i = 0; i < dx.size(); ++i) dx[i] += static_cast<double>(one.dx[i]);
    }
    CHECK(relative_error(got.dx, dx) <= 10 * kForwardTolerance<T>);
  });
}

TEST_CASE_TEMPLATE("lstm in both directions: a stack is its layers one after another", T, float,
                   double) {
  const Index N = 5, steps = 9, F = 4, H = 16;
  for (const bool sequences : {true, false}) {
    LSTMSpec spec = bidirectional(spec_of(H, 2)), top = bidirectional(spec_of(H));
    spec.return_sequences = top.return_sequences = sequences;
    const LayerCase<T> stack({spec}, F, N, steps);
    LayerCase<T> lower({bidirectional(spec_of(H))}, F, N, steps), upper({top}, 2 * H, N, steps);
    for (Index l = 0; l < 2; ++l) {
      LayerCase<T>& layer = l == 0 ? lower : upper;
      const auto to = layer.layer->parameters(), from = stack.layer->parameters();
      for (Index i = 0; i < 8; ++i) to[size(i)]->value = from[size(8 * l + i)]->value;
      layer.layer->parameters_changed();
      layer.h = part(stack.h, l, 2);
      layer.c = part(stack.c, l, 2);
    }
    lower.x = stack.x;
    const auto up = stack.upstream();
    const Upstream<T> upper_up{up.dy, part(up.dh, 1, 2), part(up.dc, 1, 2)};
    for_each_set([&](const std::string&) {
      const auto got = stack.backward(up);
      CHECK(stack.forward().same_forward(got));
      upper.x = lower.forward().y;
      const auto above = upper.backward(upper_up);
      const auto below = lower.backward({above.dx, part(up.dh, 0, 2), part(up.dc, 0, 2)});
      CHECK(same_bits(got.y, above.y));
      CHECK(same_bits(got.dx, below.dx));
      for (Index l = 0; l < 2; ++l) {
        const auto& layer = l == 0 ? below : above;
        CHECK(same_bits(part(got.h, l, 2), layer.h));
        CHECK(same_bits(part(got.c, l, 2), layer.c));
        CHECK(same_bits(part(got.dh, l, 2), layer.dh));
        CHECK(same_bits(part(got.dc, l, 2), layer.dc));
        for (Index i = 0; i < 8; ++i)
          CHECK(relative_error(got.gradients[size(8 * l + i)],
                               to_double(layer.gradients[size(i)])) <= 10 * kForwardTolerance<T>);
      }
    });
  }
}

TEST_CASE("lstm directions: gradients against central differences") {
  for (const LSTMSpec& direction : {reversed(spec_of(3, 2)), bidirectional(spec_of(3, 2))})
    for (const bool sequences : {true, false})
      for (const double dropout : {0.0, 0.4}) {
        LSTMSpec spec = direction;
        spec.return_sequences = sequences;
        spec.dropout = dropout;
        CAPTURE(spec.reverse);
        CAPTURE(sequences);
        CAPTURE(dropout);
        LayerCase<double> layer({spec}, 2, 2, 4);
        layer.training = true;
        check_gradients(layer);
      }
}

TEST_CASE_TEMPLATE("lstm in both directions: sets with fused multiply-adds give the same bits", T,
                   float, double) {
  std::vector<LayerResult<T>> first;
  const LayerCase<T> layer({bidirectional(spec_of(21, 2))}, 5, 7, 6);
  for_every_set([&](const std::string& name) {
    if (name == "generic") return;
    const auto got = layer.backward(layer.upstream());
    if (first.empty()) first.push_back(got);
    CHECK(got.same_forward(first[0]));
    CHECK(got.same_backward(first[0]));
  });
}

TEST_CASE("lstm in both directions: PyTorch's names, and shapes twice as wide above") {
  const auto layer = std::dynamic_pointer_cast<SequenceLayer<float>>(
      make_layer<float>({bidirectional(spec_of(3, 2))}, 5, 1));
  std::vector<std::string> names;
  for (const auto* p : layer->parameters()) names.push_back(p->info.name);
  const std::vector<std::string> wanted = {
      "weight_ih_l0",         "weight_hh_l0",         "bias_ih_l0",         "bias_hh_l0",
      "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse",
      "weight_ih_l1",         "weight_hh_l1",         "bias_ih_l1",         "bias_hh_l1",
      "weight_ih_l1_reverse", "weight_hh_l1_reverse", "bias_ih_l1_reverse", "bias_hh_l1_reverse"};
  CHECK(names == wanted);
  CHECK(layer->parameters()[4]->info.shape == std::vector<Index>{12, 5});
  CHECK(layer->parameters()[12]->info.shape == std::vector<Index>{12, 6});
  CHECK(layer->output_features() == 6);
  CHECK(layer->output_shape(7).features == 6);
  CHECK(layer->state_shape().layers == 4);
  CHECK(layer->state_shape().features(0) == 3);
}
