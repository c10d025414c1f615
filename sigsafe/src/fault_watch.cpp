#include <sigsafe/src/fault_watch.hpp>

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

struct fault {
  int signal;  // 0: none
  int code;
  const void* address;
  std::uintptr_t program_counter;
  friend bool operator==(const fault&, const fault&) = default;
};

// The last that was dispatched on this thread. Only the trampoline's copy of the library uses it.
constinit thread_local fault last __attribute__((tls_model("initial-exec"))){};
// After how many runs of its handlers, one after the other, nothing was repaired.
constinit thread_local unsigned failures __attribute__((tls_model("initial-exec"))) = 0;

std::uintptr_t program_counter(const mcontext_t& registers) noexcept {
  return static_cast<std::uintptr_t>(SIGSAFE_PROGRAM_COUNTER(registers));
}

// The instruction is executed again when the handler returns. After SIGTRAP and SIGSYS it is not;
// other codes have causes that no state below tells.
bool is_watched(int signal, int code) noexcept {
  switch (signal) {
    case SIGSEGV: return code == SEGV_MAPERR || code == SEGV_ACCERR || code == SI_KERNEL;
    case SIGBUS: return code == BUS_ADRALN || code == BUS_ADRERR;
    case SIGFPE: return code == FPE_INTDIV || code == FPE_INTOVF;
    case SIGILL: return code > 0 && code != SI_KERNEL;
    default: return false;
  }
}

// FNV-1a.
std::uint64_t hash_of(const void* memory, std::size_t size) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < size; ++i) {
    hash ^= static_cast<const unsigned char*>(memory)[i];
    hash *= 0x100000001b3;
  }
  return hash;
}

std::uint64_t hash_of_code(std::uintptr_t address) noexcept {
  constexpr std::size_t longest_instruction = 16;
  const auto* const code = reinterpret_cast<const unsigned char*>(address);
  if (!system::is_readable(code) || !system::is_readable(code + longest_instruction)) return 0;
  return hash_of(code, longest_instruction);
}

}  // namespace

fault_watch::fault_watch(int signal, const siginfo_t& info, void* context) noexcept : info_(info) {
  if (context == nullptr || !is_watched(signal, info.si_code)) {
    last.signal = 0;
    return;
  }
  registers_ = &static_cast<ucontext_t*>(context)->uc_mcontext;
  const fault now{signal, info.si_code, info.si_addr, program_counter(*registers_)};
  again_ = now == last;
  if (again_)
    before_ = current_state();
  else
    failures = 0;
  last = now;
}

fault_watch::state fault_watch::current_state() const noexcept {
  const bool of_memory = info_.si_signo == SIGSEGV || info_.si_signo == SIGBUS;
  return {.registers = hash_of(registers_, sizeof(*registers_)),
          .code = hash_of_code(program_counter(*registers_)),
          .readable = of_memory && system::is_readable(info_.si_addr),
          .writable = info_.si_signo == SIGSEGV && system::is_writable(info_.si_addr)};
}

// Somebody else may have repaired it before the handlers ran here: then they need not change
// anything.
bool fault_watch::may_go_on_by_itself() const noexcept {
  if (info_.si_code == SI_KERNEL || !before_.readable) return false;
  const bool fetches =
      reinterpret_cast<std::uintptr_t>(info_.si_addr) == program_counter(*registers_);
  return info_.si_signo == SIGBUS || before_.writable || fetches;
}

bool fault_watch::is_hopeless() noexcept {
  if (!again_) return false;
  if (current_state() != before_ || may_go_on_by_itself()) {
    failures = 0;
    return false;
  }
  // Other threads may undo what the handlers have done, before it can be seen here.
  constexpr unsigned patience = 256;
  return ++failures >= patience || system::is_alone();
}

}  // namespace sigsafe::detail
