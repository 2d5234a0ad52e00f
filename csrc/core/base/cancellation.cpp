#include "core/base/cancellation.hpp"

#include <utility>

namespace lstm_native {
namespace {

constexpr std::chrono::milliseconds kBetweenQuestions{100};

thread_local Cancellation* innermost = nullptr;

}  // namespace

Cancellation::Cancellation(std::function<bool()> wanted)
    : wanted_(std::move(wanted)), outer_(std::exchange(innermost, this)) {}

Cancellation::~Cancellation() { innermost = outer_; }

Cancellation* Cancellation::current() { return innermost; }

bool Cancellation::ask() const {
  struct Restores {
    const FloatMode::Word before = FloatMode::read();
    ~Restores() { FloatMode::write(before); }
  };
  const Restores restores;
  FloatMode::write(caller_);
  return wanted_();
}

void Cancellation::check() {
  if (std::this_thread::get_id() == thread_ && !cancelled_) {
    const Clock::time_point now = Clock::now();
    if (now - asked_ >= kBetweenQuestions) {
      asked_ = now;
      cancelled_ = ask();
    }
  }
  if (cancelled_) throw Cancelled();
}

}  // namespace lstm_native
