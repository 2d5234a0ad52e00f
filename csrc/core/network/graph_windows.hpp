// Whether a graph can run window of time after window of time, its states carried.
#pragma once

#include <string>

#include "core/network/graph.hpp"

namespace lstm_native {

/// The first node that cannot, and why; both empty where all can.
struct NotInWindows {
  std::string label, why;
};

template <class T>
NotInWindows not_in_windows(const Graph<T>& graph);

}  // namespace lstm_native
