// A signal at every instruction of an operation, in the process itself.
//
// The operation runs once with the processor's trap flag set, to learn its instructions. Then it
// runs once for each of them with a breakpoint there, and the breakpoint's handler sends the signal:
// as everything is blocked in there, the signal arrives when that handler returns, which is at
// exactly this instruction and under the mask that the operation has there. Handlers that run
// meanwhile are not stepped.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <boost/test/tree/decorator.hpp>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include <tests/support/child.hpp>

#if defined(__SANITIZE_THREAD__)
#define TEST_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_HAS_TSAN 1
#endif
#endif

namespace test {

/// For boost::unit_test::precondition: says in the test's output why it did not run.
inline boost::test_tools::assertion_result can_step(boost::unit_test::test_unit_id) {
#if !defined(__x86_64__)
  boost::test_tools::assertion_result result{false};
  result.message() << "stepping knows only the instructions of x86-64";
  return result;
#elif defined(TEST_HAS_TSAN)
  boost::test_tools::assertion_result result{false};
  result.message() << "ThreadSanitizer delays signals, so none arrives at a chosen instruction";
  return result;
#else
  return true;
#endif
}

/// How far into the operation signals are sent.
enum class until {
  end,    ///< at every instruction
  sleep,  ///< up to the first system call that sleeps, ppoll; the operation may wait there for ever
};

/// Which instructions a call takes of an operation that is long, as it is without optimisation or
/// under a sanitizer, so that several calls with other signals share it. All of a shorter one.
struct share {
  int mine = 0;
  int of = 1;
};

#if defined(__x86_64__)

namespace detail {

constexpr int long_operation = 1500;


class stepper {
 public:
  using send_function = void (*)(const void*);

  stepper(send_function send, const void* argument, until limit) noexcept
      : send_(send), argument_(argument), limit_(limit) {
    struct sigaction action {};
    action.sa_sigaction = [](int, siginfo_t*, void* context) {
      current->trap(static_cast<ucontext_t*>(context)->uc_mcontext.gregs);
    };
    action.sa_flags = SA_SIGINFO;
    sigfillset(&action.sa_mask);
    current = this;
    CHILD_REQUIRE(sigaction(SIGTRAP, &action, nullptr) == 0);
  }
  stepper(const stepper&) = delete;
  stepper& operator=(const stepper&) = delete;

  static constexpr int learn = -1;

  /// Runs operation with a signal at its n-th instruction, or to learn its instructions. False when
  /// it did not come there.
  template <class Operation>
  [[gnu::noinline]] bool run(Operation& operation, int n) noexcept {
    if (n == learn) {
      size_ = 0;
      mode_ = mode::learning;
    } else {
      aim(n);
      mode_ = mode::waiting;
    }
    set_trap_flag(n == learn ? trap_flag : 0);
    operation();
    set_trap_flag(0);
    if (mode_ == mode::waiting) disarm();
    const bool sent = std::exchange(mode_, mode::off) == mode::off;
    if (n == learn) find_repetitions();
    return sent;
  }

  [[nodiscard]] int size() const noexcept { return size_; }

 private:
  // Most of it is how the compiler's code looks without optimisation, or under a sanitizer.
  static constexpr int most = 60'000;
  static constexpr unsigned char breakpoint = 0xcc;
  static constexpr std::uint64_t trap_flag = 0x100;

  struct step {
    std::uint64_t ip;
    std::uint64_t sp;  // tells the operation from handlers that run the same code
    int previous;      // where it came the last time before, or -1
  };
  struct stop {
    const step* at;
    int passes;  // how often to pass over it
  };
  enum class mode {
    off,
    learning,
    waiting,   // for the breakpoint
    passing,   // over it, to the next time or to the next breakpoint
    stepping,  // from the last breakpoint to the target
  };

  // Each pass over a breakpoint costs two traps. So the first is where the operation comes for the
  // first time, and the second where there is least to pass and to step from there to the target.
  void aim(int target) noexcept {
    int first = target;
    while (steps_[first].previous >= 0) --first;
    int second = target;
    const auto cost = [&](int n) { return 2 * repeats(n, first) + target - n; };
    for (int n = target; n > first; --n)
      if (cost(n) < cost(second)) second = n;
    stops_[0] = {&steps_[first], 0};
    stops_[1] = {&steps_[second], repeats(second, first)};
    stop_ = first == second ? &stops_[1] : &stops_[0];
    rest_ = target - second;
    make_writable(steps_[first].ip);
    make_writable(steps_[second].ip);
    arm();
  }

  // How often a step comes from another step on.
  [[nodiscard]] int repeats(int n, int from) const noexcept {
    int found = 0;
    while ((n = steps_[n].previous) >= from) ++found;
    return found;
  }

