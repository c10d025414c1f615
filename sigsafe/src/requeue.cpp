#include <sigsafe/src/requeue.hpp>

#include <errno.h>
#include <signal.h>

#include <sigsafe/panic.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {

void requeue(const siginfo_t& info) noexcept {
  const int error = system::queue_to_this_thread(info);
  if (error == 0) return;
  panic(error == EAGAIN
            ? "a deferred real-time signal cannot be queued again, because the queue of this user "
              "is full; raise RLIMIT_SIGPENDING (ulimit -i)"
            : "a deferred signal cannot be queued again: rt_tgsigqueueinfo failed",
        {nullptr, 0});
}

}  // namespace sigsafe::detail
