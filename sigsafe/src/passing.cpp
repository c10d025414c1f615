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
namespace {

// Far from all codes of kernels and programs. Codes lie within this distance of 0.
constexpr int passed_on = -0x53530000;
constexpr int farthest = 0x4000;

}  // namespace

thread_id target_of(const handler_node& node, std::uint32_t generation) noexcept {
  return node.registered_in == generation ? node.owner->wanted.thread : thread_id{};
}

bool pass_on(thread_id target, const siginfo_t& info) noexcept {
  if (target == thread_id{} || target == thread_id::current()) return false;
  siginfo_t passed = info;
  if (passed.si_code > -farthest && passed.si_code < farthest) passed.si_code += passed_on;
  return system::queue_to_thread(target.native(), passed) == 0;
}

void restore_code(siginfo_t& info) noexcept {
  if (info.si_code > passed_on - farthest && info.si_code < passed_on + farthest)
    info.si_code -= passed_on;
}

}  // namespace sigsafe::detail
