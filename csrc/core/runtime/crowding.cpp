#include "core/runtime/crowding.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>

namespace lstm_native {
namespace {

// A processor that is wanted elsewhere is gone for a time slice, a millisecond or more. Less, or a
// small part of a long gang, is the system's own work.
constexpr Nanoseconds kLeastLost = 500'000;
constexpr int kLeastPart = 5;

constexpr int kMoment = 20'000;  // turns of an empty loop
constexpr int kMostFactor = 32;
constexpr Nanoseconds kLongest = 10'000'000'000;

std::atomic<Nanoseconds (*)()> test_clock{nullptr};

}  // namespace

void set_clock(Nanoseconds (*clock)()) { test_clock = clock; }

Nanoseconds time_now() {
  if (const auto clock = test_clock.load(std::memory_order_relaxed)) return clock();
  using std::chrono::nanoseconds;
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<nanoseconds>(time).count();
}

Nanoseconds ThreadClock::read() const {
#ifdef __linux__
  timespec t{};
  if (known_ && clock_gettime(clock_, &t) == 0)
    return Nanoseconds{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
#endif
  return 0;
}

bool clocks_are_fine() {
  enum { unknown, fine, coarse };
  static std::atomic<int> known{unknown};  // a lock might be held while another thread forks
  if (known == unknown) {
    // With a moment's work. The best of some: one that is interrupted says nothing.
    const ThreadClock own = ThreadClock::own();
    int found = coarse;
    for (int sample = 0; sample < 5 && found == coarse; ++sample) {
      const Nanoseconds begin = own.read();
      for (int i = 0; i < kMoment; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
      const Nanoseconds moved = own.read() - begin;
      if (moved > 0 && moved < 4 * kWindow) found = fine;
    }
    known = found;
  }
  return known == fine;
}

Index ThreadLimit::at(Nanoseconds time) const {
  return time < until_ ? most_ : std::numeric_limits<Index>::max();
}

void ThreadLimit::lost(Index threads, Nanoseconds begin, Nanoseconds end, Nanoseconds lost) {
  if (lost < kLeastLost || lost < (end - begin) / kLeastPart) return;
  const bool again = any() && end < until_ + 4 * held_;
  const Index half = std::max<Index>(1, threads / 2);
  most_ = again ? std::min(most_, half) : half;
  factor_ = again ? std::min(2 * factor_, kMostFactor) : 1;
  held_ = std::min(factor_ * (end - begin), kLongest);
  until_ = end + held_;
}

}  // namespace lstm_native
