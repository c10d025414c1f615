// The programs that the tests let the supervisor run; the argument says which. Each says on
// standard output what a test waits for.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

void say(const char* text) {
  if (write(STDOUT_FILENO, text, std::strlen(text)) < 0) _exit(1);
}

// Until nobody reads any more: a test that has failed leaves nothing behind.
[[noreturn]] void sleep_for_ever() {
  pollfd reader{STDOUT_FILENO, 0, 0};
  while (poll(&reader, 1, -1) < 1) {}
  _exit(4);
}

[[noreturn]] void crash() {
  say("crash: begins\n");
  signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would exit instead
  raise(SIGSEGV);
  _exit(1);
}

[[noreturn]] void stubborn() {
  signal(SIGTERM, SIG_IGN);
  say("stubborn: is ready\n");
  sleep_for_ever();
}

// Says which signals come.
[[noreturn]] void echo() {
  for (const int each : {SIGUSR1, SIGUSR2})
    signal(each, [](int signal) { say(signal == SIGUSR1 ? "echo: USR1\n" : "echo: USR2\n"); });
  say("echo: is ready\n");
  sleep_for_ever();
}

// Which signals are blocked and ignored, as the kernel sees it.
[[noreturn]] void signals() {
  std::FILE* const status = std::fopen("/proc/self/status", "r");
  std::array<char, 256> line;
  while (std::fgets(line.data(), line.size(), status) != nullptr)
    if (std::string_view{line.data()}.starts_with("SigBlk:") ||
        std::string_view{line.data()}.starts_with("SigIgn:"))
      say(line.data());
  say("signals: is ready\n");
  sleep_for_ever();
}

// Leaves a process behind, and ends when that is ready. The orphan ends when its parent has, or
// goes on.
[[noreturn]] void forks(bool goes_on, bool ignores_term) {
  std::array<int, 2> ready;
  std::array<int, 2> parent;
  if (pipe(ready.data()) != 0 || pipe(parent.data()) != 0) _exit(1);
  char byte = 0;
  if (fork() == 0) {
    if (ignores_term) signal(SIGTERM, SIG_IGN);
    close(parent[1]);
    close(ready[0]);
    close(ready[1]);
    if (goes_on) sleep_for_ever();
    _exit(read(parent[0], &byte, 1) == 0 ? 3 : 1);
  }
  close(ready[1]);
  const bool is_ready = read(ready[0], &byte, 1) == 0;
  say("forks: the orphan is ready\n");
  _exit(is_ready ? 0 : 1);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "crash") crash();
  if (what == "stubborn") stubborn();
  if (what == "echo") echo();
  if (what == "signals") signals();
  if (what == "forks") forks(true, false);
  if (what == "forks_stubborn") forks(true, true);
  if (what == "forks_short") forks(false, false);
  if (what == "exit") return std::atoi(argv[2]);
  if (what == "die") return raise(std::atoi(argv[2]));
  if (what == "stop_1") return kill(1, SIGTERM);
  if (what == "steady") {
    say("steady: is ready\n");
    sleep_for_ever();
  }
  return 2;
}
