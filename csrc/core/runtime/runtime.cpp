#include "lstm_native/runtime.hpp"

#include <Eigen/Core>

#include "kernels/dispatch.hpp"

namespace lstm_native {

const char* version() { return LN_VERSION; }

BuildInfo build_info() {
  BuildInfo info;
  info.version = version();
#if defined(__clang__)
  info.compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
  info.compiler = "gcc " __VERSION__;
#endif
  info.eigen = EIGEN_VERSION_STRING;
  info.build_type = LN_BUILD_TYPE;
  for (const InstructionSet& set : compiled_sets()) info.isas_compiled.emplace_back(set.name);
  info.isas_available = available_sets();
  info.isa = active_set().name;
  info.threads = num_threads();
  return info;
}

void set_isa(const std::string& name) { use_set(name); }

}  // namespace lstm_native
