// Handlers of faults that repair what has failed, and such that do not.
#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

#include <sigsafe/config.hpp>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>

namespace {

using sigsafe::signal_info;

using test::check_in_child;

/// How often the handler of a child that a signal has killed was called: each call writes a dot.
template <class F>
void check_kills_after(std::size_t calls, int signal, F function) {
  const test::child_end end = test::in_child(function, 10);
  BOOST_CHECK_MESSAGE(end.killed_by(signal) && end.errors == std::string(calls, '.'), end);
}

void write_dot() noexcept { static_cast<void>(write(STDERR_FILENO, ".", 1)); }

constexpr std::size_t page_size = 4096;

char* new_page(int protection) {
  void* const page = mmap(nullptr, page_size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_REQUIRE(page != MAP_FAILED);
  return static_cast<char*>(page);
}

void protect(void* page, int protection) {
  CHILD_REQUIRE(mprotect(page, page_size, protection) == 0);
}

// One instruction each, always the same.
[[gnu::noinline]] void store(char* where) { *static_cast<volatile char*>(where) = 1; }
[[gnu::noinline]] char load(const char* where) { return *static_cast<const volatile char*>(where); }

/// A file that has no content behind its mapping.
char* new_page_of_file(int& file) {
  file = memfd_create("test", 0);
  void* const page = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  CHILD_REQUIRE(page != MAP_FAILED);
  return static_cast<char*>(page);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_faults)

BOOST_AUTO_TEST_CASE(a_fault_that_is_not_repaired_kills_the_second_time) {
  check_kills_after(2, SIGSEGV, [] {
    const sigsafe::handler on_fault{SIGSEGV, &write_dot};
    store(new_page(PROT_NONE));
  });
  check_kills_after(2, SIGSEGV, [] {
    const sigsafe::handler on_fault{SIGSEGV, &write_dot};
    store(new_page(PROT_READ));
  });
  check_kills_after(2, SIGSEGV, [] {
    const sigsafe::handler on_fault{SIGSEGV, &write_dot};
    load(nullptr);
  });
  check_kills_after(2, SIGBUS, [] {
    const sigsafe::handler on_fault{SIGBUS, &write_dot};
    int file;
    load(new_page_of_file(file));
  });
  check_kills_after(2, SIGSEGV, [] {
    const sigsafe::handler on_fault{SIGSEGV, &write_dot};
    void (*volatile nowhere)() = nullptr;
    nowhere();
  });
}

BOOST_AUTO_TEST_CASE(beside_other_threads_it_kills_a_little_later) {
  for (int protection : {PROT_NONE, PROT_READ})
    check_kills_after(257, SIGSEGV, [protection] {
      const sigsafe::handler on_fault{SIGSEGV, &write_dot};
      std::thread other{[] { pause(); }};
      store(new_page(protection));
    });
}

BOOST_AUTO_TEST_CASE(several_handlers_that_do_not_repair_each_run_twice) {
  check_kills_after(4, SIGSEGV, [] {
    const sigsafe::handler one{SIGSEGV, &write_dot};
    const sigsafe::handler other{SIGSEGV, &write_dot};
    store(new_page(PROT_NONE));
  });
}

BOOST_AUTO_TEST_CASE(a_handler_that_repairs_goes_on) {
  for (int protection : {PROT_NONE, PROT_READ})
    check_in_child([protection] {
      char* const page = new_page(PROT_NONE);
      int calls = 0;
      const sigsafe::handler on_fault{SIGSEGV, [&](const signal_info& info) noexcept {
                                        CHILD_REQUIRE(info.faulted()->address == page);
                                        protect(page, PROT_READ | PROT_WRITE);
                                        ++calls;
                                      }};
      for (int i = 1; i <= 10; ++i) {
        protect(page, protection);
        store(page);
        CHILD_REQUIRE(calls == i);
      }
    });
}

BOOST_AUTO_TEST_CASE(a_handler_that_makes_memory_readable_for_a_load_goes_on) {
  check_in_child([] {
    char* const page = new_page(PROT_NONE);
    int calls = 0;
    const sigsafe::handler on_fault{SIGSEGV, [&]() noexcept {
                                      protect(page, PROT_READ);
                                      ++calls;
                                    }};
    for (int i = 1; i <= 10; ++i) {
      protect(page, PROT_NONE);
      load(page);
      CHILD_REQUIRE(calls == i);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_handler_that_repairs_in_two_steps_goes_on) {
  check_in_child([] {
    char* const page = new_page(PROT_NONE);
    int calls = 0;
    const sigsafe::handler on_fault{
        SIGSEGV,
        [&]() noexcept { protect(page, ++calls % 2 != 0 ? PROT_READ : PROT_READ | PROT_WRITE); }};
    for (int i = 1; i <= 10; ++i) {
      protect(page, PROT_NONE);
      store(page);
      CHILD_REQUIRE(calls == 2 * i);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_handler_that_gives_a_file_its_content_goes_on) {
  check_in_child([] {
    int file;
    char* const page = new_page_of_file(file);
    int calls = 0;
    const sigsafe::handler on_fault{SIGBUS, [&]() noexcept {
                                      CHILD_REQUIRE(ftruncate(file, page_size) == 0);
                                      ++calls;
                                    }};
    for (int i = 1; i <= 10; ++i) {
      CHILD_REQUIRE(ftruncate(file, 0) == 0);
      load(page);
      CHILD_REQUIRE(calls == i);
    }
  });
}

BOOST_AUTO_TEST_CASE(threads_that_find_a_fault_repaired_by_another_go_on) {
  check_in_child([] {
    char* const page = new_page(PROT_NONE);
    std::atomic<int> protections{0};
    const sigsafe::handler on_fault{SIGSEGV,
                                    [&]() noexcept { protect(page, PROT_READ | PROT_WRITE); }};
    const auto use = [&] {
      while (protections < 2000) store(page);
    };
    std::thread one{use};
    std::thread other{use};
    while (protections < 2000) {
      protect(page, PROT_NONE);
      ++protections;
    }
    one.join();
    other.join();
  });
}

BOOST_AUTO_TEST_CASE(a_repair_that_needs_several_calls_of_a_program_is_not_cut_short) {
  // Something else has come between the two: that is not "right after the return".
  check_in_child([] {
    char* const page = new_page(PROT_NONE);
    int calls = 0;
    const sigsafe::handler between{SIGUSR1, []() noexcept {}};
    const sigsafe::handler on_fault{SIGSEGV, [&]() noexcept {
                                      raise(SIGUSR1);  // comes when this has returned
                                      if (++calls == 5) protect(page, PROT_READ | PROT_WRITE);
                                    }};
    store(page);
    CHILD_REQUIRE(calls == 5);
  });
}

BOOST_AUTO_TEST_CASE(a_fault_that_somebody_has_sent_does_not_count) {
  check_in_child([] {
    int calls = 0;
    const sigsafe::handler on_fault{SIGSEGV, [&]() noexcept { ++calls; }};
    for (int i = 0; i < 5; ++i) raise(SIGSEGV);
    CHILD_REQUIRE(calls == 5);
  });
}

BOOST_AUTO_TEST_CASE(a_trap_may_come_again) {
#if SIGSAFE_X86
  check_in_child([] {
    int calls = 0;
    const sigsafe::handler on_trap{SIGTRAP, [&]() noexcept { ++calls; }};
    for (int i = 0; i < 5; ++i) asm volatile("int3");
    CHILD_REQUIRE(calls == 5);
  });
#endif
}

BOOST_AUTO_TEST_CASE(a_division_by_zero_and_an_illegal_instruction_kill) {
#if SIGSAFE_X86
  check_kills_after(2, SIGFPE, [] {
    const sigsafe::handler on_fault{SIGFPE, &write_dot};
    asm volatile("xor %%edx, %%edx\n xor %%ecx, %%ecx\n mov $1, %%eax\n div %%ecx"
                 :
                 :
                 : "eax", "ecx", "edx", "cc");
  });
  check_kills_after(2, SIGILL, [] {
    const sigsafe::handler on_fault{SIGILL, &write_dot};
    asm volatile("ud2");
  });
#endif
}

BOOST_AUTO_TEST_CASE(a_handler_that_skips_the_instruction_goes_on) {
#if SIGSAFE_X86
  check_in_child([] {
    int calls = 0;
    const sigsafe::handler on_fault{SIGILL, [&](const signal_info& info) noexcept {
                                      auto* const context =
                                          static_cast<ucontext_t*>(info.context());
                                      SIGSAFE_PROGRAM_COUNTER(context->uc_mcontext) += 2;
                                      ++calls;
                                    }};
    for (int i = 1; i <= 10; ++i) {
      asm volatile("ud2");
      CHILD_REQUIRE(calls == i);
    }
  });
#endif
}

BOOST_AUTO_TEST_CASE(a_handler_that_changes_a_register_goes_on) {
#if SIGSAFE_X86
#if SIGSAFE_X86_64
  constexpr int destination = REG_RDI;
#else
  constexpr int destination = REG_EDI;
#endif
  check_in_child([] {
    char good = 0;
    char* const bad = new_page(PROT_NONE);
    int calls = 0;
    const sigsafe::handler on_fault{
        SIGSEGV, [&](const signal_info& info) noexcept {
          auto* const context = static_cast<ucontext_t*>(info.context());
          context->uc_mcontext.gregs[destination] = reinterpret_cast<greg_t>(&good);
          ++calls;
        }};
    for (int i = 1; i <= 10; ++i) {
      char* where = bad;
      asm volatile("movb $1, (%0)" : "+D"(where) : : "memory");
      CHILD_REQUIRE(calls == i && good == 1);
    }
  });
#endif
}

BOOST_AUTO_TEST_CASE(with_chain_what_stood_there_before_decides) {
  check_in_child([] {
    static char* page;
    static int foreign_calls;
    page = new_page(PROT_NONE);
    signal(SIGSEGV, [](int) {
      if (++foreign_calls == 5) protect(page, PROT_READ | PROT_WRITE);
    });
    const sigsafe::handler on_fault{SIGSEGV, []() noexcept {}, {.chain = true}};
    store(page);
    CHILD_REQUIRE(foreign_calls == 5);
  });
}

BOOST_AUTO_TEST_SUITE_END()
