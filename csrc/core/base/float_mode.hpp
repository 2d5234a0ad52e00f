// The processor's floating-point settings while the library computes.
#pragma once

#include <cstdint>

namespace lstm_native {

/// Until the end of the block this thread rounds to nearest, traps nothing, and takes numbers
/// nearer to zero than the smallest normal one (subnormals, below 1.2e-38 in float32) for zeros, in
/// what it reads and in what it makes: most processors need a hundred times as long for them. Then
/// the settings are the caller's again, also when something was thrown.
///
/// It stands at every entry that computes, and the team's threads have it for good: so results
/// depend neither on the caller's settings nor on which thread does what. Where the caller has
/// these settings already, nothing is written. Nothing of the caller's may run inside.
class FloatMode {
 public:
  FloatMode() noexcept : before_(read()) {
    if (!is_set(before_)) write(with_ours(before_));
  }
  ~FloatMode() {
    if (!is_set(before_)) write(before_);
  }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

  /// For this thread, until it ends.
  static void keep() noexcept { write(with_ours(read())); }

#if defined(__x86_64__)
  using Word = std::uint32_t;
  /// MXCSR. Its lowest six bits say what has happened, and are the caller's as well.
  static Word read() noexcept {
    Word word;
    asm volatile("stmxcsr %0" : "=m"(word) : : "memory");
    return word;
  }
  static void write(Word word) noexcept { asm volatile("ldmxcsr %0" : : "m"(word) : "memory"); }

 private:
  // Flush to zero, rounding, masks of exceptions, denormals are zeros.
  static constexpr Word kSettings = 0xffc0, kOurs = 0x9fc0;
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  /// FPCR.
  static Word read() noexcept {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word) : : "memory");
    return word;
  }
  static void write(Word word) noexcept { asm volatile("msr fpcr, %0" : : "r"(word) : "memory"); }

 private:
  // DN, FZ, rounding, traps, and the alternate behaviours of FEAT_AFP; ours is FZ alone.
  static constexpr Word kSettings = 0x3c09f07, kOurs = Word{1} << 24;
#else
  using Word = int;
  static Word read() noexcept { return 0; }
  static void write(Word) noexcept {}

 private:
  static constexpr Word kSettings = 0, kOurs = 0;
#endif

  static bool is_set(Word word) noexcept { return (word & kSettings) == kOurs; }
  static Word with_ours(Word word) noexcept { return (word & ~kSettings) | kOurs; }

  Word before_;
};

}  // namespace lstm_native
