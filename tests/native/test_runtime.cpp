// What the build says of itself, and the choice of instruction set and threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "file_helpers.hpp"
#include "isa_helpers.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/runtime.hpp"

using namespace lstm_native;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("build_info: version, compiler, Eigen, sets and threads") {
  const BuildInfo info = build_info();
  CHECK(info.version == version());
  CHECK(std::count(info.version.begin(), info.version.end(), '.') == 2);
  CHECK((contains(info.compiler, "gcc ") || contains(info.compiler, "clang ")));
  CHECK(std::isdigit(static_cast<unsigned char>(info.eigen.at(0))));
  CHECK_FALSE(info.build_type.empty());
  CHECK(info.threads == num_threads());
  // Available sets are compiled ones in the same order, and one of them is in use.
  auto at = info.isas_compiled.begin();
  for (const std::string& name : info.isas_available) {
    at = std::find(at, info.isas_compiled.end(), name);
    REQUIRE(at != info.isas_compiled.end());
  }
  CHECK(std::count(info.isas_available.begin(), info.isas_available.end(), info.isa) == 1);
  std::string compiled;
  for (const std::string& name : info.isas_compiled)
    compiled += (compiled.empty() ? "" : ",") + name;
  CHECK(compiled == LN_ISAS);  // what the build was told to compile
}

TEST_CASE("set_isa: by name, the fastest by \"auto\", and no other") {
  const UsedSet restored(active_set().name);
  for (const std::string& name : build_info().isas_available) {
    set_isa(name);
    CHECK(build_info().isa == name);
  }
  set_isa("auto");
  CHECK(build_info().isa == build_info().isas_available.front());
  for (const std::string name : {"", "AVX2", "sse9"}) {
    const std::string message = message_of<InvalidArgument>([&] { set_isa(name); });
    CHECK(contains(message, "'" + name + "'"));
    for (const std::string& available : build_info().isas_available)
      CHECK(contains(message, available));
    CHECK(build_info().isa == build_info().isas_available.front());
  }
  for (const InstructionSet& set : compiled_sets())
    if (!set.supported())
      CHECK(contains(message_of<InvalidArgument>([&] { set_isa(set.name); }), set.name));
}

TEST_CASE("set_num_threads: from 1 to 4096, and a refusal changes nothing") {
  const int before = num_threads();
  set_num_threads(3);
  CHECK(num_threads() == 3);
  for (const int wrong : {0, -1, 4097}) {
    const std::string message = message_of<InvalidArgument>([&] { set_num_threads(wrong); });
    CHECK(contains(message, "expected 1 to 4096"));
    CHECK(contains(message, "got " + std::to_string(wrong)));
    CHECK(num_threads() == 3);
  }
  set_num_threads(before);
}
