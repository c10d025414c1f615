#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

// What one copy of the library does and sees.
struct view {
  const void* thread_state;
  bool (*enabled)();
  void (*with_guard)(void (*inside)());    // calls inside with a lazy guard
  void (*with_handler)(void (*inside)());  // calls inside with a handler of SIGUSR1
  int (*handled)();                        // how often that ran
  void (*exit_on_panic)();                 // a panic exits with the status 42
  void (*panic)();
};

inline void require(bool condition, const char* otherwise) {
  if (!condition) {
    std::puts(otherwise);
    std::exit(1);
  }
}

// The panic function of the one is called by a panic of the other.
inline void check_panic_function(const view& setting, const view& panicking) {
  const pid_t child = fork();
  if (child == 0) {
    setting.exit_on_panic();
    panicking.panic();
  }
  int status = 0;
  waitpid(child, &status, 0);
  require(WIFEXITED(status) && WEXITSTATUS(status) == 42,
          "a panic of one copy does not call the function that the other has set");
}

// Exits with a message unless the two copies share one state.
inline void check(const view& guarding, const view& handling) {
  static view one;
  static view other;
  one = guarding;
  other = handling;

  require(one.thread_state == other.thread_state, "one thread has two states");
  require(other.enabled(), "interrupts are disabled from the beginning");

  // Both handle the signal; it is deferred by a guard of the one, for the handlers of both.
  static int one_before;
  static int other_before;
  one_before = one.handled();
  other_before = other.handled();
  one.with_handler([] {
    other.with_handler([] {
      one.with_guard([] {
        require(!other.enabled(), "a guard of one copy is not seen by the other");
        raise(SIGUSR1);
        require(other.handled() == other_before, "a guard of one copy does not hold off the other");
      });
      require(other.handled() == other_before + 1, "the newer handler did not run once");
      require(one.handled() == one_before + 1, "the older handler did not run once");
    });
  });
}
