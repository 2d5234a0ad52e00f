#include "allocation_count.hpp"

#ifdef COUNTS_ALLOCATIONS
#include <cstdlib>
#include <new>

std::atomic<long> allocations{0}, allocations_left{-1};

namespace {
void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  if (allocations_left >= 0) {
    if (allocations_left == 0) throw std::bad_alloc();
    --allocations_left;
  }
  void* p = alignment
                ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment)
                : std::malloc(size ? size : 1);
  if (!p) throw std::bad_alloc();
  return p;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
#endif
