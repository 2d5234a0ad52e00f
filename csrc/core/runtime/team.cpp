#include "core/runtime/team.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/float_mode.hpp"
#include "core/runtime/crowding.hpp"
#include "core/runtime/threads.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native {
namespace {

// About 40 microseconds of a processor that relaxes while it waits: longer than the work between
// two parallel parts of a training step, short enough to be lost when nothing follows.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

struct Team;

// The team whose part this thread is in: a gang of gangs would wait for itself.
thread_local Team* inside = nullptr;

/// What a thread does that waits for long: it looks whether it and those it waits for have
/// processors.
class Watch {
 public:
  explicit Watch(Team* team) : team_(team) {}
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void look();

 private:
  bool begin();

  Team* const team_;
  bool begun_ = false;
  ThreadClock clock_;
  Nanoseconds since_ = 0, own_ = 0;
};

/// Waits for something that another running thread is about to do.
template <class Condition>
void spin_until(const Condition& condition) {
  for (int i = 0; i < kSpins; ++i) {
    if (condition()) return;
    relax();
  }
  for (Watch watch(inside); !condition(); std::this_thread::yield())
    watch.look();  // and yield, for it may need this processor to get there
}

using Task = std::function<void(Index)>;

/// A thread that waits for tasks, first spinning, then asleep.
class Worker {
 public:
  explicit Worker(Team& team) : thread_([this, &team] { loop(team); }) {}
  ~Worker() {
    post(nullptr, 0);
    thread_.join();
  }

  void post(const Task* task, Index part) {
    task_ = task;
    part_ = part;
    posted_.fetch_add(1);
    if (asleep_.load()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_one();
    }
  }

  bool done() const { return done_.load(std::memory_order_acquire) == posted_.load(); }
  void wait_until_done() const {
    spin_until([this] { return done(); });
  }

  ThreadClock clock() {
#ifdef __linux__
    return ThreadClock(thread_.native_handle());
#else
    return {};
#endif
  }

 private:
  void loop(Team& team) {
    inside = &team;
    FloatMode::keep();
    for (unsigned seen = 0;; ++seen) {
      wait_for_more_than(seen);
      if (!task_) return;
      (*task_)(part_);
      done_.store(seen + 1, std::memory_order_release);
    }
  }

  void wait_for_more_than(unsigned seen) {
    for (int i = 0; i < kSpins; ++i) {
      if (posted_.load(std::memory_order_acquire) != seen) return;
      relax();
    }
    // Whoever posts writes posted_, then reads asleep_; here it is the other way round: one of
    // the two sees the other. Both writes read too: a plain store may fall behind the load after it
    // where qemu runs a program for Arm on x86 (it forgets that order of stlr and ldar).
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_.exchange(true);
    wake_.wait(lock, [&] { return posted_.load() != seen; });
    asleep_.store(false);
  }

  const Task* task_ = nullptr;
  Index part_ = 0;
  alignas(kCacheLine) std::atomic<unsigned> posted_{0};
  std::atomic<bool> asleep_{false};
  alignas(kCacheLine) std::atomic<unsigned> done_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;  // last: it uses the others
};

struct Team {
  std::mutex owner;
  std::vector<std::unique_ptr<Worker>> workers;  // one fewer than num_threads
  int threads = 0;                               // num_threads when they were started
  ThreadLimit limit;
  ThreadClock caller;
  // Of the gang that has the team: how long it has waited for threads without a processor, and
  // whether one of its threads is looking. That one alone writes what it has seen of their clocks.
  std::atomic<Nanoseconds> lost{0};
  std::atomic<bool> watched{false};
  std::vector<Nanoseconds> seen;  // of the caller and the workers
  Team* lost_before = nullptr;    // see TeamHolder

  /// Fewer than asked for when the system will not give more.
  void resize(int count) {
    if (count == threads) return;
    workers.clear();
    limit = {};
    try {
      seen.resize(static_cast<std::size_t>(count));
      while (static_cast<int>(workers.size()) < count - 1)
        workers.push_back(std::make_unique<Worker>(*this));
    } catch (const std::exception&) {
    }
    threads = count;
  }
};

/// The process's team, whose threads end with the process.
class TeamHolder {
 public:
  TeamHolder() {
    // The child has the team's memory but none of its threads, and perhaps its lock: it leaves
    // all that alone and begins anew.
    pthread_atfork(nullptr, nullptr, [] { lose_team(); });
  }
  ~TeamHolder() {
    Team* team = team_.load();
    if (!team) return;
    team->owner.lock();  // for good: whoever comes later gets no team
    team->workers.clear();
  }

