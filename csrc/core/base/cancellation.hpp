// Long work that its caller may break off.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <thread>

#include "core/base/float_mode.hpp"

namespace lstm_native {

/// What `Cancellation::check` throws once the caller has had enough.
struct Cancelled : std::exception {
  const char* what() const noexcept override { return "broken off by the caller"; }
};

/// While it lives, work that this thread begins asks `wanted` whether to end: on this thread alone,
/// ten times a second at most. `wanted` is the caller's code: it runs with the floating-point
/// settings that the caller had when this was made.
class Cancellation {
 public:
  explicit Cancellation(std::function<bool()> wanted);
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  /// The innermost one of this thread, or null. Its work hands it to other threads.
  static Cancellation* current();

  /// Throws Cancelled if the work is to end, on whichever of its threads this is called.
  void check();

 private:
  using Clock = std::chrono::steady_clock;

  bool ask() const;

  std::function<bool()> wanted_;
  const FloatMode::Word caller_ = FloatMode::read();
  const std::thread::id thread_ = std::this_thread::get_id();
  Clock::time_point asked_ = Clock::now();
  std::atomic<bool> cancelled_{false};
  Cancellation* outer_;
};

}  // namespace lstm_native
