#include <sigsafe/alternate_stack.hpp>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

// The thread's. Copies of the library that do not share it take each other for foreign code.
constinit thread_local signal_stack* innermost __attribute__((tls_model("initial-exec"))) = nullptr;

struct stack_error {
  int number = 0;
  const char* why = nullptr;
};

stack_t current_stack() noexcept {
  stack_t now{};
  sigaltstack(nullptr, &now);
  return now;
}

// A whole number of pages, of which the lowest is the guard.
stack_error map(signal_stack& stack, std::size_t room) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t beside = system::smallest_signal_stack() + 2 * page;
  if (room > SIZE_MAX - beside) return {ENOMEM, "no memory for an alternate stack of this room"};
  stack.mapped = (room + beside - 1) / page * page;
  stack.mapping = mmap(nullptr, stack.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack.mapping == MAP_FAILED)
    return {errno, "no memory for an alternate stack; ask for less room"};
  stack.base = static_cast<std::byte*>(stack.mapping) + page;
  stack.size = stack.mapped - page;
  if (mprotect(stack.base, stack.size, PROT_READ | PROT_WRITE) == 0) return {};
  const int error = errno;
  munmap(stack.mapping, stack.mapped);
  return {error, "no memory for an alternate stack; ask for less room"};
}

stack_error install(signal_stack& stack) noexcept {
  stack_t wanted{};
  wanted.ss_sp = stack.base;
  wanted.ss_size = stack.size;
  if (sigaltstack(&wanted, &stack.before) == 0) return {};
  const int error = errno;
  munmap(stack.mapping, stack.mapped);
  if (error == EPERM)
    return {error,
            "a handler that runs on an alternate stack cannot replace it; make alternate_stack "
            "outside of handlers"};
  return {error, "sigaltstack failed"};
}

stack_error begin(signal_stack& stack, std::size_t room) noexcept {
  if (const stack_error error = map(stack, room); error.number != 0) return error;
  if (const stack_error error = install(stack); error.number != 0) return error;
  stack.thread = &current_thread();
  stack.outer = innermost;
  innermost = &stack;
  return {};
}

// exit may run on any thread, and in a handler: what it destroys is in use until the process ends.
void complain(const char* what, const signal_stack& stack) noexcept {
  if (system::find_exit(nullptr).frame == nullptr) panic(what, stack.made_at);
}

// Returns whether the stack that this one lies beneath, if there is one, has forgotten it.
bool unlink(signal_stack& stack) noexcept {
  if (innermost == &stack) {
    innermost = stack.outer;
    return false;
  }
  signal_stack* inner = innermost;
  while (inner != nullptr && inner->outer != &stack) inner = inner->outer;
  if (inner == nullptr) return false;
  inner->outer = stack.outer;
  if (inner->before.ss_sp != stack.base) return false;
  inner->before = stack.before;
  return true;
}

}  // namespace

void begin_stack(signal_stack& stack, std::size_t room, location where) {
  stack.made_at = where;
  if (const stack_error error = begin(stack, room); error.number != 0)
    throw std::system_error(error.number, std::generic_category(),
                            std::string{"sigsafe: "}.append(error.why));
}

void end_stack(signal_stack& stack) noexcept {
  if (stack.thread != &current_thread())
    return complain(
        "an alternate stack was destroyed on another thread than its own, which may still use it; "
        "make it an automatic or thread_local object. It was made here",
        stack);
  const stack_t now = current_stack();
  const bool in_force = now.ss_sp == stack.base && (now.ss_flags & SS_DISABLE) == 0;
  if (in_force && (now.ss_flags & SS_ONSTACK) != 0)
    return complain(
        "an alternate stack was destroyed while a handler runs on it; destroy it outside of "
        "handlers. It was made here",
        stack);
  const bool forgotten = unlink(stack);
  if (in_force) sigaltstack(&stack.before, nullptr);
  // Otherwise other code has replaced it, and may put it back.
  if (in_force || forgotten) munmap(stack.mapping, stack.mapped);
}

}  // namespace sigsafe::detail
