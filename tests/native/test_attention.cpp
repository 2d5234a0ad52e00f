// Attention over a memory that is there as a whole: every score, with lengths on both sides.
#include <doctest/doctest.h>

#include <cmath>

#include "isa_helpers.hpp"
#include "lstm_native/error.hpp"
#include "port_case.hpp"
#include "thread_helpers.hpp"

using namespace lstm_native;

namespace {

AttentionSpec spec_of(AttentionScore score) {
  AttentionSpec spec;
  spec.score = score;
  if (score == AttentionScore::additive) spec.units = 5;
  if (score == AttentionScore::scaled_dot) spec.num_heads = 2;
  return spec;
}

struct Named {
  const char* name;
  AttentionSpec spec;
  Index memory;  // features; the query has 4
};

std::vector<Named> all_scores() {
  AttentionSpec plain = spec_of(AttentionScore::scaled_dot), causal = plain;
  plain.bias = false;
  causal.causal = true;
  AttentionSpec dot_causal = spec_of(AttentionScore::dot);
  dot_causal.causal = true;
  return {{"dot", spec_of(AttentionScore::dot), 4},
          {"general", spec_of(AttentionScore::general), 3},
          {"additive", spec_of(AttentionScore::additive), 3},
          {"additive, as many units as features", AttentionSpec{}, 3},
          {"heads, one weight for all", spec_of(AttentionScore::scaled_dot), 4},
          {"heads, another memory, no bias", plain, 3},
          {"heads, causal", causal, 4},
          {"dot, causal", dot_causal, 4}};
}

template <class T>
PortCase<T> case_of(const Named& named, Index samples, Index steps, Index memory_steps) {
  return {
      named.spec, {4, named.memory}, samples, {steps, named.spec.causal ? steps : memory_steps}};
}

}  // namespace

TEST_CASE("attention: gradients of every score are those of central differences") {
  for (const Named& named : all_scores()) {
    CAPTURE(named.name);
    check_gradients(case_of<double>(named, 2, 3, 5));
  }
}

TEST_CASE("attention: the same with lengths on both sides, zero among them") {
  for (const Named& named : all_scores()) {
    CAPTURE(named.name);
    PortCase<double> layer = case_of<double>(named, 4, 4, 4);
    layer.lengths = {{3, 0, 4, 1}, {2, 3, 0, 4}};
    check_gradients(layer);
  }
}

TEST_CASE("attention: a query without time axis") {
  for (const Named& named : all_scores()) {
    if (named.spec.causal) continue;
    CAPTURE(named.name);
    PortCase<double> layer = case_of<double>(named, 3, 0, 4);
    layer.lengths[1] = {4, 2, 3};
    check_gradients(layer);
    CHECK(layer.output_sizes()[1] == 3 * 4);
  }
}

TEST_CASE("attention: weights sum to one, are zero behind the end, and an empty memory is zero") {
  for (const Named& named : all_scores()) {
    CAPTURE(named.name);
    PortCase<float> layer = case_of<float>(named, 3, 3, 3);
    layer.lengths[1] = {2, 0, 3};
    const auto out = layer.forward().out;
    for (Index n = 0; n < 3; ++n)
      for (Index t = 0; t < 3; ++t) {
        const Index length = layer.lengths[1][static_cast<std::size_t>(n)];
        const Index seen = named.spec.causal ? std::min(length, t + 1) : length;
        double sum = 0;
        for (Index j = 0; j < 3; ++j) {
          const float w = out[1][static_cast<std::size_t>((n * 3 + t) * 3 + j)];
          if (j >= seen) CHECK(w == 0.0f);
          sum += static_cast<double>(w);
        }
        CHECK(sum == doctest::Approx(seen > 0 ? 1.0 : 0.0));
      }
    if (named.spec.score == AttentionScore::scaled_dot) continue;  // a bias behind it
    const std::size_t width = out[0].size() / 9;
    for (std::size_t i = 3 * width; i < 6 * width; ++i) CHECK(out[0][i] == 0.0f);
  }
}

TEST_CASE_TEMPLATE("attention: a row depends on itself alone, to the last bit", T, float, double) {
  for_each_set([](const std::string&) {
    for (const Named& named : all_scores()) {
      CAPTURE(named.name);
      PortCase<T> all = case_of<T>(named, 5, 7, 7);
      all.lengths = {{7, 3, 0, 5, 6}, {4, 7, 2, 0, 6}};
      const auto whole = all.forward().out;
      const PortCase<T> some = some_samples(all, {4, 1}, {2, 2});
      const auto part = some.forward().out;
      const Index F = static_cast<Index>(whole[0].size()) / 35;
      const Index samples[] = {4, 1};
      for (Index i = 0; i < 2; ++i)
        for (Index t = 0; t < 7; ++t) {
          CHECK(same_bits(whole[0].data() + (samples[i] * 7 + t) * F,
                          part[0].data() + (i * 9 + t) * F, F));
          CHECK(same_bits(whole[1].data() + (samples[i] * 7 + t) * 7,
                          part[1].data() + (i * 9 + t) * 9, 7));
        }
    }
  });
}

TEST_CASE_TEMPLATE("attention: a stream answers what the batch does, to the last bit", T, float,
                   double) {
  for (const Named& named : all_scores()) {
    if (named.spec.causal) continue;
    CAPTURE(named.name);
    PortCase<T> layer = case_of<T>(named, 3, 4, 6);
    layer.lengths[1] = {6, 0, 4};
    CHECK(layer.streamed().same_forward(layer.forward()));
  }
}

TEST_CASE("attention: the same bits on any number of threads") {
  for (const Named& named : all_scores()) {
    CAPTURE(named.name);
    PortCase<float> layer = case_of<float>(named, 16, 40, 40);
    const auto up = layer.upstream();
    const auto one = layer.backward(up);
    for (const int count : {2, 3}) {
      const Threads used(count);
      const auto more = layer.backward(up);
      CHECK(more.same_forward(one));
      CHECK(more.same_backward(one));
    }
  }
}

TEST_CASE("attention: what does not fit is refused") {
  const auto make = [](AttentionSpec spec, std::vector<Index> features) {
    return make_layer<float>(spec, features, 1);
  };
  CHECK_THROWS_AS(make(spec_of(AttentionScore::dot), {4, 3}), InvalidArgument);
  CHECK_THROWS_AS(make(spec_of(AttentionScore::scaled_dot), {5, 5}), InvalidArgument);
  CHECK_THROWS_AS(make(AttentionSpec{}, {4}), InvalidArgument);
  AttentionSpec heads;
  heads.num_heads = 2;  // of additive scores
  CHECK_THROWS_AS(make(heads, {4, 4}), InvalidArgument);
  AttentionSpec causal = spec_of(AttentionScore::dot);
  causal.causal = true;
  const auto layer = make(causal, {4, 4});
  CHECK_THROWS_AS(layer->stream(1), InvalidArgument);
  const OutputShape unequal[] = {{3, 4}, {4, 4}}, timeless[] = {{3, 4}, {0, 4}};
  CHECK_THROWS_AS(layer->output_shape(0, unequal), InvalidArgument);
  CHECK_THROWS_AS(layer->output_shape(0, timeless), InvalidArgument);
}
