// What the public handles have in common: the way to what stands behind them, for the core and the
// bindings alone, and the checks of what they are given.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "core/base/message_text.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native {

struct Access {
  /// What the handle points to. Throws InvalidArgument when it is empty.
  template <template <class> class Handle, class T>
  static auto& impl(const Handle<T>& handle) {
    if (!handle.impl_)
      throw InvalidArgument(std::string("this ") + name(&handle) +
                            " is empty: it was default-constructed or moved from");
    return *handle.impl_;
  }

  template <class Handle, class Pointer>
  static Handle make(Pointer impl) {
    return Handle(std::move(impl));
  }

 private:
  template <class T>
  static const char* name(const Network<T>*) {
    return "Network";
  }
  template <class T>
  static const char* name(const NetworkStates<T>*) {
    return "NetworkStates";
  }
  template <class T>
  static const char* name(const Stream<T>*) {
    return "Stream";
  }
  template <class T>
  static const char* name(const Trainer<T>*) {
    return "Trainer";
  }
};

/// Throws InvalidArgument unless the caller's memory holds as many values as the tensor.
inline void check_count(const std::string& name, Index expected, Index got) {
  if (got == expected) return;
  throw InvalidArgument("'" + printable(name) + "': expected " + std::to_string(expected) +
                        " values, got " + std::to_string(got));
}

/// Throws InvalidArgument unless the caller gives as many of something as there are to be.
inline void check_number(const char* what, std::size_t expected, std::size_t got,
                         const char* why = "as the network has") {
  if (expected == got) return;
  throw InvalidArgument("expected " + std::to_string(expected) + " " + what +
                        (expected == 1 ? "" : "s") + ", " + why + ", got " + std::to_string(got));
}

}  // namespace lstm_native
