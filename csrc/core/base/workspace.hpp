// Memory laid out once and used again: a stack of aligned blocks.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "core/base/aligned.hpp"
#include "lstm_native/types.hpp"

namespace lstm_native {

/// Hands out 64-byte aligned memory that stays valid until it is released as a whole or by the
/// Scope it was taken in. After the first pass over a problem it allocates nothing.
class Workspace {
  /// Where the next memory comes from.
  struct Place {
    std::size_t block = 0;
    std::byte* at = nullptr;  // null: nothing was taken yet
    std::size_t left = 0;     // bytes of the block
  };

 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// `count` values, not initialised.
  template <class T>
  T* take(Index count) {
    return static_cast<T*>(take_bytes(static_cast<std::size_t>(count) * sizeof(T)));
  }

  template <class T>
  T* take_zeros(Index count) {
    T* p = take<T>(count);
    std::memset(static_cast<void*>(p), 0, static_cast<std::size_t>(count) * sizeof(T));
    return p;
  }

  /// Forgets everything handed out; when the last pass needed several blocks, replaces them by
  /// one that holds it all.
  void reset() {
    next_ = {};
    if (blocks_.size() > 1) {
      const std::size_t total = bytes();
      blocks_.clear();
      add_block(total);
    }
  }

  /// Memory held, handed out or not.
  std::size_t bytes() const {
    std::size_t total = 0;
    for (const Block& block : blocks_) total += block.size;
    return total;
  }

  /// Releases at its end what was taken since it began.
  class Scope {
   public:
    explicit Scope(Workspace& workspace) : workspace_(workspace), next_(workspace.next_) {}
    ~Scope() { workspace_.next_ = next_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Workspace& workspace_;
    Place next_;
  };

 private:
  static constexpr std::size_t kMinimumBlock = std::size_t{1} << 16;

  struct Free {
    std::size_t size;
    void operator()(std::byte* p) const { free_aligned(p, size); }
  };
  struct Block {
    std::unique_ptr<std::byte, Free> data;
    std::size_t size;
  };

  void add_block(std::size_t size) {
    std::unique_ptr<std::byte, Free> data(static_cast<std::byte*>(allocate_aligned(size)),
                                          Free{size});
    blocks_.push_back({std::move(data), size});
  }

  void* take_bytes(std::size_t bytes) {
    bytes = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    if (bytes > next_.left || !next_.at) enter_block(bytes);
    std::byte* const p = next_.at;
    next_.at += bytes;
    next_.left -= bytes;
    return p;
  }

  /// Goes on in the next block that has so much room.
  void enter_block(std::size_t bytes) {
    std::size_t block = next_.at ? next_.block + 1 : 0;
    while (block < blocks_.size() && blocks_[block].size < bytes) ++block;
    if (block == blocks_.size()) add_block(bytes > kMinimumBlock ? bytes : kMinimumBlock);
    next_ = {block, blocks_[block].data.get(), blocks_[block].size};
  }

  std::vector<Block> blocks_;
  Place next_;
};

}  // namespace lstm_native
