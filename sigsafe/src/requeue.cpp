#include <sigsafe/src/requeue.hpp>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <sigsafe/panic.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

// As far as can be known: sigqueue and timers do not tell. Real-time signals keep their order by
// staying on the thread, whose queue comes first; and the kernel sends SIGPIPE and SIGXFSZ to the
// thread that has caused them.
bool was_for_the_process(const siginfo_t& info) noexcept {
  switch (info.si_code) {
    case SI_TKILL:
    case SI_QUEUE:
    case SI_TIMER: return false;
    default: break;
  }
  return info.si_signo < SIGRTMIN && info.si_signo != SIGPIPE && info.si_signo != SIGXFSZ;
}

void panic_about(int error) noexcept {
  panic(error == EAGAIN
            ? "a deferred real-time signal cannot be queued again, because the queue of this user "
              "is full; raise RLIMIT_SIGPENDING (ulimit -i)"
            : "a deferred signal cannot be queued again: rt_tgsigqueueinfo failed",
        {nullptr, 0});
}

}  // namespace

void requeue(const siginfo_t& info) noexcept {
  if (!was_for_the_process(info) || system::queue_to_this_process(info) != 0)
    requeue_to_this_thread(info);
}

void requeue_to_this_thread(const siginfo_t& info) noexcept {
  if (const int error = system::queue_to_this_thread(info); error != 0) panic_about(error);
}

// Before Linux 6.9 only the first thread may do so for a signal of kill; kill then loses no more
// than who had sent it.
void requeue_to_the_process(const siginfo_t& info) noexcept {
  const int error = system::queue_to_this_process(info);
  if (error == EPERM)
    kill(getpid(), info.si_signo);
  else if (error != 0)
    panic_about(error);
}

}  // namespace sigsafe::detail
