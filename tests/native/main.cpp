// Runs every C++ test. --isa=<name> chooses the instruction set, and tests that go through the sets
// then stay with it, except those that compare sets; one that this processor lacks ends in 77,
// which ctest reports as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <iostream>
#include <string>

#include "isa_helpers.hpp"
#include "lstm_native/runtime.hpp"

int main(int argc, char** argv) {
  const std::string option = "--isa=";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.compare(0, option.size(), option) != 0) continue;
    const std::string isa = argument.substr(option.size());
    const auto available = lstm_native::build_info().isas_available;
    if (isa != "auto" && std::find(available.begin(), available.end(), isa) == available.end()) {
      std::cout << "This processor has no " << isa << ": skipped.\n";
      return 77;
    }
    lstm_native::set_isa(isa);
    if (isa != "auto") only_set = isa;
  }
  std::cout << "Instruction set: " << lstm_native::build_info().isa << std::endl;
  return doctest::Context(argc, argv).run();
}
