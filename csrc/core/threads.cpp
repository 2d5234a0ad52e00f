#include "core/threads.hpp"

#include <sched.h>
#include <unistd.h>

#include <Eigen/ThreadPool>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native {
namespace {

// Below this many multiply-adds per part, waking a thread costs more than it saves.
constexpr double kWorkPerPart = 1 << 19;

int default_threads() {
  if (const char* text = std::getenv("LSTM_NATIVE_NUM_THREADS"); text && *text) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end || n < 1 || n > 4096)
      throw InvalidArgument("LSTM_NATIVE_NUM_THREADS: expected a number from 1 to 4096, got '" +
                            std::string(text) + "'");
    return static_cast<int>(n);
  }
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  const unsigned n = std::thread::hardware_concurrency();
  return n ? static_cast<int>(n) : 1;
}

struct Pool {
  std::mutex mutex;
  std::shared_ptr<Eigen::ThreadPool> threads;  // one fewer than num_threads: the caller works too
  pid_t process = 0;

  ~Pool() { forget_parent(); }

  /// After fork the child has the pool's memory but none of its threads: joining them would hang,
  /// so the copy is abandoned.
  void forget_parent() {
    if (threads && process != getpid()) new std::shared_ptr<Eigen::ThreadPool>(std::move(threads));
  }
};

Pool& pool() {
  static Pool p;
  return p;
}

std::atomic<int> wanted{0};

std::shared_ptr<Eigen::ThreadPool> workers(int count) {
  Pool& p = pool();
  const std::lock_guard<std::mutex> lock(p.mutex);
  p.forget_parent();
  if (!p.threads || p.threads->NumThreads() != count) {
    p.threads = std::make_shared<Eigen::ThreadPool>(count, /*allow_spinning=*/false);
    p.process = getpid();
  }
  return p.threads;
}

// Set inside a part: work started there stays there, or every worker could wait for a worker.
thread_local bool inside_part = false;

}  // namespace

int num_threads() {
  int n = wanted.load();
  if (n == 0) {
    n = default_threads();
    wanted.store(n);
  }
  return n;
}

void set_num_threads(int threads) {
  if (threads < 1 || threads > 4096)
    throw InvalidArgument("number of threads: expected 1 to 4096, got " + std::to_string(threads));
  wanted.store(threads);
}

Index parallel_parts(Index count, double work) {
  if (inside_part || count <= 1 || work < 2 * kWorkPerPart) return 1;
  const Index by_work = static_cast<Index>(work / kWorkPerPart);
  Index parts = num_threads();
  if (parts > by_work) parts = by_work;
  return parts > count ? count : parts;
}

void run_parts(Index parts, Index count, const std::function<void(Index, Index, Index)>& body) {
  if (parts <= 1) {
    if (count > 0) body(0, 0, count);
    return;
  }
  const auto begin = [=](Index part) { return count * part / parts; };
  const auto run = [&body, begin](Index part) {
    inside_part = true;
    body(part, begin(part), begin(part + 1));
    inside_part = false;
  };
  const auto threads = workers(std::max(static_cast<int>(parts), num_threads()) - 1);
  Eigen::Barrier done(static_cast<unsigned>(parts - 1));
  for (Index part = 1; part < parts; ++part)
    threads->Schedule([&run, &done, part] {
      run(part);
      done.Notify();
    });
  run(0);
  done.Wait();
}

}  // namespace lstm_native
