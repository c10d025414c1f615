// One call of a function that the shield knows, for shield_stepper to send a signal into it. The
// handler calls the same function, as handlers do: inside of it, it would wait for itself, or find
// what is not whole.
//
//   shield_stepped FUNCTION [SIGNALS]    exits with 0 when the handler ran as often as signals
//   came,
//                                        1 without the number, and found everything whole
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string_view>

#include <tests/shield/allocator.hpp>

namespace {

void* volatile memory;

struct function {
  std::string_view name;
  void (*call)();
};
constexpr function functions[] = {
    {"malloc", [] { memory = malloc(3000); }},
    {"free", [] { free(memory); }},
    {"localtime",
     [] {
       const time_t time = 1'700'000'000;
       localtime(&time);
     }},
    {"setenv", [] { setenv("OF_THIS_TEST", "1", 1); }},
    {"syslog", [] { syslog(LOG_DEBUG, "of the test"); }},
};

void (*called)() = nullptr;
volatile int handled = 0;
volatile bool was_inside = false;

void handle(int) {
  __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);  // another one may interrupt this
  was_inside = was_inside || shield_test::is_inside;
  void* const kept = memory;
  memory = malloc(100);
  called();
  memory = kept;
}

}  // namespace

extern "C" [[gnu::noinline, gnu::used]] void shield_stepped_end() { asm volatile("" ::: "memory"); }

int main(int count, char** arguments) {
  if (count < 2) return 2;
  for (const function& each : functions)
    if (each.name == arguments[1]) called = each.call;
  if (called == nullptr) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sigaction action{};
  action.sa_handler = handle;
  sigaction(SIGUSR1, &action, nullptr);
  sigaction(SIGUSR2, &action, nullptr);
  memory = malloc(3000);
  called();  // what is made at first is there
  memory = malloc(3000);
  raise(SIGUSR1);
  handled = 0;
  const auto end = reinterpret_cast<std::uintptr_t>(&shield_stepped_end);
  std::printf("%ju\n", static_cast<std::uintmax_t>(end));
  std::fflush(stdout);
  raise(SIGSTOP);
  called();
  shield_stepped_end();
  const int signals = count > 2 ? atoi(arguments[2]) : 1;
  return handled == signals && !was_inside ? 0 : 1;
}
