#include "core/runtime/cgroup_quota.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace lstm_native {
namespace {

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// As mountinfo writes paths: spaces and the like are a backslash and three octal digits.
std::string unescaped(const std::string& text) {
  std::string out;
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '7'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// A hierarchy of control groups, as it is mounted somewhere.
struct Mount {
  bool unified = false;      // version 2
  std::string group, place;  // the group that is mounted there
};

/// Those that can limit processor time.
std::vector<Mount> cpu_mounts(const std::string& root) {
  std::vector<Mount> mounts;
  std::ifstream in(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    // number parent device group place options [tags ...] - type source options
    const std::vector<std::string> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (dash - words.begin() < 6 || words.end() - dash < 4) continue;
    const bool unified = dash[1] == "cgroup2";
    if (unified || (dash[1] == "cgroup" && contains(split(dash[3], ','), "cpu")))
      mounts.push_back({unified, unescaped(words[3]), unescaped(words[4])});
  }
  return mounts;
}

/// The process's group in the unified hierarchy, or in that of version 1 which limits processor
/// time; empty when it is in none.
std::string own_group(const std::string& root, bool unified) {
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    // number:controllers:group
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? line.compare(0, second, "0:") == 0 : contains(split(controllers, ','), "cpu"))
      return line.substr(second + 1);
  }
  return "";
}

/// Quota by period, or 0.
double share(double quota, double period) { return quota > 0 && period > 0 ? quota / period : 0; }

/// A number that stands alone at the beginning of a file, or 0.
double number_in(const std::string& path) {
  std::ifstream in(path);
  double value = 0;
  in >> value;
  return in ? value : 0;
}

double limit_of(const std::string& folder, bool unified) {
  if (!unified)
    return share(number_in(folder + "/cpu.cfs_quota_us"), number_in(folder + "/cpu.cfs_period_us"));
  std::ifstream in(folder + "/cpu.max");  // "150000 100000", or "max 100000"
  double quota = 0, period = 0;
  in >> quota >> period;
  return in ? share(quota, period) : 0;
}

}  // namespace

double cgroup_quota(const std::string& root) {
  double least = 0;
  for (const Mount& mount : cpu_mounts(root)) {
    std::string group = own_group(root, mount.unified);
    // What is mounted must be this group or one above it: others' limits are not ours.
    const std::string& top = mount.group == "/" ? "" : mount.group;
    if (group.compare(0, top.size(), top) != 0 || group.empty()) continue;
    group.erase(0, top.size());
    if ((!group.empty() && group[0] != '/') || group.find("/..") != std::string::npos) continue;
    for (;; group.erase(group.rfind('/'))) {
      const double found = limit_of(root + mount.place + group, mount.unified);
      if (found > 0 && (least == 0 || found < least)) least = found;
      if (group.empty()) break;
    }
  }
  return least;
}

}  // namespace lstm_native
