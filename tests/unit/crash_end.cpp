// crash.hpp: how a process ends behind the report of a crash, and what keeps it from ending.
#include <boost/test/unit_test.hpp>

#include <sigsafe/crash.hpp>

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sigsafe/config.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/panic.hpp>

#include <tests/support/crashes.hpp>
#include <tests/support/first_process.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>

namespace {

using sigsafe::crash_handler;
using sigsafe::crash_info;
using test::child_end;
using test::crash_at;
using test::in_clean_child;
using test::new_page;
using test::protect;

bool is_reported(const child_end& end, int signal, std::size_t lines) {
  const bool good = end.killed_by(signal) && test::lines_of(end.errors).size() == lines;
  BOOST_TEST(good, end << ", expected " << lines << " lines");
  return good;
}

/// A crash as a debugger sees it.
struct stop {
  int signal;
  int code;
  void* address;
  std::uintptr_t program_counter;
};

#if SIGSAFE_X86
std::uintptr_t program_counter_of(pid_t child) {
  user_regs_struct registers{};
  iovec place{&registers, sizeof(registers)};
  BOOST_REQUIRE(ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &place) == 0);
#if SIGSAFE_X86_64
  return registers.rip;
#else
  return static_cast<std::uintptr_t>(registers.eip);
#endif
}
#else
std::uintptr_t program_counter_of(pid_t) { return 0; }
#endif

/// Every stop of a traced child by the signal, which is let through, and how it ended.
template <class F>
std::vector<stop> stops_of(int signal, int& status, F function) {
  const pid_t child = fork();
  if (child == 0) {
    for (int each : crash_handler<>::signals()) ::signal(each, SIG_DFL);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    function();
    _exit(0);
  }
  std::vector<stop> stops;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    const int by = WSTOPSIG(status);
    siginfo_t info{};
    ptrace(PTRACE_GETSIGINFO, child, nullptr, &info);
    if (by == signal) stops.push_back({by, info.si_code, info.si_addr, program_counter_of(child)});
    ptrace(PTRACE_CONT, child, nullptr, by);
  }
  return stops;
}

/// The process ends by the same signal, with the same siginfo, at the same instruction.
template <class F>
void check_ends_where_it_crashed(int signal, F function) {
  int status = 0;
  const std::vector<stop> stops = stops_of(signal, status, [&] {
    const crash_handler crash{[](const crash_info&) noexcept {}};
    function();
  });
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(WTERMSIG(status) == signal);
  BOOST_REQUIRE(stops.size() == 2U);
  BOOST_TEST(stops[0].code == stops[1].code);
  BOOST_TEST(stops[0].address == stops[1].address);
  BOOST_TEST(stops[0].program_counter == stops[1].program_counter);
}

int page_calls;
char* page;

void repair(int, siginfo_t* info, void*) {
  ++page_calls;
  CHILD_REQUIRE(info->si_addr == page);
  protect(page, PROT_READ | PROT_WRITE);
}

