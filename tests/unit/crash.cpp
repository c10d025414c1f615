// crash.hpp: what is written, what the process ends by, and what else may deal with a crash.
#include <boost/test/unit_test.hpp>

#include <sigsafe/crash.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <sigsafe/config.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/crashes.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>

namespace {

using sigsafe::crash_handler;
using sigsafe::crash_info;
using test::child_end;
using test::crash_at;
using test::in_clean_child;
using test::new_page;
using test::page_size;

/// Killed by the signal, with so many lines, of which the last begins so and contains that.
bool is_reported(const child_end& end, int signal, const std::string& start,
                 const std::string& part = "", std::size_t count = 1) {
  const std::vector<std::string> lines = test::lines_of(end.errors);
  const bool good = end.killed_by(signal) && lines.size() == count &&
                    lines.back().rfind("sigsafe: " + start, 0) == 0 &&
                    lines.back().find(part) != std::string::npos;
  BOOST_TEST(good, end << ", expected " << count << " lines, the last with \"" << start
                       << "\" and \"" << part << "\"");
  return good;
}

/// Uses up the stack.
[[gnu::noinline]] int recurse(int depth) {
  volatile char room[1024];
  room[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : recurse(depth + 1) + room[0];
}

// Where a function is said to have been called from.
void* volatile return_of_inner;
void* volatile return_of_outer;

[[gnu::noinline]] void inner() {
  return_of_inner = __builtin_return_address(0);
  crash_at(nullptr);
  asm volatile("");  // no tail call
}
[[gnu::noinline]] void outer() {
  return_of_outer = __builtin_return_address(0);
  inner();
  asm volatile("");
}

[[gnu::noinline]] void abort_here() {
  return_of_inner = __builtin_return_address(0);
  std::abort();
}

std::string in_this_program(void* address) {
  Dl_info found;
  CHILD_REQUIRE(dladdr(address, &found) != 0);
  char text[64];
  std::snprintf(
      text, sizeof(text), "unit_crash+0x%zx",
      static_cast<std::size_t>(static_cast<char*>(address) - static_cast<char*>(found.dli_fbase)));
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash)

BOOST_AUTO_TEST_CASE(each_crash_gives_a_line_and_kills_by_its_signal) {
  const auto reported = [](auto function) {
    return in_clean_child([function] {
      const crash_handler crash;
      function();
    });
  };
  is_reported(reported([] { crash_at(nullptr); }), SIGSEGV, "SIGSEGV (code 1) at address 0x0, pc ");
  is_reported(reported([] { crash_at(new_page(PROT_NONE)); }), SIGSEGV, "SIGSEGV (code 2) at ");
  is_reported(reported([] { crash_at(test::new_page_of_file()); }), SIGBUS, "SIGBUS (code 2) at ");
  is_reported(reported([] { std::abort(); }), SIGABRT, "SIGABRT (code -6) from process ");
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
    is_reported(reported([signal] { kill(getpid(), signal); }), signal,
                std::string{sigsafe::detail::signal_name(signal)} + " (code 0) from process ");
#if SIGSAFE_X86
  is_reported(reported([] { asm volatile("ud2"); }), SIGILL, "SIGILL (code 2) at address 0x");
  is_reported(reported([] { asm volatile("int3"); }), SIGTRAP, "SIGTRAP (code ");
  is_reported(reported([] {
                asm volatile("div %0" : : "r"(0), "a"(1), "d"(0));
              }),
              SIGFPE, "SIGFPE (code 1) at address 0x");
#endif
}

BOOST_AUTO_TEST_CASE(the_line_names_the_thread_the_instruction_and_who_called) {
  const child_end end = in_clean_child([] {
    prctl(PR_SET_NAME, "two words\n");
    static int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    const crash_handler crash{[](const crash_info& info) noexcept {
      std::uintptr_t callers[8];
      CHILD_REQUIRE(info.return_addresses(callers, 1) == 1);
      CHILD_REQUIRE(info.return_addresses(callers, 8) >= 3);
      CHILD_REQUIRE(callers[1] == reinterpret_cast<std::uintptr_t>(return_of_inner));
      CHILD_REQUIRE(callers[2] == reinterpret_cast<std::uintptr_t>(return_of_outer));
      CHILD_REQUIRE(info.write_to(ends[1]));
      char text[4096] = {};
      CHILD_REQUIRE(read(ends[0], text, sizeof(text) - 1) > 0);
      const std::string line = text;
      const auto pc = reinterpret_cast<void*>(info.program_counter());
      CHILD_REQUIRE(line.find(", pc " + in_this_program(pc) + ", thread ") != std::string::npos);
      CHILD_REQUIRE(line.find(std::to_string(getpid()) + " (two?words?) of process " +
                              std::to_string(getpid()) + ", returns to ") != std::string::npos);
      CHILD_REQUIRE(line.find(" " + in_this_program(return_of_inner) + " " +
                              in_this_program(return_of_outer) + " ") != std::string::npos);
    }};
    outer();
  });
  BOOST_TEST((end.killed_by(SIGSEGV) && end.errors.empty()), end);
}

BOOST_AUTO_TEST_CASE(a_call_of_what_is_no_code_names_the_caller) {
  is_reported(in_clean_child([] {
                const crash_handler crash;
                test::call_nowhere();
              }),
              SIGSEGV, "SIGSEGV (code 1) at address 0x0, pc 0x0, thread ",
              "returns to unit_crash+");
}

BOOST_AUTO_TEST_CASE(who_aborted_is_guessed_where_there_are_no_frame_pointers) {
#if SIGSAFE_X86
  const child_end end = in_clean_child([] {
    static int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    const crash_handler crash{[](const crash_info& info) noexcept {
      CHILD_REQUIRE(info.write_to(ends[1]));
      char text[4096] = {};
      CHILD_REQUIRE(read(ends[0], text, sizeof(text) - 1) > 0);
      CHILD_REQUIRE(std::string{text}.find(" " + in_this_program(return_of_inner)) !=
                    std::string::npos);
    }};
    abort_here();
  });
  BOOST_TEST((end.killed_by(SIGABRT) && end.errors.empty()), end);
#endif
}

BOOST_AUTO_TEST_CASE(a_broken_stack_is_reported_all_the_same) {
#if SIGSAFE_X86
#if SIGSAFE_X86_64
#define REGISTER "%%r"
  constexpr std::uintptr_t unmapped = 0x7777'7777'7770;
  constexpr std::uintptr_t impossible = 0xffff'8000'0000'0000;
#else
#define REGISTER "%%e"
  constexpr std::uintptr_t unmapped = 0x7777'7770;
  constexpr std::uintptr_t impossible = unmapped;
#endif
  for (std::uintptr_t bad :
       {std::uintptr_t{8}, unmapped, impossible, UINTPTR_MAX - 7, UINTPTR_MAX}) {
    is_reported(in_clean_child([bad] {
                  const crash_handler crash;
                  asm volatile("mov %0, " REGISTER "bp\n movb $1, 0" : : "r"(bad) : "memory");
                }),
                SIGSEGV, "SIGSEGV (code 1) at address 0x0, pc unit_crash+");
    is_reported(in_clean_child([bad] {
                  const crash_handler crash;
                  asm volatile("mov %0, " REGISTER "sp\n mov %0, " REGISTER "bp\n push " REGISTER
                               "ax"
                               :
                               : "r"(bad)
                               : "memory");
                }),
                // The processor has a fault of its own for addresses that cannot exist.
                bad == 8 || bad == unmapped || bad > UINTPTR_MAX - 8 ? SIGSEGV : SIGBUS, "SIG",
                ", pc unit_crash+");
  }
#endif
}

BOOST_AUTO_TEST_CASE(a_stack_overflow_is_reported_on_every_thread_with_an_alternate_stack) {
  is_reported(in_clean_child([] {
                const crash_handler crash;
                recurse(0);
              }),
              SIGSEGV, "SIGSEGV (code ", "returns to ");
  is_reported(in_clean_child([] {
                const crash_handler crash;
                std::thread{[] {
                  const sigsafe::alternate_stack stack;
                  recurse(0);
                }}.join();
              }),
              SIGSEGV, "SIGSEGV (code ", "returns to ");
}

BOOST_AUTO_TEST_CASE(a_small_stack_is_enough_for_the_line) {
  if (test::under_address_sanitizer) return;  // its frames are larger
  is_reported(in_clean_child([] {
                const crash_handler crash{sigsafe::crash_options{.stack = 8192}};
                recurse(0);
              }),
              SIGSEGV, "SIGSEGV (code ", "returns to ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_hold_keeps_it_waiting, B, test::hosted_backends) {
  is_reported(in_clean_child([] {
                const crash_handler crash;
                const sigsafe::basic_guard<B> off;
                crash_at(nullptr);
              }),
              SIGSEGV, "SIGSEGV (code 1) at address 0x0");
  is_reported(in_clean_child([] {
                const crash_handler crash;
                const sigsafe::handler usr1{SIGUSR1, []() noexcept {}};
                const sigsafe::basic_guard<B> off;
                raise(SIGUSR1);  // deferred, or blocked
                std::abort();
              }),
              SIGABRT, "SIGABRT (code -6)");
  is_reported(in_clean_child([] {
                const crash_handler crash;
                const sigsafe::handler usr1{SIGUSR1, []() noexcept { crash_at(nullptr); }};
                const sigsafe::basic_guard<B> off;
                raise(SIGUSR1);
              }),
              SIGSEGV, "SIGSEGV (code 1) at address 0x0");
}

BOOST_AUTO_TEST_CASE(the_line_goes_where_it_is_to_go) {
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  const child_end end = in_clean_child([&] {
    const crash_handler crash{{.fd = ends[1]}};
    crash_at(nullptr);
  });
  BOOST_TEST((end.killed_by(SIGSEGV) && end.errors.empty()), end);
  close(ends[1]);
  char text[4096] = {};
  BOOST_TEST(read(ends[0], text, sizeof(text) - 1) > 0);
  BOOST_TEST(std::string{text}.rfind("sigsafe: SIGSEGV", 0) == 0U);
  close(ends[0]);
}

BOOST_AUTO_TEST_CASE(a_reader_who_does_not_read_keeps_nobody_alive) {
  const child_end end = in_clean_child([] {
    int ends[2];
    CHILD_REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    char block[4096] = {};
    while (write(ends[1], block, sizeof(block)) > 0) {}
    CHILD_REQUIRE(fcntl(ends[1], F_SETFL, 0) == 0);
    const crash_handler crash{sigsafe::crash_options{.fd = ends[1]}};
    crash_at(nullptr);
  });
  BOOST_TEST(end.killed_by(SIGSEGV), end);
}

// poll takes no more descriptors than the process may open.
BOOST_AUTO_TEST_CASE(a_process_that_may_open_nothing_reports) {
  const child_end end = in_clean_child([] {
    const crash_handler crash;
    constexpr rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    crash_at(nullptr);
  });
  BOOST_TEST((end.killed_by(SIGSEGV) && end.errors.starts_with("sigsafe: SIGSEGV")), end);
}

BOOST_AUTO_TEST_CASE(several_are_called_newest_first) {
  const child_end end = in_clean_child([] {
    const crash_handler one{[](const crash_info&) noexcept { dprintf(2, "one "); }};
    const crash_handler two{[](const crash_info&) noexcept { dprintf(2, "two "); }};
    crash_at(nullptr);
  });
  BOOST_TEST(test::killed(end, SIGSEGV, "two one "));
}

BOOST_AUTO_TEST_CASE(a_forked_child_reports_too) {
  const child_end end = in_clean_child([] {
    const crash_handler crash;
    if (fork() == 0) crash_at(nullptr);
    int status;
    wait(&status);
    CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    std::abort();
  });
  is_reported(end, SIGABRT, "SIGABRT", "", 2);
}

BOOST_AUTO_TEST_CASE(the_dispositions_and_the_stack_before_come_back) {
  test::check_in_child([] {
    struct sigaction before[65], now;
    stack_t stack_before, stack;
    for (int signal : crash_handler<>::signals()) sigaction(signal, nullptr, &before[signal]);
    sigaltstack(nullptr, &stack_before);
    {
      crash_handler crash;
      CHILD_REQUIRE(crash.in_force());
      signal(SIGILL, SIG_DFL);
      CHILD_REQUIRE(!crash.in_force());
      crash.reinstall();
      CHILD_REQUIRE(crash.in_force());
      sigaction(SIGILL, &before[SIGILL], nullptr);
    }
    for (int signal : crash_handler<>::signals()) {
      sigaction(signal, nullptr, &now);
      CHILD_REQUIRE(now.sa_sigaction == before[signal].sa_sigaction);
    }
    sigaltstack(nullptr, &stack);
    CHILD_REQUIRE(stack.ss_sp == stack_before.ss_sp && stack.ss_flags == stack_before.ss_flags);
  });
}

BOOST_AUTO_TEST_CASE(a_stack_for_which_there_is_no_memory_is_an_error_and_changes_nothing) {
  test::check_in_child([] {
    struct sigaction before, now;
    sigaction(SIGSEGV, nullptr, &before);
    bool refused = false;
    try {
      const crash_handler crash{sigsafe::crash_options{.stack = SIZE_MAX - (1U << 24)}};
    } catch (const std::system_error& error) {
      refused = error.code().value() == ENOMEM;
    }
    sigaction(SIGSEGV, nullptr, &now);
    CHILD_REQUIRE(refused && now.sa_sigaction == before.sa_sigaction);
  });
}

BOOST_AUTO_TEST_SUITE_END()
