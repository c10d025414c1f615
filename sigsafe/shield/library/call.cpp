#include <sigsafe/shield/library/call.hpp>

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <sigsafe/shield/library/kernel.hpp>
#include <sigsafe/shield/library/next_function.hpp>
#include <sigsafe/shield/library/stubs.hpp>
#include <sigsafe/shield/library/thread_state.hpp>

namespace shield {

const next_function<int(int, const struct sigaction*, struct sigaction*)> next_sigaction{
    "sigaction"};

kernel_disposition disposition_of(int signal) noexcept {
  struct sigaction found;
  memset(&found, 0, sizeof(found));
  next_sigaction.get()(signal, nullptr, &found);
  return {found.sa_sigaction, found.sa_flags, kernel::bits_of(found.sa_mask)};
}

bool set_disposition(int signal, handler_function* handler, int flags) noexcept {
  struct sigaction wanted;
  memset(&wanted, 0, sizeof(wanted));
  wanted.sa_sigaction = handler;
  wanted.sa_flags = flags;
  memset(&wanted.sa_mask, 0xff, sizeof(wanted.sa_mask));
  return next_sigaction.get()(signal, &wanted, nullptr) == 0;
}

namespace {

constexpr unsigned autodisarm = 1u << 31;  // SS_AUTODISARM, which <signal.h> does not have

struct one_call {
  const deferral& taken;
  siginfo_t info;  // handlers may write to theirs
  ucontext_t* context;
};

void carry_out(one_call& call) noexcept {
  handler_of(call.taken.stub)(call.taken.signal, &call.info, call.context);
}

// makecontext passes ints.
void begin_on_other_stack(unsigned high, unsigned low) noexcept {
  const uint64_t address = uint64_t{high} << 32 | low;
  carry_out(*reinterpret_cast<one_call*>(static_cast<uintptr_t>(address)));
}

void carry_out_on(const stack_t& stack, one_call& call) noexcept {
  ucontext_t there, back;
  getcontext(&there);
  there.uc_stack = stack;
  there.uc_link = &back;
  const auto address = uint64_t{reinterpret_cast<uintptr_t>(&call)};
  // A stack that is to be disarmed is free for others, as the kernel has it.
  stack_t disarmed{};
  disarmed.ss_flags = SS_DISABLE;
  const bool disarms = (static_cast<unsigned>(stack.ss_flags) & autodisarm) != 0;
  if (disarms) sigaltstack(&disarmed, nullptr);
  makecontext(&there, reinterpret_cast<void (*)()>(&begin_on_other_stack), 2,
              static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
  swapcontext(&back, &there);
  if (disarms) sigaltstack(&stack, nullptr);
}

// As the kernel decides it.
bool wants_other_stack(const deferral& taken, stack_t& stack) noexcept {
  return (taken.flags & SA_ONSTACK) != 0 && sigaltstack(nullptr, &stack) == 0 &&
         (stack.ss_flags & (SS_DISABLE | SS_ONSTACK)) == 0;
}

}  // namespace

kernel::signal_bits call_handler(const deferral& taken, kernel::signal_bits mask,
                                 kernel::signal_bits behind) noexcept {
  ucontext_t context;
  getcontext(&context);
  kernel::set_bits(context.uc_sigmask, mask);
  one_call call{taken, taken.info, &context};
  const bool blocks_itself = (taken.flags & SA_NODEFER) == 0;
  kernel::set_mask(mask | behind | taken.blocks |
                   (blocks_itself ? kernel::bit_of(taken.signal) : 0));
  stack_t stack;
  if (wants_other_stack(taken, stack))
    carry_out_on(stack, call);
  else
    carry_out(call);
  return kernel::bits_of(context.uc_sigmask);
}

}  // namespace shield
