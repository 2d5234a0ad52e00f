// Workspaces that outlive a call, so that the next one finds its memory warm.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "core/base/workspace.hpp"

namespace lstm_native {

/// For concurrent callers: each borrows a workspace and gives it back. Keeps a few small ones; a
/// large one by itself, and only as long as the work stays alike.
class WorkspacePool {
 public:
  /// `rows`: samples x timesteps of the work, which decide how much memory it takes.
  std::unique_ptr<Workspace> borrow(Index rows) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (rows != rows_) large_.reset();
    rows_ = rows;
    if (large_) return std::move(large_);
    if (small_.empty()) return std::make_unique<Workspace>();
    auto workspace = std::move(small_.back());
    small_.pop_back();
    return workspace;
  }

  void give_back(std::unique_ptr<Workspace> workspace) noexcept {
    try {
      workspace->reset();
      const std::lock_guard<std::mutex> lock(mutex_);
      if (workspace->bytes() > kSmall)
        large_ = std::move(workspace);
      else if (small_.size() < kMost)
        small_.push_back(std::move(workspace));
    } catch (const std::bad_alloc&) {  // then it is not kept
    }
  }

 private:
  static constexpr std::size_t kMost = 4;
  static constexpr std::size_t kSmall = std::size_t{1} << 20;  // bytes

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> small_;
  std::unique_ptr<Workspace> large_;
  Index rows_ = 0;
};

}  // namespace lstm_native
