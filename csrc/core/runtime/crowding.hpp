// How many threads to use where other programs want the same processors. Threads that spin for one
// another while some of them have no processor take many times as long as one thread alone.
#pragma once

#include <cstdint>

#ifdef __linux__
#include <pthread.h>
#include <time.h>
#endif

#include "lstm_native/types.hpp"

namespace lstm_native {

using Nanoseconds = std::int64_t;

/// Of a clock that never jumps.
Nanoseconds time_now();

/// Another clock for `time_now`, in tests; null: the system's again.
void set_clock(Nanoseconds (*clock)());

/// The time that a thread has had a processor.
class ThreadClock {
 public:
  ThreadClock() = default;
#ifdef __linux__
  explicit ThreadClock(pthread_t thread) : known_(pthread_getcpuclockid(thread, &clock_) == 0) {}
  static ThreadClock own() { return ThreadClock(pthread_self()); }
#else
  static ThreadClock own() { return {}; }
#endif

  /// 0 where it cannot be told.
  Nanoseconds read() const;

 private:
#ifdef __linux__
  clockid_t clock_{};
  bool known_ = false;
#endif
};

// Long enough for the clocks to tell, short beside a time slice.
constexpr Nanoseconds kWindow = 250'000;

/// Whether clocks of threads tell of a moment: some systems count in ticks of milliseconds. Where
/// they do not, nobody looks for lost processors.
bool clocks_are_fine();

/// How many threads a gang gets: fewer after one that has lost much of its time waiting for threads
/// without a processor, and after a multiple of that gang's time all of them once more. The
/// multiple doubles while that goes badly and is one again when it has gone well for long: trying
/// costs a small part of the time, and nothing lasts.
class ThreadLimit {
 public:
  bool any() const { return until_ != 0; }
  Index at(Nanoseconds time) const;  // while there is any: the most threads

  /// A gang of so many threads has worked from begin to end, and has lost so much of that.
  void lost(Index threads, Nanoseconds begin, Nanoseconds end, Nanoseconds lost);

 private:
  Index most_ = 1;
  Nanoseconds until_ = 0, held_ = 0;
  int factor_ = 1;
};

}  // namespace lstm_native
