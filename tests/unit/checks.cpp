// sigsafe::checks: a handler that calls what it must not call panics. This program is linked with
// it, and so are the functions of Boost.Test.
#include <boost/test/unit_test.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/timer.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/foreign.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>

namespace {

using test::child_end;
using test::in_child;

// Compilers leave out what nobody sees.
void* volatile memory;
std::FILE* file;
char text[200];
const std::time_t now = 0;
std::tm parts{};

int formatted(int (*function)(const char*, va_list), const char* format, ...) {
  va_list more;
  va_start(more, format);
  const int result = function(format, more);
  va_end(more);
  return result;
}
int log(const char* format, va_list more) {
  vsyslog(LOG_DEBUG, format, more);
  return 0;
}
const char* volatile word = "word";
volatile std::size_t room = 6;

struct call {
  const char* name;
  void (*function)();
  const char* with_sanitizer = nullptr;
};

constexpr const char* allocates = "malloc, or what allocates like it";
constexpr const char* frees = "free, or what frees like it";
constexpr auto aligned = std::align_val_t{64};

/// In this order: what is freed was allocated before.
const std::vector<call> calls{
    {"malloc", [] { memory = std::malloc(10); }, allocates},
    {"realloc", [] { memory = std::realloc(memory, 20); }, allocates},
    {"free", [] { std::free(memory); }, frees},
    {"calloc", [] { memory = std::calloc(10, 1); }, allocates},
    {"reallocarray", [] { memory = reallocarray(memory, 20, 3); }, allocates},
    {"free", [] { std::free(memory); }, frees},
    {"aligned_alloc", [] { memory = std::aligned_alloc(64, 128); }, allocates},
    {"free", [] { std::free(memory); }, frees},
    {"posix_memalign",
     [] {
       void* allocated = nullptr;
       if (posix_memalign(&allocated, 64, 10) == 0) memory = allocated;
     },
     allocates},
    {"free", [] { std::free(memory); }, frees},
    {"malloc", [] { memory = strdup(word); }, allocates},
    {"free", [] { std::free(memory); }, frees},
    {"operator new", [] { memory = ::operator new(10); }, allocates},
    {"operator delete", [] { ::operator delete(memory); }, frees},
    {"operator new", [] { memory = ::operator new(10, std::nothrow); }, allocates},
    {"operator delete", [] { ::operator delete(memory, std::nothrow); }, frees},
    {"operator new", [] { memory = ::operator new(64, aligned); }, allocates},
    {"operator delete", [] { ::operator delete(memory, aligned); }, frees},
    {"operator new[]", [] { memory = ::operator new[](10); }, allocates},
    {"operator delete[]", [] { ::operator delete[](memory); }, frees},
    {"operator new[]", [] { memory = ::operator new[](64, aligned, std::nothrow); }, allocates},
    {"operator delete[]", [] { ::operator delete[](memory, aligned, std::nothrow); }, frees},
    {"fopen", [] { file = std::fopen("/dev/null", "r+"); }},
    {"fprintf", [] { std::fprintf(file, "%s %d %f\n", word, 1, 2.5); }},
    {"vprintf", [] { formatted(std::vprintf, "%.0s%.0d", word, 0); }},
    {"printf", [] { std::printf("%.0s", word); }},
    {"dprintf", [] { dprintf(STDOUT_FILENO, "%.0s", word); }},
    {"snprintf", [] { std::snprintf(text, sizeof(text), "%s %d", word, 1); }},
    {"fputs", [] { std::fputs(word, file); }},
    {"fputc", [] { std::fputc('x', file); }},
    {"fwrite", [] { std::fwrite(word, 1, 4, file); }},
    {"fflush", [] { std::fflush(file); }},
    {"fread", [] { std::fread(text, 1, 4, file); }},
    {"fgets",
     [] {
       if (std::fgets(text, 4, file) != nullptr) text[0] = 0;
     }},
    {"fclose", [] { std::fclose(file); }},
    {"fdopen", [] { file = fdopen(open("/dev/null", O_WRONLY), "w"); }},
    {"fclose", [] { std::fclose(file); }},
    {"openlog", [] { openlog("checks", LOG_NDELAY, LOG_USER); }},
    {"syslog", [] { syslog(LOG_DEBUG, "%s", word); }},
    {"vsyslog", [] { formatted(log, "%s", word); }},
    {"localtime", [] { parts = *std::localtime(&now); }},
    {"localtime_r", [] { localtime_r(&now, &parts); }},
    {"gmtime", [] { parts = *std::gmtime(&now); }},
    {"gmtime_r", [] { gmtime_r(&now, &parts); }},
    {"mktime", [] { memory = std::mktime(&parts) == 1 ? nullptr : text; }},
    {"ctime", [] { memory = std::ctime(&now); }},
    {"asctime", [] { memory = std::asctime(&parts); }},
    {"strftime", [] { std::strftime(text, sizeof(text), "%c", &parts); }},
    {"strerror", [] { memory = std::strerror(EINTR); }},
    {"strsignal", [] { memory = strsignal(SIGHUP); }},
    {"setenv", [] { setenv("CHECKS", word, 1); }},
    {"unsetenv", [] { unsetenv("CHECKS"); }},
    {"system", [] { memory = std::system("true") == 0 ? nullptr : text; }},
    {"exit", [] { std::exit(0); }},
};

std::string said_of(const call& of) {
  const char* const name =
      TEST_REPLACED_MALLOC && of.with_sanitizer != nullptr ? of.with_sanitizer : of.name;
  return std::string{"sigsafe: a handler of SIGUSR1 calls "} + name + ", which";
}

void allocate() { memory = std::malloc(10); }
const std::string allocation = said_of(calls[0]);

}  // namespace

