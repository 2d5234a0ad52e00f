// Work beside Python.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace lstm_native::python {

/// Other threads may run Python until this ends.
///
/// Before Python 3.14 a daemon thread that asks for the GIL while the interpreter shuts down is
/// ended by unwinding its stack, and pybind11's own class turns that into an abort of the process.
/// Here such a thread sleeps until the process has ended, as Python 3.14 has it.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() { take_back(); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

  /// Runs body with the GIL, in between; it may leave a Python error set, and throws nothing.
  template <class Body>
  auto with_gil(const Body& body) {
    take_back();
    const auto result = body();
    state_ = PyEval_SaveThread();
    return result;
  }

 private:
  void take_back() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // nothing else is thrown here
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }

  PyThreadState* state_;
};

}  // namespace lstm_native::python
