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
  ~GilRelease() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // nothing else is thrown here
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace lstm_native::python
