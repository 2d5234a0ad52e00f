// Running a test on every instruction set.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "kernels/dispatch.hpp"

/// Uses an instruction set by name until the end of the block.
class UsedSet {
 public:
  explicit UsedSet(const std::string& name) : before_(lstm_native::active_set().name) {
    lstm_native::use_set(name);
    REQUIRE(std::string(lstm_native::active_set().name) == name);
  }
  ~UsedSet() { lstm_native::use_set(before_); }
  UsedSet(const UsedSet&) = delete;
  UsedSet& operator=(const UsedSet&) = delete;

 private:
  std::string before_;
};

/// The set this run is for (--isa), or empty.
inline std::string only_set;

/// Calls body(name) with each compiled set that this processor has in use.
template <class Body>
void for_every_set(const Body& body) {
  int sets = 0;
  for (const lstm_native::InstructionSet& set : lstm_native::compiled_sets()) {
    if (!set.supported()) continue;
    const std::string name = set.name;
    CAPTURE(name);
    const UsedSet used(name);
    // What the core will call is this set's own table, not one that has its name.
    REQUIRE(&lstm_native::kernels<float>() == &set.kernels->f32);
    REQUIRE(&lstm_native::kernels<double>() == &set.kernels->f64);
    body(name);
    ++sets;
  }
  CHECK(sets > 0);
}

/// The same, but only with the set that this run is for: other runs are for the others.
template <class Body>
void for_each_set(const Body& body) {
  int sets = 0;
  for_every_set([&](const std::string& name) {
    if (!only_set.empty() && name != only_set) return;
    body(name);
    ++sets;
  });
  CHECK(sets > 0);
}
