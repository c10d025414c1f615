// Knows that a thread waits, without letting time pass: it asks the kernel.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace test {

/// Whether a thread of this process, by its kernel number, sleeps in a system call.
inline bool is_asleep(pid_t thread) {
  char text[512];
  std::snprintf(text, sizeof(text), "/proc/self/task/%d/stat", thread);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;  // it has ended
  const ssize_t size = read(file, text, sizeof(text) - 1);
  close(file);
  if (size <= 0) return false;
  text[size] = '\0';
  const char* const name_end = std::strrchr(text, ')');
  return name_end != nullptr && std::strncmp(name_end, ") S", 3) == 0;
}

/// How often a thread of this process has gone to sleep.
inline long voluntary_switches(pid_t thread) {
  char text[4096];
  std::snprintf(text, sizeof(text), "/proc/self/task/%d/status", thread);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t size = read(file, text, sizeof(text) - 1);
  close(file);
  if (size <= 0) return -1;
  text[size] = '\0';
  const char* const line = std::strstr(text, "\nvoluntary_ctxt_switches:");
  return line != nullptr ? std::strtol(std::strchr(line, ':') + 1, nullptr, 10) : -1;
}

/// Returns when the thread sleeps or the condition holds.
template <class Condition>
void await_sleep(pid_t thread, Condition condition) {
  while (!condition() && !is_asleep(thread)) sched_yield();
}

/// For a test that nothing happens meanwhile. Not a number of turns of the scheduler: on a loaded
/// machine these take seconds.
inline void let_others_run() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1};
  do sched_yield();
  while (std::chrono::steady_clock::now() < end);
}

}  // namespace test