  static TeamHolder& holder() {
    static TeamHolder h;
    return h;
  }

  Team& team() {
    Team* found = team_.load();
    if (found) return *found;
    auto fresh = std::make_unique<Team>();
    if (team_.compare_exchange_strong(found, fresh.get())) return *fresh.release();
    return *found;
  }

 private:
  static void lose_team() {
    Team* team = team_.exchange(nullptr);
    if (!team) return;
    team->lost_before = lost_;
    lost_ = team;
  }

  // Static, so that a child need not ask for a holder that another thread was just making.
  inline static std::atomic<Team*> team_{nullptr};
  inline static Team* lost_ = nullptr;  // of processes before; kept in sight of leak checkers
};

bool Watch::begin() {
  if (!team_ || !may_use_fewer_threads() || !clocks_are_fine()) return false;
  if (team_->watched.load() || team_->watched.exchange(true)) return false;
  clock_ = ThreadClock::own();
  return true;
}

Watch::~Watch() {
  if (!begun_) return;
  look();
  team_->watched.store(false);
}

void Watch::look() {
  if (!begun_ && !(begun_ = begin())) return;
  const Nanoseconds time = time_now(), window = time - since_;
  if (since_ != 0 && window < kWindow) return;
  // This thread does nothing but ask for a processor; the others work, or do the same.
  const Nanoseconds own = clock_.read();
  bool without = own - own_ < window / 2;
  const auto other = [&](std::size_t member, const ThreadClock& clock) {
    const Nanoseconds read = clock.read();
    without = without || read - team_->seen[member] < window / 4;
    team_->seen[member] = read;
  };
  other(0, team_->caller);
  for (std::size_t i = 0; i < team_->workers.size(); ++i)
    if (!team_->workers[i]->done()) other(i + 1, team_->workers[i]->clock());
  if (since_ != 0 && without) team_->lost += window;
  since_ = time;
  own_ = own;
}

}  // namespace

void Barrier::meet() {
  const Index phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == parts_) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
  } else {
    spin_until([&] { return phase_.load(std::memory_order_acquire) != phase; });
  }
}

void Progress::wait_for(Index point) const {
  spin_until([&] { return point_.load(std::memory_order_acquire) >= point; });
}

Gang::Gang(Index wanted) {
  if (wanted <= 1 || inside) return;
  Team& team = TeamHolder::holder().team();
  std::unique_lock<std::mutex> owner(team.owner, std::try_to_lock);
  if (!owner) return;
  team.resize(num_threads());
  size_ = std::min(wanted, static_cast<Index>(team.workers.size()) + 1);
  if (may_use_fewer_threads()) {
    begin_ = time_now();
    if (team.limit.any()) size_ = std::min(size_, team.limit.at(begin_));
    team.caller = ThreadClock::own();
    team.lost = 0;
  }
  if (size_ == 1) return;
  team_ = &team;
  owner.release();  // until the gang ends
}

Gang::~Gang() {
  if (!team_) return;
  Team& team = *static_cast<Team*>(team_);
  if (const Nanoseconds lost = team.lost; lost > 0)
    team.limit.lost(size_, begin_, time_now(), lost);
  team.owner.unlock();
}

void Gang::run_on_team(Index parts, const Task& body) {
  std::exception_ptr error;
  std::atomic<bool> failed{false};
  const Task guarded = [&](Index part) {
    try {
      body(part);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  };
  Team& team = *static_cast<Team*>(team_);
  inside = &team;
  const auto workers = [&](Index part) -> Worker& {
    return *team.workers[static_cast<std::size_t>(part - 1)];
  };
  for (Index part = 1; part < parts; ++part) workers(part).post(&guarded, part);
  guarded(0);
  for (Index part = 1; part < parts; ++part) workers(part).wait_until_done();
  inside = nullptr;
  if (error) std::rethrow_exception(error);
}

}  // namespace lstm_native
