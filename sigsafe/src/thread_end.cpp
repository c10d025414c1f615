#include <sigsafe/src/thread_end.hpp>

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <system_error>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/requeue.hpp>

namespace sigsafe::detail {
namespace {

// No handler runs here: the thread's own data may be gone already.
void give_back(void* argument) noexcept {
  auto& thread = *static_cast<thread_state*>(argument);
  thread.watched.store(0);  // the key has no value any more
  if (thread.deferred.load() != process_generation()) return;
  thread.deferred.store(0);
  requeue_to_the_process(thread.info);
}

}  // namespace

// The numbers of keys begin with 0, which stands for none here.
void ensure_end_of_threads() {
  std::uint32_t known = this_process.end_of_threads.load(std::memory_order_acquire);
  if (known != 0) return;
  pthread_key_t key;
  if (const int error = pthread_key_create(&key, give_back); error != 0)
    throw std::system_error(error, std::generic_category(),
                            "sigsafe: no key for thread-local data is left (PTHREAD_KEYS_MAX)");
  if (!this_process.end_of_threads.compare_exchange_strong(known, key + 1)) pthread_key_delete(key);
}

// glibc has room for the first keys in every thread, and allocates for the others, which must not
// happen in a handler.
void watch_end_of_thread() noexcept {
  thread_state& thread = current_thread();
  if (thread.watched.load() != 0) return;
  constexpr std::uint32_t without_allocation = 32;
  const std::uint32_t number = this_process.end_of_threads.load(std::memory_order_relaxed);
  if (number == 0 || number > without_allocation) return;
  thread.watched.store(pthread_setspecific(number - 1, &thread) == 0 ? 1 : 0);
}

}  // namespace sigsafe::detail
