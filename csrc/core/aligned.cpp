#include "core/aligned.hpp"

#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace lstm_native {
namespace {

// A step reads all its weights, and a pass all its gates, in one sweep: with 4 KiB pages the
// processor spends much of it on looking up addresses, and the system on handing out pages.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

bool is_large(std::size_t bytes) { return bytes >= kHugePage / 2; }

std::align_val_t alignment(std::size_t bytes) {
  return std::align_val_t(is_large(bytes) ? kHugePage : kCacheLine);
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  if (!is_large(bytes)) return ::operator new(bytes, alignment(bytes));
  const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  if (whole < bytes) throw std::bad_alloc();
  void* p = ::operator new(whole, alignment(bytes));
#ifdef __linux__
  madvise(p, whole, MADV_HUGEPAGE);  // a wish: where it is refused, nothing changes
#endif
  return p;
}

void free_aligned(void* p, std::size_t bytes) noexcept { ::operator delete(p, alignment(bytes)); }

}  // namespace lstm_native
