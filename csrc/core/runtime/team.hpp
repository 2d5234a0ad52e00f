// Threads that work at the same time on one task and may wait for one another.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/aligned.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Where the parts of a gang's task meet. Waiting spins, for at most one step's work: nobody waits
/// here for long.
class Barrier {
 public:
  explicit Barrier(Index parts = 1) : parts_(parts) {}

  void reset(Index parts) { parts_ = parts; }  // while nobody waits
  bool alone() const { return parts_ == 1; }   // nobody to wait for
  void wait() {
    if (!alone()) meet();
  }

 private:
  void meet();

  Index parts_;
  alignas(kCacheLine) std::atomic<Index> arrived_{0};
  alignas(kCacheLine) std::atomic<Index> phase_{0};
};

/// So many barriers, each of so many parts. A single one takes no memory.
class Barriers {
 public:
  Barriers(Index count, Index parts) : only_(parts) {
    if (count == 1) return;
    more_ = std::vector<Barrier>(static_cast<std::size_t>(count));
    for (Barrier& barrier : more_) barrier.reset(parts);
  }
  Barrier& operator[](Index i) {
    return more_.empty() ? only_ : more_[static_cast<std::size_t>(i)];
  }

 private:
  Barrier only_;
  std::vector<Barrier> more_;
};

/// How far a part of a gang's task has come, told to another that follows it. Waiting spins.
class Progress {
 public:
  void reach(Index point) { point_.store(point, std::memory_order_release); }
  void wait_for(Index point) const;

 private:
  alignas(kCacheLine) std::atomic<Index> point_{0};
};

/// The library's threads, borrowed for a while. Only one caller has them at a time: whoever comes
/// meanwhile, or is itself part of a gang, gets a gang of its own thread alone. So the parts of a
/// task always run at the same time, and the machine is never oversubscribed.
///
/// Where the number of threads is of our own choosing and other programs want the same processors,
/// a gang is smaller for a while (see crowding.hpp).
///
/// The threads sleep when they have had nothing to do for a moment. After fork the child starts
/// its own.
class Gang {
 public:
  explicit Gang(Index wanted);
  ~Gang();
  Gang(const Gang&) = delete;
  Gang& operator=(const Gang&) = delete;

  /// How many parts can run at once: at least 1, at most `wanted`.
  Index size() const { return size_; }

  /// Runs body(part) for the parts 0 .. parts-1, 1 <= parts <= size(), all at the same time; part 0
  /// on this thread. What a part throws is thrown here when all have ended; a body that waits at a
  /// barrier may not throw.
  template <class Body>
  void run(Index parts, const Body& body) {
    if (!team_) return body(Index{0});
    run_on_team(parts, std::cref(body));
  }

 private:
  void run_on_team(Index parts, const std::function<void(Index)>& body);

  Index size_ = 1;
  std::int64_t begin_ = 0;
  void* team_ = nullptr;
};

}  // namespace lstm_native
