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

template <class T>
struct TrainerHandle {
  Trainer<T> trainer;
  std::unique_ptr<std::mutex> one_at_a_time = std::make_unique<std::mutex>();
  std::unique_ptr<std::atomic<std::thread::id>> running =
      std::make_unique<std::atomic<std::thread::id>>();

  /// Runs body without the GIL while no step is under way.
  template <class Body>
  auto alone(const Body& body) const {
    if (*running == std::this_thread::get_id())
      throw std::runtime_error("a loss function cannot train, evaluate or save its own model");
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(*one_at_a_time);
    const Running here(*running);
    return body();
  }

 private:
  /// Which thread is in a step: the function of a loss may call Python, and that this again.
  struct Running {
    explicit Running(std::atomic<std::thread::id>& of) : thread(of) {
      thread = std::this_thread::get_id();
    }
    ~Running() { thread = std::thread::id(); }
    std::atomic<std::thread::id>& thread;
  };
};

}  // namespace lstm_native::python
