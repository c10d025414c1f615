#include <sigsafe/src/checks/require.hpp>

#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/src/line.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/signal_text.hpp>

// Defined by the sanitizers, which have malloc to themselves where they are linked statically.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*))
    __attribute__((weak));

// The linker makes a table of all that are linked, if any.
extern "C" sigsafe::checks::next_function __start_sigsafe_next[]
    __attribute__((visibility("hidden"), weak));
extern "C" sigsafe::checks::next_function __stop_sigsafe_next[]
    __attribute__((visibility("hidden"), weak));

namespace sigsafe::checks {
namespace {

// Set when this library is initialised. Before, no handler runs, and code that is compiled for a
// sanitizer, as what is inlined here may be elsewhere, must not run either.
constinit bool started = false;

// As the program has called it: with -D_FORTIFY_SOURCE, compilers call __printf_chk for printf.
std::string_view plain_name(std::string_view call) noexcept {
  if (!call.starts_with("__") || !call.ends_with("_chk")) return call;
  call.remove_prefix(2);
  call.remove_suffix(4);
  return call;
}

[[noreturn]] void panic_in_handler(const char* call,
                                   const detail::running_handler& frame) noexcept {
  detail::line<256> text;
  text.append("a handler of ");
  append_signal(text, std::abs(frame.signal));
  text.append(" calls ");
  text.append(plain_name(call));
  text.append(
      ", which is not async-signal-safe: the code that it has interrupted may be inside; set a "
      "flag or an event in the handler, and do it outside");
  const bool is_known = frame.node != nullptr;
  const location registered = is_known ? frame.node->owner->registered_at : location{nullptr, 0};
  panic({text.c_str(), {nullptr, 0}, "the handler was registered at", registered});
}

void on_allocation(const volatile void*, std::size_t) noexcept {
  require_no_handler("malloc, or what allocates like it");
}
void on_free(const volatile void*) noexcept { require_no_handler("free, or what frees like it"); }

constinit thread_local bool looking __attribute__((tls_model("initial-exec"))) = false;

void* look_up(next_function& next) noexcept {
  looking = true;
  void* const found = dlsym(RTLD_NEXT, next.name);
  looking = false;
  __atomic_store_n(&next.address, found, __ATOMIC_RELAXED);
  return found;
}

// A C library need not have them all.
void look_up_all() noexcept {
  for (next_function* next = __start_sigsafe_next; next != __stop_sigsafe_next; ++next)
    if (__atomic_load_n(&next->address, __ATOMIC_RELAXED) == nullptr) look_up(*next);
  dlerror();
}

[[gnu::constructor(101)]] void start() noexcept {
  look_up_all();
  __atomic_store_n(&started, true, __ATOMIC_RELAXED);
  if (__sanitizer_install_malloc_and_free_hooks != nullptr)
    __sanitizer_install_malloc_and_free_hooks(on_allocation, on_free);
}

}  // namespace

void require_no_handler(const char* call) noexcept {
  if (!started) return;
  const detail::running_handler* const frame = detail::current_thread().running.load();
  if (frame == nullptr) return;
  // Not again for what a function of the program's that panic calls does.
  static constinit bool panics = false;
  if (__atomic_exchange_n(&panics, true, __ATOMIC_RELAXED)) return;
  panic_in_handler(call, *frame);
}

void* find_next(next_function& next) noexcept {
  void* const known = __atomic_load_n(&next.address, __ATOMIC_RELAXED);
  if (known != nullptr) return known;
  if (!__atomic_load_n(&started, __ATOMIC_RELAXED)) {
    if (looking) return nullptr;
    if (void* const found = look_up(next); found != nullptr) return found;
  }
  if (!next.may_be_absent)
    panic(
        "sigsafe::checks cannot find what it stands before in the C library: link the program "
        "without -static",
        {next.name, 0});
  return nullptr;
}

}  // namespace sigsafe::checks
