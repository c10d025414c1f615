#include <sigsafe/src/passing.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe {

thread_id thread_id::current() noexcept { return thread_id{detail::system::own_thread()}; }

}  // namespace sigsafe

namespace sigsafe::detail {

bool pass_on(thread_id target, const siginfo_t& info) noexcept {
  if (target == thread_id{} || target == thread_id::current()) return false;
  siginfo_t passed = info;
  if (passed.si_code > -farthest_code && passed.si_code < farthest_code)
    passed.si_code += passed_on;
  return system::queue_to_thread(target.native(), passed) == 0;
}

}  // namespace sigsafe::detail
