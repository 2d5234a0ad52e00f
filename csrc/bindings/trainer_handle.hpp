// A trainer as Python holds it.
#pragma once

#include <memory>
#include <mutex>

#include "bindings/gil.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native::python {

template <class T>
struct TrainerHandle {
  Trainer<T> trainer;
  std::unique_ptr<std::mutex> one_at_a_time = std::make_unique<std::mutex>();

  /// Runs body without the GIL while no step is under way.
  template <class Body>
  auto alone(const Body& body) const {
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(*one_at_a_time);
    return body();
  }
};

}  // namespace lstm_native::python
