// Every call with a time sleeps at least as long as it was asked to, where time_t has more bits
// than a register.
#include <time.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include <sigsafe/guard.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/wake.hpp>

#if defined(__i386__)
static_assert(sizeof(time_t) == 8 && sizeof(void*) == 4);
#endif

namespace {

using namespace std::chrono_literals;
constexpr auto asked = 50ms;
using clock_type = std::chrono::steady_clock;

int failures = 0;

/// Calls what must return by its timeout.
template <class F>
void check(const char* what, F times_out) {
  const auto begin = clock_type::now();
  const bool timeout = times_out();
  const auto slept = clock_type::now() - begin;
  if (timeout && slept >= asked) return;
  ++failures;
  std::fprintf(stderr, "%s: %s\n", what, timeout ? "came back too early" : "no timeout");
}

template <class Guard>
void check_guard(const char* what) {
  Guard off;
  check(what, [&] { return !off.wait_for(asked); });
  pollfd none[1] = {{-1, 0, 0}};
  check(what, [&] { return off.poll(none, asked) == sigsafe::wake::timeout; });
}

void check_lock() {
  sigsafe::mutex<int> shared{0};
  const auto locked = shared.lock();
  std::thread{[&] {
    check("mutex::try_lock_for", [&] { return !shared.try_lock_for(asked); });
    check("mutex::try_lock_until",
          [&] { return !shared.try_lock_until(clock_type::now() + asked); });
  }}.join();
}

}  // namespace

int main() {
  check_guard<sigsafe::guard>("guard");
  check_guard<sigsafe::lazy::guard>("lazy::guard");
  check_lock();
  return failures;
}
