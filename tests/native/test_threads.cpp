// Threads: every index once, nested work inline, children after fork, and the same bits for any
// number of them.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/recurrent/partition.hpp"
#include "core/runtime/team.hpp"
#include "core/runtime/threads.hpp"
#include "isa_helpers.hpp"
#include "layer_helpers.hpp"
#include "sanitizers.hpp"
#include "thread_helpers.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

using namespace lstm_native;

namespace {

constexpr double kLarge = 1e9;  // work that is worth every thread

/// How often parallel_for visits each index.
std::vector<int> visits(Index count, double work) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
  parallel_for(count, work, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
  });
  return {seen.begin(), seen.end()};
}

}  // namespace

TEST_CASE("parallel_for visits each index once, for any count, work and number of threads") {
  for (const int threads : {1, 2, 3, 7}) {
    const Threads used(threads);
    for (const Index count : {0, 1, 2, 3, 6, 7, 8, 100, 1001})
      for (const double work : {0.0, 1e6, 1.6e6, kLarge}) {
        const Index parts = parallel_parts(count, work);
        CHECK(parts >= 1);
        CHECK(parts <= std::max<Index>(1, std::min<Index>(threads, count)));
        CHECK(visits(count, work) == std::vector<int>(static_cast<std::size_t>(count), 1));
      }
    CHECK(parallel_parts(1000, kLarge) == threads);
    CHECK(parallel_parts(1000, 1000) == 1);
  }
}

TEST_CASE("run_parts: parts are contiguous, in order and numbered") {
  const Threads used(3);
  for (const Index parts : {1, 2, 3, 5}) {
    std::vector<std::pair<Index, Index>> ranges(static_cast<std::size_t>(parts));
    run_parts(parts, 17, [&](Index part, Index begin, Index end) {
      ranges[static_cast<std::size_t>(part)] = {begin, end};
    });
    Index at = 0;
    for (const auto& [begin, end] : ranges) {
      CHECK(begin == at);
      CHECK(end > begin);
      at = end;
    }
    CHECK(at == 17);
  }
}

TEST_CASE("work inside a part stays on its thread") {
  const Threads used(3);
  std::atomic<int> wrong{0}, inner{0};
  parallel_for(6, kLarge, [&](Index, Index) {
    const auto self = std::this_thread::get_id();
    parallel_for(100, kLarge, [&](Index begin, Index end) {
      if (std::this_thread::get_id() != self) ++wrong;
      inner += static_cast<int>(end - begin);
    });
  });
  CHECK(wrong == 0);
  CHECK(inner == 300);
  CHECK(parallel_parts(100, kLarge) == 3);  // and outside it may spread again
}

TEST_CASE("the parts of a gang run at the same time and meet at barriers") {
  const Threads used(4);
  Gang gang(9);
  CHECK(gang.size() == 4);
  Barrier barrier(gang.size());
  std::atomic<int> arrived{0}, wrong{0};
  gang.run(gang.size(), [&](Index) {
    for (int round = 1; round <= 200; ++round) {
      ++arrived;
      barrier.wait();
      if (arrived < 4 * round) ++wrong;
      barrier.wait();
      if (arrived > 4 * round) ++wrong;
      barrier.wait();
    }
  });
  CHECK(wrong == 0);
  CHECK(arrived == 800);
}

TEST_CASE("a gang whose threads are just falling asleep wakes them") {
  const Threads used(2);
  std::atomic<int> ran{0};
  constexpr int kRounds = 20000;
  for (int round = 0; round < kRounds; ++round) {
    {
      Gang gang(2);
      REQUIRE(gang.size() == 2);
      gang.run(2, [&](Index) { ++ran; });
    }
    // Pauses around the time that threads wait before they sleep, wherever that is.
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::nanoseconds(100 * (round % 600));
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  CHECK(ran == 2 * kRounds);
}

TEST_CASE("a gang whose threads are taken is one thread") {
  const Threads used(3);
  const Gang first(3);
  CHECK(first.size() == 3);
  Index second = 0;
  std::thread([&] {
    Gang gang(3);
    gang.run(gang.size(), [&](Index) { ++second; });
  }).join();
  CHECK(second == 1);
}

TEST_CASE("what a part throws arrives when all have ended") {
  const Threads used(3);
  std::atomic<int> ended{0};
  Gang gang(3);
  const auto run = [&] {
    gang.run(3, [&](Index part) {
      if (part != 1) ++ended;
      if (part == 1) throw std::runtime_error("part 1");
    });
  };
  CHECK_THROWS_WITH_AS(run(), "part 1", std::runtime_error);
  CHECK(ended == 2);
  CHECK_THROWS_AS(run(), std::runtime_error);  // and the gang lives on
}

TEST_CASE("a partition uses no more threads than there are, and covers all samples and units") {
  for (const Index threads : {1, 2, 3, 16})
    for (const Index samples : {1, 2, 5, 128})
      for (const Index hidden : {1, 63, 64, 65, 256, 1024}) {
        const StepSize size{samples, 16, hidden, 4, 4, 64};
        const Partition p = choose_partition(threads, size);
        CHECK(p.parts() <= threads);
        CHECK(p.row_parts <= samples);
        Index at = 0;
        for (Index i = 0; i < p.unit_parts; ++i) {
          const Range range = part_of(hidden, p.unit_parts, i, size.unit_multiple);
          CHECK(range.begin == at);
          CHECK(range.size() > 0);
          at = range.end;
        }
        CHECK(at == hidden);
      }
  // One sequence has nothing to share out but its units; a large batch needs no barrier.
  CHECK(choose_partition(16, {1, 512, 512, 4, 4, 64}).unit_parts > 1);
  CHECK(choose_partition(16, {256, 256, 256, 4, 4, 64}).unit_parts == 1);
  CHECK(choose_partition(16, {1, 8, 32, 4, 4, 64}).parts() == 1);
}

TEST_CASE("several callers share the pool, also while its size changes") {
  const Threads used(3);
  std::atomic<bool> good{true};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 30; ++round)
        if (visits(50, kLarge) != std::vector<int>(50, 1)) good = false;
    });
  for (int round = 0; round < 30; ++round) set_num_threads(1 + round % 4);
  for (std::thread& caller : callers) caller.join();
  CHECK(good);
}