  static void make_writable(std::uint64_t address) noexcept {
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    CHILD_REQUIRE(mprotect(reinterpret_cast<void*>(address / page * page), page,
                           PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
  }

  void find_repetitions() {
    CHILD_REQUIRE(size_ < most);
    std::map<std::pair<std::uint64_t, std::uint64_t>, int> last;
    for (int n = 0; n < size_; ++n) {
      const auto [found, is_new] = last.try_emplace({steps_[n].ip, steps_[n].sp}, n);
      steps_[n].previous = is_new ? -1 : std::exchange(found->second, n);
    }
  }

  // The leaf's red zone lies below the stack pointer, where push would write.
  static void set_trap_flag(std::uint64_t flag) noexcept {
    asm volatile(
        "lea -128(%%rsp), %%rsp\n\t"
        "pushfq\n\t"
        "andq $~0x100, (%%rsp)\n\t"
        "orq %0, (%%rsp)\n\t"
        "popfq\n\t"
        "lea 128(%%rsp), %%rsp"
        :
        : "r"(flag)
        : "memory", "cc");
  }

  // Takes the breakpoint out first: what this calls may be what is stepped.
  __attribute__((no_sanitize("address", "undefined"))) void trap(greg_t* registers) noexcept {
    const auto ip = static_cast<std::uint64_t>(registers[REG_RIP]);
    const auto sp = static_cast<std::uint64_t>(registers[REG_RSP]);
    switch (mode_) {
      case mode::learning:
        if (size_ < most) steps_[size_++] = {ip, sp, 0};
        if (limit_ == until::sleep && is_sleep(ip, registers[REG_RAX])) {
          registers[REG_EFL] &= ~static_cast<greg_t>(trap_flag);
          mode_ = mode::off;
          send_(argument_);
        }
        return;
      case mode::waiting:
        disarm();
        registers[REG_RIP] = static_cast<greg_t>(stop_->at->ip);
        if (sp == stop_->at->sp && stop_->passes-- == 0) {
          if (stop_ == &stops_[1] && rest_ == 0) {
            mode_ = mode::off;
            send_(argument_);
            return;
          }
          if (stop_ == &stops_[1]) mode_ = mode::stepping;
          stop_ = &stops_[1];
        }
        if (mode_ == mode::waiting) mode_ = mode::passing;
        registers[REG_EFL] |= static_cast<greg_t>(trap_flag);
        return;
      case mode::passing:
        registers[REG_EFL] &= ~static_cast<greg_t>(trap_flag);
        mode_ = mode::waiting;
        arm();
        return;
      case mode::stepping:
        if (--rest_ != 0) return;
        registers[REG_EFL] &= ~static_cast<greg_t>(trap_flag);
        mode_ = mode::off;
        send_(argument_);
        return;
      case mode::off: return;
    }
  }

  __attribute__((no_sanitize("address", "undefined"))) static bool is_sleep(std::uint64_t ip,
                                                                           greg_t number) noexcept {
    const volatile unsigned char* code = reinterpret_cast<const volatile unsigned char*>(ip);
    return number == SYS_ppoll && code[0] == 0x0f && code[1] == 0x05;  // the instruction syscall
  }

  __attribute__((no_sanitize("address", "undefined"))) volatile unsigned char* code() noexcept {
    return reinterpret_cast<volatile unsigned char*>(stop_->at->ip);
  }

  __attribute__((no_sanitize("address", "undefined"))) void arm() noexcept {
    original_ = *code();
    *code() = breakpoint;
  }
  __attribute__((no_sanitize("address", "undefined"))) void disarm() noexcept {
    *code() = original_;
  }

  static inline stepper* current = nullptr;

  send_function send_;
  const void* argument_;
  until limit_;
  mode mode_ = mode::off;
  stop stops_[2]{};
  stop* stop_ = nullptr;        // where the breakpoint is
  unsigned char original_ = 0;  // what it replaces
  int rest_ = 0;                // how many instructions from the last one to the target
  int size_ = 0;
  step steps_[most];
};

}  // namespace detail

/// In a child, on its only thread: runs operation once for each of its instructions, calls send
/// there, and check afterwards, which returns whether all is well. Ends the child when it is not, or
/// when there are fewer than `least` instructions.
/// The operation must run the same instructions each time, as far as the signal. The check resets what
/// it looks at; it is called after runs without a signal too, where its result means nothing.
template <class Operation, class Send, class Check>
void at_every_instruction(int least, Operation operation, const Send& send, const Check& check,
                          until limit = until::end, share part = {}) {
  const auto stepper = std::make_unique<detail::stepper>(
      [](const void* function) { (*static_cast<const Send*>(function))(); }, &send, limit);
  // From one place, so that the stack is always the same. The first run resolves the symbols.
  for (int n = -2; n < stepper->size(); ++n) {
    const bool learning = n < 0;
    if (!learning && stepper->size() > detail::long_operation && n % part.of != part.mine) continue;
    const bool sent = stepper->run(operation, learning ? detail::stepper::learn : n);
    const bool good = check();
    if (learning || (sent && good)) continue;
    dprintf(STDERR_FILENO, "at instruction %d of %d: %s\n", n + 1, stepper->size(),
            sent ? "the check failed" : "the operation did not come there");
    _exit(1);
  }
  CHILD_REQUIRE(stepper->size() >= least);
}

#else

template <class Operation, class Send, class Check>
void at_every_instruction(int, Operation, const Send&, const Check&, until = until::end,
                          share = {}) {
  fail_child(__FILE__, __LINE__, "can_step()");
}

#endif

}  // namespace test
