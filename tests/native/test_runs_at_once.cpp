// Directions and stacked layers that run at the same time: when they do, and the same bits.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/recurrent/partition.hpp"
#include "core/runtime/team.hpp"
#include "core/runtime/threads.hpp"
#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "thread_helpers.hpp"

using namespace lstm_native;

TEST_CASE("runs go side by side where one alone would leave threads without work") {
  const auto at_once = [](Index runs, Index threads, Index alone, const StepSize& size) {
    const Schedule s = choose_schedule(runs, threads, alone, size);
    CHECK(s.at_once * s.grid.parts() <= threads);
    CHECK(s.grid.parts() <= (s.at_once > 1 ? threads / runs : alone));
    return s.at_once;
  };
  const StepSize sequence{1, 16, 32, 4, 4, 64}, few{3, 16, 64, 4, 4, 64},
      batch{24, 64, 64, 4, 4, 64}, wide{1, 512, 512, 4, 4, 64};
  for (const StepSize& size : {sequence, few, batch, wide}) {
    CHECK(at_once(1, 16, 16, size) == 1);  // a lone run
    CHECK(at_once(2, 1, 1, size) == 1);    // a lone thread
    CHECK(at_once(2, 2, 1, size) == 2);    // too little work to be cut, enough for two
  }
  for (const Index threads : {2, 3, 16}) {
    CHECK(at_once(2, threads, threads, sequence) == 2);
    CHECK(choose_schedule(1, threads, threads, batch).grid.parts() ==
          choose_partition(threads, batch).parts());
  }
  CHECK(at_once(2, 16, 16, few) == 2);
  CHECK(at_once(2, 2, 2, batch) == 1);
  CHECK(at_once(2, 2, 2, wide) == 1);
}

TEST_CASE("a part that follows another finds what that one wrote") {
  const Threads used(3);
  Gang gang(3);
  REQUIRE(gang.size() == 3);
  constexpr Index kSteps = 2000;
  std::vector<Progress> progress(2);
  std::vector<Index> first(kSteps), second(kSteps);
  Index wrong = 0;
  gang.run(3, [&](Index part) {
    for (Index t = 0; t < kSteps; ++t) {
      const auto i = static_cast<std::size_t>(t);
      if (part > 0) progress[static_cast<std::size_t>(part - 1)].wait_for(t + 1);
      if (part == 0) first[i] = t + 1;
      if (part == 1) second[i] = 2 * first[i];
      if (part == 2 && second[i] != 2 * (t + 1)) ++wrong;
      if (part < 2) progress[static_cast<std::size_t>(part)].reach(t + 1);
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("lstm in both directions: the same bits for 1, 2 and 3 threads", T, float,
                   double) {
  struct Size {
    Index samples, steps, inputs, hidden, layers;
    bool at_once;  // on two threads the directions run side by side
  };
  for (const Size& size : {Size{1, 60, 16, 64, 1, true}, Size{1, 60, 16, 64, 2, true},
                           Size{3, 40, 12, 40, 2, true}, Size{24, 12, 16, 32, 1, false},
                           Size{24, 12, 16, 32, 2, false}, Size{1, 20, 32, 256, 1, false}})
    for (const bool sequences : {true, false}) {
      LSTMSpec spec;
      spec.hidden_size = size.hidden;
      spec.num_layers = size.layers;
      spec.bidirectional = true;
      spec.return_sequences = sequences;
      spec.dropout = size.layers > 1 ? 0.25 : 0.0;
      // Enough work that the threads are really used.
      const double work = lstm_work(size.samples, size.steps, size.inputs, size.hidden);
      const Index threads = 2;
      {
        const Threads used(2);
        REQUIRE(parallel_parts(1000, 2 * work) == threads);
        const StepSize step{size.samples, size.inputs, size.hidden, 4, sizeof(T), 64};
        const Index alone = parallel_parts(1000, work);
        CHECK((choose_schedule(2, threads, alone, step).at_once == 2) == size.at_once);
      }
      for_each_set([&](const std::string&) {
        LayerCase<T> layer({spec}, size.inputs, size.samples, size.steps);
        layer.training = true;
        check_threads_agree(layer, {2, 3});
      });
    }
}

TEST_CASE_TEMPLATE("lstm: layers under way at the same time give the same bits", T, float, double) {
  struct Size {
    Index samples, inputs, hidden, layers;
    bool at_once;  // on two threads two layers run at the same time
  };
  constexpr Index kSteps = 83;  // not a whole number of anything
  for (const Size& size : {Size{1, 16, 48, 2, true}, Size{1, 70, 64, 3, true},
                           Size{3, 5, 40, 4, true}, Size{24, 16, 32, 2, false}}) {
    LSTMSpec spec;
    spec.hidden_size = size.hidden;
    spec.num_layers = size.layers;
    const double work =
        lstm_work(size.samples, kSteps, std::min(size.inputs, size.hidden), size.hidden);
    {
      const Threads used(2);
      const Index alone = parallel_parts(1000, work);
      REQUIRE(parallel_parts(size.layers, static_cast<double>(size.layers) * work) == 2);
      const StepSize step{
          size.samples, std::max(size.inputs, size.hidden), size.hidden, 4, sizeof(T), 64};
      CHECK((choose_schedule(2, 2, alone, step).at_once == 2) == size.at_once);
    }
    for (const bool reverse : {false, true}) {
      spec.reverse = reverse;
      for_each_set([&](const std::string&) {
        const LayerCase<T> layer({spec}, size.inputs, size.samples, kSteps);
        check_threads_agree(layer, {2, 3, 4});
      });
    }
  }
}