#ifndef __SANITIZE_THREAD__
/// Whether body() returned true in a forked child, which then ended like any program.
template <class Body>
bool succeeds_in_child(const Body& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
#ifdef __SANITIZE_ADDRESS__
    __lsan_disable();  // what the parent's threads own is given up on purpose
#endif
    alarm(30);  // a hang is a failure, not a hang of the tests
    std::exit(body() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("after fork the child has threads of its own, or needs none, and can end") {
  const Threads used(3);
  const auto works = [] { return visits(9, kLarge) == std::vector<int>(9, 1); };
  REQUIRE(works());  // the parent's pool is up
  CHECK(succeeds_in_child([&] { return works() && works(); }));
  CHECK(succeeds_in_child([] { return true; }));
  CHECK(works());  // and the parent goes on
}
#endif

TEST_CASE_TEMPLATE("lstm: the same bits for 1, 2 and 3 threads, forward and backward", T, float,
                   double) {
  struct Size {
    Index samples, steps, inputs, hidden;
    bool by_units;  // the threads share out hidden units, not samples
  };
  for (const Size& size : {Size{24, 12, 16, 32, false}, Size{1, 20, 32, 192, true}}) {
    LSTMSpec spec;
    spec.hidden_size = size.hidden;
    spec.num_layers = 2;
    spec.dropout = 0.25;
    const StepSize step{size.samples, size.inputs, size.hidden, 4, sizeof(T), 64};
    REQUIRE((choose_partition(3, step).unit_parts > 1) == size.by_units);
    for_each_set([&](const std::string&) {
      LayerCase<T> layer({spec}, size.inputs, size.samples, size.steps);
      layer.training = true;
      for (const int threads : {2, 3}) {  // enough work that they are really used
        const Threads used(threads);
        const double work = lstm_work(size.samples, size.steps, size.inputs, size.hidden);
        REQUIRE(parallel_parts(1000, work) == threads);
      }
      check_threads_agree(layer, {2, 3});
    });
  }
}

TEST_CASE_TEMPLATE("lstm: parts of unequal samples, one beside two, project their input alike", T,
                   float, double) {
  // Large enough that a lone sample would be projected ahead, and steps enough for several chunks.
  constexpr Index steps = 23, inputs = 48, hidden = 80;
  LSTMSpec spec;
  spec.hidden_size = hidden;
  for_each_set([&](const std::string&) {
    for (const Index samples : {3, 4, 5, 7}) {
      const LayerCase<T> layer({spec}, inputs, samples, steps);
      CAPTURE(samples);
      check_threads_agree(layer, {2, 3, 4});
    }
  });
}

TEST_CASE_TEMPLATE("lstm: a sample's output does not depend on its batch or on threads", T, float,
                   double) {
  constexpr Index samples = 21, steps = 12, inputs = 16, hidden = 33;
  LSTMSpec spec;
  spec.hidden_size = hidden;
  for_each_set([&](const std::string&) {
    const LayerCase<T> all({spec}, inputs, samples, steps);
    const auto whole = all.forward();
    for (const Index batch : {1, 2, 5, 13}) {
      const Threads used(batch == 5 ? 3 : 1);
      LayerCase<T> few({spec}, inputs, batch, steps);
      for (Index first = 0; first + batch <= samples; first += 4) {
        const auto part = [&](const std::vector<T>& of, Index row) {
          return std::vector<T>(of.begin() + first * row, of.begin() + (first + batch) * row);
        };
        few.x = part(all.x, steps * inputs);
        few.h = part(all.h, hidden);
        few.c = part(all.c, hidden);
        const auto got = few.forward();
        REQUIRE(same_bits(got.y, part(whole.y, steps * hidden)));
        REQUIRE(same_bits(got.h, part(whole.h, hidden)));
        REQUIRE(same_bits(got.c, part(whole.c, hidden)));
      }
    }
  });
}

TEST_CASE_TEMPLATE("dense: the same bits for 1, 2 and 3 threads", T, float, double) {
  constexpr Index rows = 150, inputs = 100, units = 130;
  for (const Activation activation : {Activation::tanh, Activation::softmax}) {
    const LayerCase<T> layer({DenseSpec{units, activation, true}}, inputs, rows, 0);
    const auto up = layer.upstream();
    LayerResult<T> one;
    for (const int threads : {1, 2, 3}) {
      const Threads used(threads);
      REQUIRE(parallel_parts(rows, 1.0 * rows * inputs * units) == threads);
      const auto got = layer.backward(up);
      if (threads == 1) one = got;
      CHECK(got.same_forward(one));
      CHECK(got.same_backward(one));
    }
  }
}
