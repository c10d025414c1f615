// Threads that are born with signals blocked.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <memory>
#include <new>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/thread.hpp>

namespace sigsafe::c {
namespace {

struct beginning {
  signal_set receives;
  void* (*function)(void*);
  void* argument;
};

// Not noexcept: a thread that is cancelled unwinds through it.
void* begin(void* of) {
  const beginning begun = *static_cast<beginning*>(of);
  delete static_cast<beginning*>(of);
  detail::open_for(begun.receives);
  return begun.function(begun.argument);
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_thread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          const sigset_t* receives, void* (*function)(void*),
                          void* argument) noexcept {
  using sigsafe::c::beginning;
  const sigsafe::detail::errno_saver kept;
  if (function == nullptr)
    return sigsafe::c::fail(EINVAL, "sigsafe: a thread needs a function, and this one is null");
  std::unique_ptr<beginning> begun{new (std::nothrow)
                                       beginning{sigsafe::c::set_of(receives), function, argument}};
  if (begun == nullptr) return sigsafe::c::fail(ENOMEM, "sigsafe: there is no memory left");
  const sigsafe::detail::birth_scope closed;
  const int error = pthread_create(thread, attributes, &sigsafe::c::begin, begun.get());
  if (error != 0)
    return sigsafe::c::fail(error,
                            "sigsafe: no thread can be made: raise RLIMIT_NPROC (ulimit -u) "
                            "or the limit of the container, or look at its attributes");
  static_cast<void>(begun.release());  // NOLINT(bugprone-unused-return-value): the thread's now
  return 0;
}
