// A thread that ends gives its part of the heap back, inside of the C library, where nobody can
// call it a region. So its last destructor of a thread-specific key blocks signals: those of the
// process go to other threads, and those of this one have nobody any more.
#include <sigsafe/shield/library/threads.hpp>

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/region.hpp>

namespace shield {
namespace {

const next_function<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>
    next_pthread_create{"pthread_create"};
const next_function<int(thrd_t*, int (*)(void*), void*)> next_thrd_create{"thrd_create"};

pthread_key_t key;
bool is_watching = false;

// Each round of destructors may set keys again; the last one is the end.
void end(void* round) noexcept {
  const auto number = reinterpret_cast<uintptr_t>(round);
  if (number < PTHREAD_DESTRUCTOR_ITERATIONS)
    pthread_setspecific(key, reinterpret_cast<void*>(number + 1));
  else
    kernel::block(blocked_at_end());
}

/// Of a thread of POSIX, whose function returns a pointer, or of C11, where it is an int.
template <class Result>
struct beginning {
  Result (*start)(void*);
  void* argument;
};

// Not noexcept: a thread that is cancelled unwinds through it.
template <class Result>
Result begin(void* of) {
  const beginning<Result> begun = *static_cast<beginning<Result>*>(of);
  free(of);
  pthread_setspecific(key, reinterpret_cast<void*>(uintptr_t{1}));
  return begun.start(begun.argument);
}

// create makes the thread, with a function and its argument. Both succeed with 0.
static_assert(thrd_success == 0);
template <class Result, class Create>
int create_watched(Result (*start)(void*), void* argument, Create create) noexcept {
  void* const memory = is_watching ? malloc(sizeof(beginning<Result>)) : nullptr;
  if (memory == nullptr) return create(start, argument);
  *static_cast<beginning<Result>*>(memory) = {start, argument};
  const int error = create(&begin<Result>, memory);
  if (error != 0) free(memory);
  return error;
}

}  // namespace

void watch_threads() noexcept { is_watching = pthread_key_create(&key, &end) == 0; }

}  // namespace shield

using namespace shield;

#pragma GCC visibility push(default)
extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  return create_watched(start, argument, [=](void* (*function)(void*), void* of) noexcept {
    return next_pthread_create(thread, attributes, function, of);
  });
}

int thrd_create(thrd_t* thread, int (*start)(void*), void* argument) {
  return create_watched(start, argument, [=](int (*function)(void*), void* of) noexcept {
    return next_thrd_create(thread, function, of);
  });
}

}  // extern "C"
#pragma GCC visibility pop
