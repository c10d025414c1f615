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

using start_function = void*(void*);
const next_function<int(pthread_t*, const pthread_attr_t*, start_function*, void*)>
    next_pthread_create{"pthread_create"};

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

struct beginning {
  start_function* start;
  void* argument;
};

// Not noexcept: a thread that is cancelled unwinds through it.
void* begin(void* of) {
  const beginning begun = *static_cast<beginning*>(of);
  free(of);
  pthread_setspecific(key, reinterpret_cast<void*>(uintptr_t{1}));
  return begun.start(begun.argument);
}

using c11_start_function = int(void*);
const next_function<int(thrd_t*, c11_start_function*, void*)> next_thrd_create{"thrd_create"};

struct c11_beginning {
  c11_start_function* start;
  void* argument;
};

int begin_c11(void* of) {
  const c11_beginning begun = *static_cast<c11_beginning*>(of);
  free(of);
  pthread_setspecific(key, reinterpret_cast<void*>(uintptr_t{1}));
  return begun.start(begun.argument);
}

}  // namespace

void watch_threads() noexcept { is_watching = pthread_key_create(&key, &end) == 0; }

}  // namespace shield

extern "C" [[gnu::visibility("default")]] int pthread_create(pthread_t* thread,
                                                             const pthread_attr_t* attributes,
                                                             void* (*start)(void*),
                                                             void* argument) {
  using namespace shield;
  void* const memory = is_watching ? malloc(sizeof(beginning)) : nullptr;
  if (memory == nullptr) return next_pthread_create(thread, attributes, start, argument);
  *static_cast<beginning*>(memory) = {start, argument};
  const int error = next_pthread_create(thread, attributes, &begin, memory);
  if (error != 0) free(memory);
  return error;
}

extern "C" [[gnu::visibility("default")]] int thrd_create(thrd_t* thread, int (*start)(void*),
                                                          void* argument) {
  using namespace shield;
  void* const memory = is_watching ? malloc(sizeof(c11_beginning)) : nullptr;
  if (memory == nullptr) return next_thrd_create(thread, start, argument);
  *static_cast<c11_beginning*>(memory) = {start, argument};
  const int result = next_thrd_create(thread, &begin_c11, memory);
  if (result != thrd_success) free(memory);
  return result;
}
