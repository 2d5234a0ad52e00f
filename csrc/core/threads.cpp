#include "core/threads.hpp"

#include <sched.h>
#include <unistd.h>

#include <Eigen/ThreadPool>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

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
  int wanted = 0;
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

/// How many of so many threads the system will start now. Eigen's pool cannot be left half built:
/// its constructor would wait for ever for the threads that it did start.
int startable(int count) {
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  std::vector<std::thread> threads;
  try {
    threads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([gate] { gate.wait(); });
  } catch (const std::exception&) {  // fewer threads, not a failure
  }
  go.set_value();
  for (std::thread& thread : threads) thread.join();
  return static_cast<int>(threads.size());
}

/// The pool, with as many of `count` threads as can be had; null when there are none.
std::shared_ptr<Eigen::ThreadPool> workers(int count) {
  Pool& p = pool();
  const std::lock_guard<std::mutex> lock(p.mutex);
  p.forget_parent();
  if (!p.threads || p.wanted != count) {
    p.threads.reset();
    if (const int have = startable(count); have > 0)
      p.threads = std::make_shared<Eigen::ThreadPool>(have, /*allow_spinning=*/false);
    p.wanted = count;
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
  const auto threads = workers(std::max(static_cast<int>(parts), num_threads()) - 1);
  // Whatever a part throws must wait until all parts have ended: they use this stack.
  std::exception_ptr error;
  std::atomic<bool> failed{false};
  const auto run = [&](Index part) noexcept {
    inside_part = true;
    try {
      body(part, begin(part), begin(part + 1));
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
    inside_part = false;
  };
  Eigen::Barrier done(static_cast<unsigned>(parts - 1));
  Index part = 1;
  try {
    for (; threads && part < parts; ++part)
      threads->Schedule([&run, &done, part] {
        run(part);
        done.Notify();
      });
  } catch (const std::bad_alloc&) {  // the rest is run here
  }
  for (; part < parts; ++part) {
    run(part);
    done.Notify();
  }
  run(0);
  done.Wait();
  if (error) std::rethrow_exception(error);
}

}  // namespace lstm_native