BOOST_FIXTURE_TEST_SUITE(checks, test::clean_thread)

BOOST_AUTO_TEST_CASE(each_call_in_a_handler_panics_and_names_the_call) {
  for (const call& each : calls) {
    const child_end end = in_child([&] {
      for (const call& before : calls) {
        if (&before == &each) break;
        before.function();
      }
      const sigsafe::handler handler{SIGUSR1, [&]() noexcept { each.function(); }};
      test::send(SIGUSR1);
    });
    BOOST_TEST(test::panics(end, said_of(each)));
  }
}

BOOST_AUTO_TEST_CASE(each_call_outside_does_what_it_does) {
  const child_end end = in_child([] {
    const sigsafe::handler handler{SIGUSR1, []() noexcept {}};
    for (const call& each : calls) {
      test::send(SIGUSR1);
      each.function();
    }
  });
  BOOST_TEST(test::holds(end));
  const child_end results = in_child([] {
    CHILD_REQUIRE(std::snprintf(text, room, "%s %d %.1f", word, 12, 2.5) == 11);
    CHILD_REQUIRE(std::strcmp(text, "word ") == 0);
    memory = std::calloc(3, 5);
    CHILD_REQUIRE(static_cast<char*>(memory)[14] == 0);
    CHILD_REQUIRE(localtime_r(&now, &parts) == &parts && parts.tm_year >= 69);
    file = std::tmpfile();
    CHILD_REQUIRE(std::fprintf(file, "%d %s", 34, word) == 7);
    std::rewind(file);
    CHILD_REQUIRE(std::fgets(text, sizeof(text), file) == text);
    CHILD_REQUIRE(std::strcmp(text, "34 word") == 0);
    CHILD_REQUIRE(setenv("CHECKS", word, 1) == 0);
    CHILD_REQUIRE(std::strcmp(std::getenv("CHECKS"), word) == 0);
  });
  BOOST_TEST(test::holds(results));
}

