// What an unchecked program does with locks: the same whether they are watched or not.
#include <sigsafe/checked.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <mutex>

#if defined(WATCHED)
template <class L>
using lock = sigsafe::watched<L>;
#else
template <class L>
using lock = L;
#endif

lock<sigsafe::futex_lock> plain;
sigsafe::mutex<int, lock<sigsafe::futex_lock>> eager;
sigsafe::lazy::mutex<int, lock<sigsafe::spinlock>> lazy;

void use() {
  const std::scoped_lock both{plain};
  ++*eager.lock();
  if (const auto locked = lazy.try_lock()) ++*locked;
}
