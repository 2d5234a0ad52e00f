// Drawing large weights can be broken off, from whichever thread draws them.
#include <doctest/doctest.h>

#include <thread>

#include "core/base/cancellation.hpp"
#include "core/base/float_mode.hpp"
#include "core/layers/layer.hpp"
#include "core/network/layer_factory.hpp"
#include "core/runtime/threads.hpp"
#include "lstm_native/runtime.hpp"

using namespace lstm_native;

TEST_CASE("cancellation: the innermost of a thread counts, and of no other") {
  CHECK(Cancellation::current() == nullptr);
  Cancellation outer([] { return false; });
  {
    Cancellation inner([] { return true; });
    CHECK(Cancellation::current() == &inner);
  }
  CHECK(Cancellation::current() == &outer);
  outer.check();
  Cancellation* of_other = &outer;
  std::thread([&] { of_other = Cancellation::current(); }).join();
  CHECK(of_other == nullptr);
}

TEST_CASE("cancellation: ends a layer's initialisation on all threads") {
  const int before = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    int asked = 0;
    const auto caller = std::this_thread::get_id();
    Cancellation cancellation([&] {
      const bool own = std::this_thread::get_id() == caller;
      CHECK(own);
      ++asked;
      return true;
    });
    GRUSpec spec;
    spec.hidden_size = 1500;
    CHECK_THROWS_AS(make_layer<float>({spec}, 1, 7), Cancelled);
    CHECK(asked == 1);
  }
  set_num_threads(before);
}

TEST_CASE("cancellation: the caller is asked with its own floating-point settings") {
  const int before = num_threads();
  set_num_threads(1);
  const FloatMode::Word own = FloatMode::read();
  FloatMode::Word found = ~own, inside = own;
  {
    Cancellation cancellation([&] {
      found = FloatMode::read();
      return false;
    });
    const FloatMode mode;
    std::this_thread::sleep_for(std::chrono::milliseconds(101));  // between two questions
    const FloatMode::Word ours = FloatMode::read();
    cancellation.check();
    inside = FloatMode::read() ^ ours;
  }
  CHECK(found == own);
  CHECK(inside == 0);
  set_num_threads(before);
}

TEST_CASE("cancellation: ends the drawing of values that depend on nothing") {
  for (const LayerSpec& spec : {LayerSpec{EmbeddingSpec{50, 3}}, LayerSpec{DenseSpec{4}}}) {
    Cancellation cancellation([] { return true; });
    std::this_thread::sleep_for(std::chrono::milliseconds(101));  // between two questions
    CHECK_THROWS_AS(make_layer<float>(spec, 3, 7), Cancelled);
  }
}
