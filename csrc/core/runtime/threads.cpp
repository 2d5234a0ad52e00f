#include "core/runtime/threads.hpp"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <string>
#include <thread>

#include "core/runtime/cgroup_quota.hpp"
#include "core/runtime/team.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

namespace lstm_native {
namespace {

// Below this many multiply-adds per part, handing it to a thread costs more than it saves.
constexpr double kWorkPerPart = 1 << 19;

/// The processors that this process may run on, and no more than its control group's quota pays
/// for: a thread too many uses up the others' time while it waits, and then all stand still.
int usable_processors() {
  int found = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) found = std::max(1, CPU_COUNT(&set));
  if (const double quota = cgroup_quota(); quota > 0 && quota < found)
    found = std::max(1, static_cast<int>(std::lround(quota)));
#endif
  return found;
}

/// As a user has asked for it with a variable, or 0.
int threads_of_environment() {
  if (const char* text = std::getenv("LSTM_NATIVE_NUM_THREADS"); text && *text) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end || n < 1 || n > 4096)
      throw InvalidArgument("LSTM_NATIVE_NUM_THREADS: expected a number from 1 to 4096, got '" +
                            std::string(text) + "'");
    return static_cast<int>(n);
  }
  return 0;
}

// As many as the user has asked for; less than zero: as many as we take by ourselves; 0: not known
// yet.
std::atomic<int> wanted{0};

}  // namespace

int num_threads() {
  int n = wanted.load();
  if (n == 0) {
    int found = threads_of_environment();
    if (found == 0) found = -usable_processors();
    if (wanted.compare_exchange_strong(n, found)) n = found;
  }
  return std::abs(n);
}

bool may_use_fewer_threads() { return wanted.load() < 0; }

void take_threads(int threads) { wanted.store(-threads); }

void set_num_threads(int threads) {
  if (threads < 1 || threads > 4096)
    throw InvalidArgument("number of threads: expected 1 to 4096, got " + std::to_string(threads));
  wanted.store(threads);
}

Index parallel_parts(Index count, double work) {
  if (count <= 1 || work < 2 * kWorkPerPart) return 1;
  return std::min(
      {count, static_cast<Index>(num_threads()), static_cast<Index>(work / kWorkPerPart)});
}

void run_parts(Index parts, Index count, const std::function<void(Index, Index, Index)>& body) {
  Gang gang(parts);
  const Index threads = gang.size();
  gang.run(threads, [&](Index thread) {
    for (Index part = thread; part < parts; part += threads)
      body(part, count * part / parts, count * (part + 1) / parts);
  });
}

}  // namespace lstm_native
