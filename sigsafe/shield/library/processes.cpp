// Tier 1: fork, which takes the locks of the allocator, and calls the functions of pthread_atfork.
// _Fork and vfork take none.
#include <unistd.h>

#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/region.hpp>

namespace shield {
namespace {

const next_function<decltype(::fork)> next_fork{"fork"};

}  // namespace
}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

pid_t fork() noexcept {
  enter_region(sigsafe_shield_fork);
  const pid_t child = next_fork();
  leave_region(sigsafe_shield_fork);
  return child;
}

pid_t __fork() noexcept { return fork(); }

}  // extern "C"
#pragma GCC visibility pop
