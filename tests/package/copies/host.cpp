// host HOW PLUGIN...: loads plug-ins that each contain a copy of the library. All that are loaded,
// and the copy of this program if it has one, must share one state. HOW is local, deepbind or
// dlmopen; or panic_function or registration, when the state that matters is that.
#include <dlfcn.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "../once_per_process/check.hpp"

#if defined(LINKS_SIGSAFE)
extern "C" view own();
#endif

static void* load(const char* how, const char* file) {
  if (std::strcmp(how, "dlmopen") == 0) return dlmopen(LM_ID_NEWLM, file, RTLD_NOW);
  const bool deep = std::strcmp(how, "deepbind") == 0;
  return dlopen(file, RTLD_NOW | RTLD_LOCAL | (deep ? RTLD_DEEPBIND : 0));
}

// The lock that all copies take when they register handlers, where ABI 1 has it.
static std::uint32_t* registration() {
  char* const* const page = static_cast<char**>(dlsym(RTLD_DEFAULT, "sigsafe_abi1_process"));
  return reinterpret_cast<std::uint32_t*>(*page + 20);
}

// The copy waits while another one, which is played here, registers a handler.
static void check_registration(const view& copy) {
  copy.with_handler([] {});  // there is a page from here on
  std::uint32_t* const word = registration();
  require(__atomic_exchange_n(word, 1U, __ATOMIC_ACQUIRE) == 0, "the lock is not where it was");
  std::atomic<bool> registered{false};
  std::thread registering{[&] {
    copy.with_handler([] {});
    registered = true;
  }};
  while (__atomic_load_n(word, __ATOMIC_RELAXED) != 2 && !registered) sched_yield();
  require(!registered, "two copies register handlers at the same time");
  __atomic_store_n(word, 0U, __ATOMIC_RELEASE);
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
  registering.join();
}

int main(int, char** argv) {
  std::vector<view> views;
#if defined(LINKS_SIGSAFE)
  views.push_back(own());
#endif
  for (char** file = argv + 2; *file != nullptr; ++file) {
    void* const object = load(argv[1], *file);
    if (const char* const error = dlerror(); error != nullptr || object == nullptr) {
      std::puts(error != nullptr ? error : "it is not loaded");
      return 1;
    }
    views.push_back(reinterpret_cast<view (*)()>(dlsym(object, "plugin"))());
  }
  if (std::strcmp(argv[1], "registration") == 0) {
    for (const view& each : views) check_registration(each);
    return 0;
  }
  const bool panic_function = std::strcmp(argv[1], "panic_function") == 0;
  for (const view& one : views)
    for (const view& other : views)
      if (&one != &other) (panic_function ? check_panic_function : check)(one, other);
  std::puts("they share one state");
}