BOOST_AUTO_TEST_CASE(the_panic_names_the_place_of_registration) {
  const unsigned line = __LINE__ + 2;
  const child_end end = in_child([] {
    const sigsafe::handler handler{SIGUSR1, []() noexcept { allocate(); }};
    test::send(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, allocation));
  BOOST_TEST(test::panics(
      end, "; the handler was registered at " + (__FILE__ + (":" + std::to_string(line))) + "\n"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_was_held_off_is_one_too, B, test::hosted_backends) {
  const child_end end = in_child([] {
    const sigsafe::handler handler{SIGUSR1, []() noexcept { allocate(); }};
    const sigsafe::basic_guard<B> off;
    allocate();
    test::send(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, allocation));
}

BOOST_AUTO_TEST_CASE(so_is_the_function_of_a_timer) {
  const child_end end = in_child([] {
    sigsafe::deadline_timer timer{[]() noexcept { allocate(); }};
    timer.start(sigsafe::backend::posix::duration{1});
    for (;;) pause();
  });
  BOOST_TEST(test::panics(end, "calls "));
}

BOOST_AUTO_TEST_CASE(so_is_what_a_handler_chains_to) {
  const child_end end = in_child([] {
    test::install_foreign(SIGUSR1, [](int) { allocate(); });
    const sigsafe::handler handler{SIGUSR1, []() noexcept {}, {.chain = true}};
    test::send(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, allocation));
}

BOOST_AUTO_TEST_CASE(a_handler_that_sigsafe_does_not_call_is_not_known) {
  const child_end end = in_child([] {
    const sigsafe::handler handler{SIGUSR2, []() noexcept {}};
    test::install_foreign(SIGUSR1, [](int) { allocate(); });
    test::send(SIGUSR1);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(other_threads_and_the_time_after_a_handler_are_free) {
  const child_end end = in_child([] {
    static std::atomic<int> phase{0};
    const sigsafe::handler handler{SIGUSR1, []() noexcept {
                                     phase = 1;
                                     while (phase != 2) {}
                                   }};
    std::thread other{[] {
      while (phase != 1) {}
      allocate();
      phase = 2;
    }};
    test::send(SIGUSR1);
    allocate();
    other.join();
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(what_is_async_signal_safe_is_allowed) {
  const child_end end = in_child([] {
    static sigsafe::mutex<int> shared{0};
    static sem_t semaphore;
    CHILD_REQUIRE(sem_init(&semaphore, 0, 0) == 0);
    const sigsafe::handler handler{SIGUSR1, []() noexcept {
                                     ++*shared.lock();
                                     sem_post(&semaphore);
                                     timespec time;
                                     clock_gettime(CLOCK_MONOTONIC, &time);
                                     std::memcpy(text, "safe\n", 6);
                                     if (std::getenv("HOME") == nullptr) text[0] = 'S';
                                     if (write(STDOUT_FILENO, text, 0) != 0) _exit(1);
                                   }};
    test::send(SIGUSR1);
    CHILD_REQUIRE(sem_trywait(&semaphore) == 0);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_panic_function_may_call_what_it_wants) {
  const child_end end = in_child([] {
    sigsafe::set_panic_function([](const sigsafe::panic_info& info) noexcept {
      std::fprintf(stderr, "once: %s\n", std::string(info.what).c_str());
      _exit(7);
    });
    const sigsafe::handler handler{SIGUSR1, []() noexcept { allocate(); }};
    test::send(SIGUSR1);
  });
  BOOST_TEST(WIFEXITED(end.status));
  BOOST_TEST(WEXITSTATUS(end.status) == 7);
  BOOST_TEST(end.errors.starts_with("once: a handler of SIGUSR1 calls "));
}

// What is called for the first time asks the dynamic linker for nothing.
BOOST_AUTO_TEST_CASE(a_first_call_keeps_what_dlerror_says) {
  const child_end end = in_child([] {
    CHILD_REQUIRE(dlopen("/nothing.so", RTLD_NOW) == nullptr);
    std::fputs("", stderr);
    const std::time_t at = 0;
    gmtime_r(&at, &parts);
    const char* const error = dlerror();
    CHILD_REQUIRE(error != nullptr && std::strstr(error, "/nothing.so") != nullptr);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_SUITE_END()
