// What this build is, and how it runs.
//
// Whatever computes (Network, Trainer, Stream) takes subnormal numbers for zeros and rounds to
// nearest, whatever the calling thread's floating-point settings are; it leaves them as they were.
#pragma once

#include <string>
#include <vector>

namespace lstm_native {

struct BuildInfo {
  std::string version;
  std::string compiler;
  std::string eigen;
  std::string build_type;                   // "release", "debug"
  std::vector<std::string> isas_compiled;   // fastest first
  std::vector<std::string> isas_available;  // those of them this processor can run
  std::string isa;                          // in use
  int threads = 1;
};

/// Throws InvalidArgument when LSTM_NATIVE_ISA names no available instruction set.
BuildInfo build_info();

/// The library's version, "major.minor.patch".
const char* version();

/// Chooses the instruction set by name ("generic", "avx2", "avx512", "neon"; "auto": the
/// fastest available). Without a call, LSTM_NATIVE_ISA decides at first use, else "auto".
/// Throws InvalidArgument with the list of available names. Not beside running work.
void set_isa(const std::string& name);

/// Threads for large work, >= 1. Without a call, LSTM_NATIVE_NUM_THREADS, else the number of
/// processors this process may use, by its affinity and its control group's quota; of these fewer
/// are used for a while where other programs want them too. Results do not depend on it, bit for
/// bit.
void set_num_threads(int threads);
int num_threads();

}  // namespace lstm_native
