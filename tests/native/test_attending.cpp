// Recurrent layers that look at a memory in every step: Bahdanau's, Luong's and Graves's way.
#include <doctest/doctest.h>

#include "allocation_count.hpp"
#include "isa_helpers.hpp"
#include "lstm_native/error.hpp"
#include "port_case.hpp"
#include "thread_helpers.hpp"

using namespace lstm_native;

namespace {

struct Named {
  std::string name;
  LayerSpec spec;
  Index memory;  // features; x has 3
};

template <class Spec>
void add_kinds(const std::string& cell, std::vector<Named>& all) {
  Spec spec;
  spec.hidden_size = 4;
  const auto add = [&](const char* name, StepAttention attention, AttentionScore score,
                       Index memory) {
    Spec one = spec;
    one.attention = attention;
    one.score = score;
    if (attention == StepAttention::luong) one.output_size = 6;
    if (attention == StepAttention::window) one.components = 3;
    all.push_back({cell + name, one, memory});
  };
  add(", bahdanau, additive", StepAttention::bahdanau, AttentionScore::additive, 5);
  add(", bahdanau, general", StepAttention::bahdanau, AttentionScore::general, 5);
  add(", bahdanau, dot", StepAttention::bahdanau, AttentionScore::dot, 4);
  add(", luong, additive", StepAttention::luong, AttentionScore::additive, 5);
  add(", luong, general", StepAttention::luong, AttentionScore::general, 5);
  add(", luong, dot", StepAttention::luong, AttentionScore::dot, 4);
  add(", window", StepAttention::window, AttentionScore::additive, 5);
}

std::vector<Named> all_kinds() {
  std::vector<Named> all;
  add_kinds<AttentionLSTMSpec>("LSTM", all);
  add_kinds<AttentionGRUSpec>("GRU", all);
  return all;
}

template <class T>
PortCase<T> case_of(const Named& named, Index samples, Index steps, Index memory_steps) {
  return {named.spec, {3, named.memory}, samples, {steps, memory_steps}};
}

}  // namespace

TEST_CASE("attending: gradients of every kind and port are those of central differences") {
  for (const Named& named : all_kinds()) {
    CAPTURE(named.name);
    check_gradients(case_of<double>(named, 2, 3, 4));
  }
}

TEST_CASE("attending: the same with lengths on both sides, zero among them") {
  for (const Named& named : all_kinds()) {
    CAPTURE(named.name);
    PortCase<double> layer = case_of<double>(named, 4, 4, 5);
    layer.lengths[0] = {3, 0, 4, 1};
    layer.lengths[1] = {2, 3, 5, 0};
    check_gradients(layer);
  }
}

TEST_CASE("attending: states that are left out are zeros") {
  for (const Named& named : all_kinds()) {
    CAPTURE(named.name);
    PortCase<double> layer = case_of<double>(named, 2, 3, 4), zeros = layer;
    for (std::size_t i = 2; i < layer.x.size(); ++i) {
      std::fill(zeros.x[i].begin(), zeros.x[i].end(), 0.0);
      layer.x[i].clear();
    }
    const auto up = layer.upstream();
    const auto got = layer.backward(up), wanted = zeros.backward(up);
    CHECK(got.same_forward(wanted));
    for (std::size_t i = 0; i < got.gradients.size(); ++i)
      CHECK(same_bits(got.gradients[i], wanted.gradients[i]));
  }
}

TEST_CASE_TEMPLATE("attending: a stream answers what the batch does, to the last bit", T, float,
                   double) {
  for_each_set([](const std::string&) {
    for (const Named& named : all_kinds()) {
      CAPTURE(named.name);
      PortCase<T> layer = case_of<T>(named, 3, 5, 6);
      layer.lengths[1] = {6, 0, 4};
      CHECK(layer.streamed().same_forward(layer.forward()));
    }
  });
}

#ifdef COUNTS_ALLOCATIONS
TEST_CASE("attending: a stream's step allocates nothing") {
  for (const Named& named : all_kinds()) {
    CAPTURE(named.name);
    const PortCase<float> layer = case_of<float>(named, 2, 1, 6);
    const auto in = layer.batches();
    const auto stream = layer.layer->stream(2);
    stream->hold(1, in[1]);
    std::vector<float> y(64), contexts(64), weights(64);
    std::vector<float*> out(layer.outputs.size(), nullptr);
    out[0] = y.data();
    out[out.size() - 2] = contexts.data();
    out[out.size() - 1] = weights.data();
    stream->step(in.data(), out.data());
    const long before = allocations;
    for (int i = 0; i < 3; ++i) stream->step(in.data(), out.data());
    CHECK(allocations == before);
  }
}
#endif

TEST_CASE_TEMPLATE("attending: a row depends on itself alone, to the last bit", T, float, double) {
  for_each_set([](const std::string&) {
    for (const Named& named : all_kinds()) {
      CAPTURE(named.name);
      PortCase<T> all = case_of<T>(named, 5, 6, 7);
      all.lengths[0] = {6, 3, 0, 5, 4};
      all.lengths[1] = {4, 7, 2, 0, 6};
      const auto whole = all.forward().out;
      const Index samples[] = {4, 1};
      const PortCase<T> some = some_samples(all, {4, 1}, {2, 3});
      const auto part = some.forward().out;
      for (std::size_t o = 0; o < whole.size(); ++o) {
        CAPTURE(all.outputs[o].name);
        const bool state = all.outputs[o].kind == Port::Kind::state;
        const bool weights = o + 1 == whole.size();
        const Index steps = state ? 1 : 6, more = state ? 1 : 8;
        const Index width = weights ? 7 : all.outputs[o].features, wide = weights ? 10 : width;
        for (Index i = 0; i < 2; ++i)
          for (Index t = 0; t < steps; ++t)
            CHECK(same_bits(whole[o].data() + (samples[i] * steps + t) * width,
                            part[o].data() + (i * more + t) * wide, width));
      }
    }
  });
}

TEST_CASE("attending: the same bits on any number of threads") {
  for (const Named& named : all_kinds()) {
    CAPTURE(named.name);
    PortCase<float> layer = case_of<float>(named, 48, 20, 30);
    for (Index n = 0; n < 48; ++n) layer.lengths[0].push_back(20 - n % 7);
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

TEST_CASE("attending: what does not fit is refused") {
  AttentionLSTMSpec spec;
  spec.hidden_size = 4;
  const auto make = [](const AttentionLSTMSpec& s, std::vector<Index> features) {
    return make_layer<float>(s, features, 1);
  };
  CHECK_THROWS_AS(make(spec, {3}), InvalidArgument);
  AttentionLSTMSpec dot = spec, scaled = spec, sized = spec;
  dot.score = AttentionScore::dot;
  scaled.score = AttentionScore::scaled_dot;
  sized.output_size = 3;
  CHECK_THROWS_AS(make(dot, {3, 5}), InvalidArgument);
  CHECK_THROWS_AS(make(scaled, {3, 4}), InvalidArgument);
  CHECK_THROWS_AS(make(sized, {3, 4}), InvalidArgument);
  const auto layer = make(spec, {3, 5});
  const OutputShape timeless[] = {{0, 3}, {2, 5}}, no_memory[] = {{2, 3}, {0, 5}};
  CHECK_THROWS_AS(layer->output_shape(0, timeless), InvalidArgument);
  CHECK_THROWS_AS(layer->output_shape(0, no_memory), InvalidArgument);
}
