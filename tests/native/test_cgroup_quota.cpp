// The quota of the control group, from files as kernels, containers and mistakes make them.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/runtime/cgroup_quota.hpp"
#include "file_helpers.hpp"

using namespace lstm_native;

namespace {

/// A machine's files below a folder, with what the kernel shows of control groups and mounts.
class Machine {
 public:
  Machine(const std::string& groups, const std::string& mounts) {
    file("/proc/self/cgroup", groups);
    file("/proc/self/mountinfo", "21 1 0:20 / /proc rw - proc proc rw\n" + mounts);
  }
  Machine& file(const std::string& path, const std::string& text) {
    const std::filesystem::path full = folder_.path() + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
    return *this;
  }
  double quota() const { return cgroup_quota(folder_.path()); }

 private:
  TemporaryDirectory folder_;
};

const std::string kUnified =
    "30 21 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string kFirstVersion =
    "31 21 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 21 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

}  // namespace

TEST_CASE("quota: version 2, the least of the group and those above it") {
  Machine machine("0::/a.slice/b.service\n", kUnified);
  CHECK(machine.quota() == 0);
  machine.file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
  CHECK(machine.quota() == 0);
  machine.file("/sys/fs/cgroup/a.slice/cpu.max", "250000 100000\n");
  CHECK(machine.quota() == 2.5);
  machine.file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "20000 50000\n");
  CHECK(machine.quota() == doctest::Approx(0.4));
  machine.file("/sys/fs/cgroup/cpu.max", "1000 100000\n");
  CHECK(machine.quota() == doctest::Approx(0.01));
  machine.file("/sys/fs/cgroup/other/cpu.max", "1 100000\n");
  CHECK(machine.quota() == doctest::Approx(0.01));
}

TEST_CASE("quota: version 1, among other hierarchies") {
  Machine machine("4:cpuset:/elsewhere\n3:cpu,cpuacct:/docker/1f\n0::/\n", kFirstVersion);
  machine.file("/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us", "-1\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us", "100000\n");
  CHECK(machine.quota() == 0);
  machine.file("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "300000\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
  CHECK(machine.quota() == 3);
  machine.file("/sys/fs/cgroup/cpuset/elsewhere/cpu.cfs_quota_us", "1\n")
      .file("/sys/fs/cgroup/cpuset/elsewhere/cpu.cfs_period_us", "100000\n");
  CHECK(machine.quota() == 3);
}

TEST_CASE("quota: both versions at once, each with its own group") {
  Machine machine("3:cpu,cpuacct:/one\n0::/two\n",
                  kFirstVersion + "33 21 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  machine.file("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us", "150000\n")
      .file("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_period_us", "100000\n");
  CHECK(machine.quota() == 1.5);
  machine.file("/sys/fs/cgroup/unified/two/cpu.max", "50000 100000\n");
  CHECK(machine.quota() == 0.5);
}

TEST_CASE("quota: a container sees its own group, mounted, and no other") {
  const std::string mounts =
      "40 21 0:26 /docker/1f /sys/fs/cgroup ro - cgroup2 cgroup ro\n"
      "41 21 0:26 /docker/2e /mnt/other\\040group ro - cgroup2 cgroup ro\n"
      "42 21 0:26 /docker/1f /mnt/own\\040group ro - cgroup2 cgroup ro\n";
  Machine machine("0::/docker/1f/inner\n", mounts);
  machine.file("/mnt/other group/cpu.max", "1 100000\n");
  machine.file("/sys/fs/cgroup/docker/1f/cpu.max", "1 100000\n");
  CHECK(machine.quota() == 0);
  machine.file("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  CHECK(machine.quota() == 2);
  machine.file("/mnt/own group/inner/cpu.max", "100000 100000\n");
  CHECK(machine.quota() == 1);
}

TEST_CASE("quota: what makes no sense is no limit") {
  CHECK(cgroup_quota("/nowhere/at/all") == 0);
  CHECK(Machine("", "").quota() == 0);
  CHECK(Machine("0::/a\n", "").quota() == 0);
  CHECK(Machine("nonsense\n:\n::\n", kUnified + "1 2 3 - cgroup2\n- - -\n\n").quota() == 0);
  for (const char* text : {"", "max", "max max", "100000", "-5 100000", "0 100000", "5 0", "5 -1",
                           "x y", "\n", "nan 100000"}) {
    CAPTURE(text);
    CHECK(Machine("0::/\n", kUnified).file("/sys/fs/cgroup/cpu.max", text).quota() == 0);
  }
  // A group outside of what this process may see.
  Machine outside("0::/../../a\n", kUnified);
  outside.file("/sys/fs/a/cpu.max", "1 100000").file("/sys/fs/cgroup/cpu.max", "1 100000");
  CHECK(outside.quota() == 0);
}

TEST_CASE("quota: this machine's own files can be read") { CHECK(cgroup_quota() >= 0); }
