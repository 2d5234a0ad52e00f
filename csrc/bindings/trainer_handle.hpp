// A trainer as Python holds it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "bindings/gil.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native::python {

/// One step at a time. A loss's function may call Python in a step: what it asks of the same
/// trainer is refused, rather than waited for for ever.
class OneAtATime {
 public:
  /// With the GIL: throws where this thread is in a step.
  void check() const {
    if (thread_ == std::this_thread::get_id())
      throw std::runtime_error("a loss function cannot train, evaluate or save its own model");
  }
  /// Without the GIL.
  void lock() {
    mutex_.lock();
    thread_ = std::this_thread::get_id();
  }
  void unlock() {
    thread_ = std::thread::id();
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> thread_{};
};

template <class T>
struct TrainerHandle {
  Trainer<T> trainer;
  std::unique_ptr<OneAtATime> one_at_a_time = std::make_unique<OneAtATime>();

  /// Runs body without the GIL while no step is under way.
  template <class Body>
  auto alone(const Body& body) const {
    one_at_a_time->check();
    const GilRelease release;
    const std::lock_guard<OneAtATime> lock(*one_at_a_time);
    return body();
  }
};

}  // namespace lstm_native::python
