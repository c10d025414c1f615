#include <unistd.h>

#include <sigsafe/sigsafe.hpp>

#include "check.hpp"

namespace {

constinit sigsafe::mutex<int> handled{0};

void with_guard(void (*inside)()) {
  const sigsafe::basic_guard<sigsafe::backend::lazy> off;
  inside();
}

void with_handler(void (*inside)()) {
  const sigsafe::handler on_usr1{SIGUSR1, []() noexcept { *handled.lock() += 1; }};
  inside();
}

}  // namespace

// The view of the shared object or program that this file is compiled into.
extern "C" __attribute__((visibility("default"))) view VIEW() {
  return {
      &sigsafe::detail::this_thread,
      &sigsafe::backend::lazy::enabled,
      &with_guard,
      &with_handler,
      [] { return *handled.lock(); },
      [] { sigsafe::set_panic_function([](const sigsafe::panic_info&) noexcept { _exit(42); }); },
      [] { sigsafe::panic("a panic of a copy", {nullptr, 0}); }};
}
