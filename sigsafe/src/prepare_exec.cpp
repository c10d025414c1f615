#include <sigsafe/process.hpp>

#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/programs.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe {
namespace detail {
namespace {

// In a handler it is sigsafe that has blocked everything maskable, and what the C library cancels
// threads with (rule 1); what the program has blocked is in a frame of the kernel.
std::uint64_t mask_for_exec() noexcept {
  const signal_set mask = program_mask() & signal_set::all();
  const bool in_handler = current_thread().running.load() != nullptr;
  return (in_handler ? mask - signal_set::maskable() : mask).bits();
}

// What this process has deferred, and not what the one had that forked it (rule 10). A queue that
// is full does not take the siginfo; the default action needs none.
void give_back_deferred() noexcept {
  thread_state& thread = current_thread();
  const std::uint32_t deferred_in = thread.deferred.load();
  if (deferred_in == 0) return;
  if (deferred_in == process_generation() && system::queue_to_this_thread(thread.info) != 0)
    system::send_to_thread(static_cast<std::uint32_t>(system::own_thread()), thread.info.si_signo);
  thread.deferred.store(0);
}

}  // namespace
}  // namespace detail

void prepare_exec(signal_set ignored) noexcept {
  const detail::errno_saver saver;
  const std::uint64_t mask = detail::mask_for_exec();
  detail::system::block_everything();
  detail::system::reset_dispositions(ignored, {});
  detail::give_back_deferred();
  detail::system::set_whole_mask(mask);
}

}  // namespace sigsafe
