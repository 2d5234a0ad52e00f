// How much of the processors Linux's control groups leave to this process.
#pragma once

#include <string>

namespace lstm_native {

/// Processors' worth of time: the least quota of the process's control group and of those above it,
/// as far as they are mounted (`cpu.max` of version 2, `cpu.cfs_quota_us` of version 1). 0 where
/// there is none, or where it cannot be read. `root`: a folder in which /proc and the mounts are
/// looked for instead, for tests.
double cgroup_quota(const std::string& root = "");

}  // namespace lstm_native
