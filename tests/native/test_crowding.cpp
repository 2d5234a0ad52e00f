// Fewer threads where other programs want the processors: when, how many, and for how long.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "core/runtime/crowding.hpp"
#include "core/runtime/team.hpp"
#include "core/runtime/threads.hpp"
#include "thread_helpers.hpp"

using namespace lstm_native;

namespace {

constexpr Nanoseconds ms = 1'000'000;
constexpr Index kAll = 1000;

Index allowed(const ThreadLimit& limit, Nanoseconds time) {
  return limit.any() ? std::min(kAll, limit.at(time)) : kAll;
}

}  // namespace

TEST_CASE("crowding: a moment lost, or a small part, leaves all threads") {
  ThreadLimit limit;
  limit.lost(8, 0, 100 * ms, 19 * ms);
  CHECK(allowed(limit, 100 * ms) == kAll);
  limit.lost(8, 0, ms / 2, ms / 4);
  CHECK(allowed(limit, ms) == kAll);
}

TEST_CASE("crowding: half the threads for as long as the gang took, and then all of them") {
  ThreadLimit limit;
  limit.lost(8, 1000 * ms, 1010 * ms, 5 * ms);
  CHECK(allowed(limit, 1011 * ms) == 4);
  CHECK(allowed(limit, 1019 * ms) == 4);
  CHECK(allowed(limit, 1021 * ms) == kAll);
  limit.lost(3, 2000 * ms, 2010 * ms, 5 * ms);
  CHECK(allowed(limit, 2011 * ms) == 1);
  limit.lost(1, 3000 * ms, 3010 * ms, 5 * ms);
  CHECK(allowed(limit, 3011 * ms) == 1);
}

TEST_CASE(
    "crowding: tries take a small part of the time while they fail, and one good try ends it") {
  ThreadLimit limit;
  Nanoseconds time = 0, tries = 0;
  for (int i = 0; i < 100; ++i) {
    limit.lost(2, time, time + 10 * ms, 8 * ms);
    time += 10 * ms;
    tries += 10 * ms;
    while (allowed(limit, time) == 1) time += ms;
  }
  CHECK(tries < time / 25);
  // After a long gang nobody waits for ever.
  limit.lost(2, time, time + 60000 * ms, 50000 * ms);
  time += 60000 * ms;
  CHECK(allowed(limit, time + 10001 * ms) == kAll);
  // What comes long after is a first time again.
  time += 100000 * ms;
  limit.lost(2, time, time + 10 * ms, 8 * ms);
  CHECK(allowed(limit, time + 19 * ms) == 1);
  CHECK(allowed(limit, time + 21 * ms) == kAll);
}

#ifdef __linux__
namespace {

/// A clock that goes on whenever it is read, so far that no thread has had a processor for much of
/// the time between.
class TestClock {
 public:
  TestClock() { set_clock(read); }
  ~TestClock() { set_clock(nullptr); }
  TestClock(const TestClock&) = delete;
  TestClock& operator=(const TestClock&) = delete;

  static Nanoseconds read() { return time += 100 * ms; }
  static inline std::atomic<Nanoseconds> time{1};
};

/// Two threads, and nothing known of what gangs before have lost.
void start_anew() {
  take_threads(3);
  {
    const Gang gang(2);
  }
  take_threads(2);
  {
    const Gang gang(2);
  }
}

/// A gang of two, the first of which waits for the other until it has looked some times.
void wait_in_a_gang() {
  Gang gang(2);
  REQUIRE(gang.size() == 2);
  const Nanoseconds begin = TestClock::time;
  gang.run(2, [&](Index part) {
    while (part == 1 && TestClock::time < begin + 2000 * ms) std::this_thread::yield();
  });
}

}  // namespace

TEST_CASE(
    "crowding: a gang that has waited for a processor is followed by a small one, for a while") {
  const Threads restores(2);
  start_anew();
  REQUIRE(may_use_fewer_threads());
  if (!clocks_are_fine()) return;  // nobody looks
  const TestClock clock;
  wait_in_a_gang();
  CHECK(Gang(2).size() == 1);
  TestClock::time += 10'000 * ms;
  CHECK(Gang(2).size() == 2);
  start_anew();
}

TEST_CASE("crowding: parts meet at barriers, whatever size their gang gets") {
  const Threads restores(2);
  take_threads(4);
  for (int round = 0; round < 50; ++round) {
    Gang gang(4);
    const Index size = gang.size();
    Barrier barrier(size);
    std::atomic<Index> arrived{0}, wrong{0};
    gang.run(size, [&](Index part) {
      for (Index step = 1; step <= 20; ++step) {
        if (part == 1 && step == 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ++arrived;
        barrier.wait();
        if (arrived < size * step) ++wrong;
        barrier.wait();
      }
    });
    CHECK(wrong == 0);
    CHECK(arrived == 20 * size);
  }
}

TEST_CASE("crowding: a number of threads that the user asked for is kept") {
  const Threads used(2);
  REQUIRE_FALSE(may_use_fewer_threads());
  for (int i = 0; i < 5; ++i) {
    Gang gang(2);
    CHECK(gang.size() == 2);
    gang.run(2, [](Index part) {
      if (part == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });
  }
}
#endif
