#include "core/base/aligned.hpp"

#include <new>

#include "lstm_native/error.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lstm_native {
namespace {

// A step reads all its weights, and a pass all its gates, in one sweep: with 4 KiB pages the
// processor spends much of it on looking up addresses, and the system on handing out pages.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::align_val_t alignment(std::size_t bytes) {
  return std::align_val_t(bytes >= kHugePage ? kHugePage : kCacheLine);
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  void* p = ::operator new(bytes, alignment(bytes), std::nothrow);
  if (!p) throw OutOfMemory(static_cast<double>(bytes), "what a pass computes or packed weights");
#ifdef __linux__
  // Whole pages alone, so that none is filled for a rest. A wish: a refusal changes nothing.
  if (bytes >= kHugePage) madvise(p, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return p;
}

void free_aligned(void* p, std::size_t bytes) noexcept { ::operator delete(p, alignment(bytes)); }

}  // namespace lstm_native
