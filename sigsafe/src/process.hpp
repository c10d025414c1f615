// Which process this is. A fork can happen at any moment of other threads. What they had counted,
// and the lock that they held, must not be found in the child: all of that lies in a page that a
// fork wipes, or carries the generation of the process that wrote it.
#pragma once

#include <sigsafe/config.hpp>

#include <signal.h>

#include <atomic>
#include <cstdint>

#include <sigsafe/raw_lock.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/system/system.hpp>
#include <sigsafe/src/watched.hpp>

namespace sigsafe::detail {

struct child_state;

struct process_page {
  std::atomic<std::uint32_t> generation;  // 0 in a child until somebody asks
  std::atomic<std::uint32_t> phase;       // which of the two counts new readers use; see table.hpp
  std::atomic<std::uint32_t> readers[2];
  std::uint32_t departures;  // a futex; grows when a thread leaves a handler whose removal waits
  futex_lock registration;   // whoever changes the table holds it; see registration_lock
  std::uint32_t crashes;     // a futex; how many threads report a crash; see crash.hpp
  futex_lock children_lock;  // see children.hpp
  child_state* children;
  std::atomic<std::uint32_t> passing;        // threads that pass a signal on to a claimant
  std::atomic<std::uint32_t> claimants[65];  // which thread takes a signal; see passing.hpp
  watch_tables watched;                      // see watched.hpp
};

struct sleeper_block;

struct process_identity {
  std::atomic<process_page*> page;
  std::atomic<std::uint32_t> generations;  // how many were given out, here and in our ancestors
  std::atomic<std::uint32_t> arrivals;     // see sleepers.hpp
  std::atomic<sleeper_block*> sleepers;
  std::atomic<int> wake_signal;  // 0: the default
  std::atomic<bool> wake_signal_is_installed;
  std::atomic<std::uint32_t> continues;       // see stops.hpp
  std::atomic<std::uint32_t> end_of_threads;  // see thread_end.hpp
  std::atomic<std::uint64_t> undeferrable;    // see undeferrable.hpp
  std::atomic<std::uint32_t> makers;          // threads that have made a signal_fd
  std::atomic<std::uint32_t> signal_fds[64];  // how many have taken a signal; see signal_fds.hpp
  std::atomic<std::uint16_t> reading[64];     // how many live ones read it
};

extern process_identity this_process asm("sigsafe_abi1_process") SIGSAFE_API;

/// Makes the page when there is none.
/// Errors:   std::system_error; nothing has changed then
void ensure_page();

/// Pre:      ensure_page
inline process_page& page() noexcept { return *this_process.page.load(std::memory_order_acquire); }

/// Holds `registration`, with everything maskable blocked: no handler on this thread waits for it,
/// and none that is not deferrable, which a hold leaves open; the default action behind those takes
/// the lock. So it is no hold, and no mutex: what one looks like depends on SIGSAFE_CHECKED, and
/// objects of both kinds share the page.
/// Pre:      ensure_page
class registration_lock {
 public:
  registration_lock() noexcept {
    signal_set before;
    system::change_mask(SIG_BLOCK, signal_set::maskable(), &before);
    blocked_ = signal_set::maskable() - before;
    page().registration.lock();
  }
  registration_lock(const registration_lock&) = delete;
  registration_lock& operator=(const registration_lock&) = delete;
  ~registration_lock() {
    page().registration.unlock();
    if (!blocked_.empty()) system::change_mask(SIG_UNBLOCK, blocked_);
  }

 private:
  signal_set blocked_;
};

/// The number of a process that has none yet.
std::uint32_t new_generation() noexcept;

/// A number that differs from those of all processes that this one was forked from; never 0.
/// Pre:      ensure_page
inline std::uint32_t process_generation() noexcept {
  const std::uint32_t known = page().generation.load(std::memory_order_relaxed);
  return known != 0 ? known : new_generation();
}

}  // namespace sigsafe::detail