void install_previous(int signal, void (*function)(int, siginfo_t*, void*), int flags = 0) {
  struct sigaction action{};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO | flags;
  sigaddset(&action.sa_mask, SIGUSR2);
  CHILD_REQUIRE(sigaction(signal, &action, nullptr) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash_end)

BOOST_AUTO_TEST_CASE(the_default_action_is_taken_at_the_instruction_that_crashed) {
  check_ends_where_it_crashed(SIGSEGV, [] { crash_at(nullptr); });
  check_ends_where_it_crashed(SIGABRT, [] { std::abort(); });
  check_ends_where_it_crashed(SIGSEGV, [] { kill(getpid(), SIGSEGV); });
#if SIGSAFE_X86
  check_ends_where_it_crashed(SIGTRAP, [] { asm volatile("int3"); });
  check_ends_where_it_crashed(SIGILL, [] { asm volatile("ud2"); });
#endif
}

BOOST_AUTO_TEST_CASE(it_is_so_behind_a_function_that_leaves_the_signal_open) {
  int status = 0;
  const std::vector<stop> stops = stops_of(SIGSEGV, status, [] {
    install_previous(SIGSEGV, [](int, siginfo_t*, void*) {}, SA_NODEFER);
    const crash_handler crash{[](const crash_info&) noexcept {}};
    crash_at(nullptr);
  });
  BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
  BOOST_REQUIRE(stops.size() == 3U);  // twice by itself, and then to end
  BOOST_TEST(stops[2].code == stops[0].code);
  BOOST_TEST(stops[2].program_counter == stops[0].program_counter);
}

BOOST_AUTO_TEST_CASE(a_signal_from_outside_is_reported_and_kills) {
  int ready[2];
  BOOST_REQUIRE(pipe(ready) == 0);
  const pid_t parent = getpid();
  std::thread killer{[&] {
    pid_t child = 0;
    if (read(ready[0], &child, sizeof(child)) == sizeof(child)) kill(child, SIGABRT);
  }};
  const child_end end = in_clean_child([&] {
    const crash_handler crash;
    const pid_t self = getpid();
    CHILD_REQUIRE(write(ready[1], &self, sizeof(self)) == sizeof(self));
    for (;;) pause();
  });
  killer.join();
  is_reported(end, SIGABRT, 1);
  BOOST_TEST(end.errors.find("SIGABRT (code 0) from process " + std::to_string(parent)) !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(two_threads_that_crash_at_once_give_two_whole_lines) {
  const child_end end = in_clean_child([] {
    static std::atomic<int> reporting;
    static std::atomic<pid_t> done;
    const crash_handler crash{[](const crash_info& info) noexcept {
      const bool first = ++reporting == 1;
      while (reporting != 2) sched_yield();
      if (first) {
        info.write_to(STDERR_FILENO);
        done = test::own_thread();
        return;
      }
      while (done == 0) sched_yield();
      test::await_sleep(done, [] { return false; });  // until it waits for us
      info.write_to(STDERR_FILENO);
    }};
    std::thread one{[] { crash_at(nullptr); }};
    std::thread other{[] { crash_at(nullptr); }};
    one.join();
    other.join();
  });
  is_reported(end, SIGSEGV, 2);
  for (const std::string& line : test::lines_of(end.errors))
    BOOST_TEST(line.rfind("sigsafe: SIGSEGV (code 1) at address 0x0, pc ", 0) == 0U);
}

BOOST_AUTO_TEST_CASE(a_report_that_never_ends_is_not_waited_for_for_ever) {
  const child_end end = in_clean_child([] {
    static std::atomic<int> reporting;
    const crash_handler crash{[](const crash_info& info) noexcept {
      if (++reporting == 1)
        for (;;) pause();
      info.write_to(STDERR_FILENO);
    }};
    std::thread one{[] { crash_at(nullptr); }};
    while (reporting != 1) sched_yield();
    crash_at(nullptr);
  });
  is_reported(end, SIGSEGV, 1);
}

BOOST_AUTO_TEST_CASE(a_crash_in_the_function_ends_the_process_behind_a_line) {
  const auto reported = [](auto function) {
    return in_clean_child([function] {
      const crash_handler crash{[function](const crash_info&) noexcept { function(); }};
      crash_at(nullptr);
    });
  };
  const auto check = [&](const child_end& end, int signal) {
    is_reported(end, signal, 1);
    BOOST_TEST(end.errors.rfind("sigsafe: SIGSEGV (code 1) at address 0x0, pc 0x", 0) == 0U);
    BOOST_TEST(end.errors.find("; the crash handler has crashed, too\n") != std::string::npos);
  };
  check(reported([] { crash_at(nullptr); }), SIGSEGV);
  check(reported([] { crash_at(test::new_page_of_file()); }), SIGBUS);
  check(reported([] { std::abort(); }), SIGABRT);
}

BOOST_AUTO_TEST_CASE(a_function_that_was_there_before_is_called_instead_of_the_default_action) {
  const child_end end = in_clean_child([] {
    page = new_page(PROT_NONE);
    install_previous(SIGSEGV, &repair);
    const crash_handler crash;
    for (int i = 0; i < 5; ++i) {
      protect(page, PROT_NONE);
      crash_at(page);
    }
    CHILD_REQUIRE(page_calls == 5);
  });
  // The same fault five times, one after the other: reported once.
  BOOST_TEST(end.succeeded(), end);
  BOOST_TEST(test::lines_of(end.errors).size() == 1U);
}

BOOST_AUTO_TEST_CASE(it_has_its_own_mask_and_stack_and_a_real_context) {
  test::check_in_child([] {
    static int calls;
    for (int each : crash_handler<>::signals()) signal(each, SIG_DFL);
    const auto skip = [](int, siginfo_t* info, void* context) {
      ++calls;
      CHILD_REQUIRE(info->si_signo == SIGSEGV && context != nullptr);
      CHILD_REQUIRE(sigsafe::signal_set::blocked() ==
                    (sigsafe::signal_set{SIGSEGV, SIGUSR1, SIGUSR2}));
      stack_t stack;
      sigaltstack(nullptr, &stack);
      CHILD_REQUIRE((stack.ss_flags & SS_ONSTACK) != 0);
#if SIGSAFE_X86
      SIGSAFE_PROGRAM_COUNTER(static_cast<ucontext_t*>(context)->uc_mcontext) += 3;
#endif
    };
    install_previous(SIGSEGV, skip, SA_ONSTACK);
    const crash_handler crash{[](const crash_info&) noexcept {}};
    test::block({SIGUSR1});
#if SIGSAFE_X86
    for (int i = 1; i <= 5; ++i) {
      asm volatile("movb $1, (%0)" : : "a"(std::uintptr_t{0}) : "memory");
      CHILD_REQUIRE(calls == i);
    }
#endif
  });
}

BOOST_AUTO_TEST_CASE(a_function_that_repairs_nothing_is_not_called_for_ever) {
  const child_end end = in_clean_child([] {
    install_previous(SIGSEGV, [](int, siginfo_t*, void*) { dprintf(STDERR_FILENO, "called\n"); });
    const crash_handler crash;
    crash_at(nullptr);
  });
  is_reported(end, SIGSEGV, 3);
}

BOOST_AUTO_TEST_CASE(a_fault_that_a_handler_repairs_is_no_crash) {
  for (bool crash_handler_is_first : {true, false})
    test::check_in_child([crash_handler_is_first] {
      page = new_page(PROT_NONE);
      std::optional<crash_handler<>> first, last;
      if (crash_handler_is_first) first.emplace();
      const sigsafe::handler repairing{SIGSEGV,
                                       []() noexcept { protect(page, PROT_READ | PROT_WRITE); }};
      if (!crash_handler_is_first) last.emplace();
      for (int i = 0; i < 5; ++i) {
        protect(page, PROT_NONE);
        crash_at(page);
      }
      kill(getpid(), SIGSEGV);  // a handler has dealt with that, too
    });
}

BOOST_AUTO_TEST_CASE(a_fault_that_handlers_do_not_repair_is_reported) {
  for (bool crash_handler_is_first : {true, false}) {
    const child_end end = in_clean_child([crash_handler_is_first] {
      std::optional<crash_handler<>> first, last;
      if (crash_handler_is_first) first.emplace();
      const sigsafe::handler other{SIGSEGV, []() noexcept { dprintf(STDERR_FILENO, "called\n"); }};
      if (!crash_handler_is_first) last.emplace();
      crash_at(nullptr);
    });
    is_reported(end, SIGSEGV, 3);
    BOOST_TEST(end.errors.rfind("called\ncalled\nsigsafe: SIGSEGV", 0) == 0U);
  }
}

BOOST_AUTO_TEST_CASE(an_abort_is_reported_behind_its_handlers) {
  const child_end end = in_clean_child([] {
    const sigsafe::handler other{SIGABRT, []() noexcept { dprintf(STDERR_FILENO, "called\n"); }};
    const crash_handler crash;
    std::abort();
  });
  is_reported(end, SIGABRT, 2);
  BOOST_TEST(end.errors.rfind("called\nsigsafe: SIGABRT", 0) == 0U);
}

BOOST_AUTO_TEST_CASE(a_panic_is_reported_too) {
  const child_end end = in_clean_child([] {
    const crash_handler crash;
    sigsafe::panic("what", {nullptr, 0});
  });
  is_reported(end, SIGABRT, 2);
  BOOST_TEST(end.errors.rfind("sigsafe: what\nsigsafe: SIGABRT", 0) == 0U);
}

BOOST_AUTO_TEST_CASE(a_handler_that_other_code_calls_reports_and_ends) {
  for (int flags : {0, SA_NODEFER})
    is_reported(in_clean_child([flags] {
                  const crash_handler crash;
                  static struct sigaction ours;
                  sigaction(SIGSEGV, nullptr, &ours);
                  install_previous(
                      SIGSEGV,
                      [](int signal, siginfo_t* info, void* context) {
                        ours.sa_sigaction(signal, info, context);
                      },
                      flags);
                  crash_at(nullptr);
                }),
                SIGSEGV, 1);
}

BOOST_AUTO_TEST_CASE(a_fork_in_the_function_does_not_keep_its_child_waiting) {
  const child_end end = in_clean_child([] {
    const crash_handler crash{[](const crash_info&) noexcept {
      const pid_t child = fork();
      if (child == 0) return;
      const int status = test::status_of(child);
      dprintf(STDERR_FILENO, "child %d\n", WTERMSIG(status));
    }};
    crash_at(nullptr);
  });
  BOOST_TEST(test::killed(end, SIGSEGV, "child " + std::to_string(SIGSEGV) + "\n"));
}

template <class F>
std::optional<child_end> in_first_process(F function) {
  return test::in_first_process(
      [&] {
        for (int each : crash_handler<>::signals()) signal(each, SIG_DFL);
        const crash_handler crash;
        function();
      },
      "a crash of PID 1");
}

BOOST_AUTO_TEST_CASE(the_first_process_of_a_namespace_ends_too) {
  const auto fault = in_first_process([] { crash_at(nullptr); });
  if (!fault) return;
  is_reported(*fault, SIGSEGV, 1);
  for (int signal : {SIGABRT, SIGSEGV, SIGTRAP}) {
    const auto end = in_first_process([signal] { raise(signal); });
    BOOST_TEST((WIFEXITED(end->status) && WEXITSTATUS(end->status) == 128 + signal), *end);
    BOOST_TEST(test::lines_of(end->errors).size() == 1U, *end);
  }
}

BOOST_AUTO_TEST_SUITE_END()
