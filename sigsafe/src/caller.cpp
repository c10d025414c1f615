#include <sigsafe/src/caller.hpp>

#include <signal.h>

#include <atomic>
#include <cstddef>

#include <sigsafe/config.hpp>
#include <sigsafe/src/disposition.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/table.hpp>

namespace sigsafe::detail {

bool is_kernels_frame(const void* frame_address, const siginfo_t* info,
                      const void* context) noexcept {
  if (!SIGSAFE_FRAME_IS_KNOWN) return true;
  const auto* const frame = static_cast<const std::byte*>(frame_address);
  return static_cast<const void*>(info) == frame + SIGSAFE_FRAME_INFO &&
         context == frame + SIGSAFE_FRAME_CONTEXT;
}

bool copy_if_readable(int signal, const siginfo_t* from, siginfo_t& to) noexcept {
  return system::copy_from(from, &to, sizeof(to)) && to.si_signo == signal;
}

// As the kernel reports one for which it had no room.
siginfo_t unknown_info(int signal) noexcept {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_USER;
  return info;
}

bool repair_disposition(int signal) noexcept {
  struct sigaction action;
  sigaction(signal, nullptr, &action);
  if (!is_trampoline(action) || (action.sa_flags & SA_SIGINFO) != 0) return false;
  action.sa_sigaction = trampoline;
  action.sa_flags = SA_SIGINFO | table.slots[signal].flags.load(std::memory_order_relaxed);
  action.sa_mask = trampoline_mask();
  return sigaction(signal, &action, nullptr) == 0;
}

}  // namespace sigsafe::detail
