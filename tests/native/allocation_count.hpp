// Every allocation of this program is counted, and may be made to fail; not where a sanitizer wants
// to see them itself.
#pragma once

#include <atomic>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS
extern std::atomic<long> allocations;       // so far
extern std::atomic<long> allocations_left;  // all after so many fail; negative: none does
#endif
