// Daemons as they are written, each with a handler that does what their handlers do. A run is
// corrupt when the daemon dies of it, or hangs. Without the shield some must be; behind it, none.
//
//   shield_incidents KIND RUNS [MOST]    ends after MOST corrupt runs; prints "C of N corrupt"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

namespace {

constexpr long microseconds_of_a_run = 30'000;
constexpr int patience = 1000;  // milliseconds

long now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000 + time.tv_nsec / 1000;
}

void signal_often(long microseconds) {
  const itimerval often{{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &often, nullptr);
}

void handle(void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
}

// Sizes that no thread keeps for itself, so that free joins and splits.
void allocate_once() {
  static unsigned n;
  constexpr int most = 64;
  static void* kept[most];
  void*& place = kept[n % most];
  std::free(place);
  place = std::malloc(1100 + n++ * 7919 % 5000);
}

void allocate_in_handler(int) {
  void* volatile memory = std::malloc(2000);
  std::free(memory);
}

template <class F>
void repeat(F function) {
  const long end = now() + microseconds_of_a_run;
  while (now() < end)
    for (int i = 0; i < 100; ++i) function();
}

void allocator() {
  handle(allocate_in_handler);
  signal_often(60);
  repeat(allocate_once);
}

void allocator_of_two_threads() {
  handle(allocate_in_handler);
  pthread_t other;
  pthread_create(
      &other, nullptr,
      [](void*) -> void* {
        repeat([] {
          void* volatile memory = std::malloc(3000);
          std::free(memory);
        });
        return nullptr;
      },
      nullptr);
  signal_often(60);
  repeat(allocate_once);
  pthread_join(other, nullptr);
}

void time_zone() {
  handle([](int) {
    const std::time_t time = 1;
    localtime(&time);
  });
  signal_often(60);
  repeat([] {
    const std::time_t time = 1'700'000'000;
    localtime(&time);
  });
}

void environment() {
  handle([](int) { setenv("OF_HANDLER", "1", 1); });
  signal_often(60);
  repeat([] {
    setenv("OF_MAIN", "1", 1);
    unsetenv("OF_MAIN");
  });
}

void logging() {
  handle([](int) { syslog(LOG_DEBUG, "of the handler"); });
  signal_often(60);
  repeat([] { syslog(LOG_DEBUG, "of the main loop"); });
}

void stdio() {
  handle([](int) {
    std::printf("of the handler\n");
    std::fflush(stdout);
  });
  signal_often(60);
  repeat([] { std::printf("of the main loop\n"); });
}

// CVE-2024-6387: who does not log in before the alarm is thrown out, and that is logged.
void throw_out(int signal) {
  syslog(LOG_INFO, "time for authentication is over");
  allocate_in_handler(signal);
  std::exit(1);
}

[[noreturn]] void serve(int client) {
  handle(throw_out);
  const itimerval grace{{0, 0}, {0, 300 + getpid() % 700}};
  setitimer(ITIMER_REAL, &grace, nullptr);
  char byte = 0;
  while (recv(client, &byte, 1, MSG_DONTWAIT) != 0)
    for (int i = 0; i < 50; ++i) allocate_once();  // parses what a client has sent
  std::exit(0);
}

/// True when a client got no answer, or its process died of a signal.
bool login() {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (bind(server, general, size) != 0 || listen(server, 1) != 0 ||
      getsockname(server, general, &size) != 0)
    std::exit(4);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(client, general, size) != 0) std::exit(4);
  const int accepted = accept(server, nullptr, nullptr);
  const pid_t process = fork();
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(client);
    serve(accepted);
  }
  close(accepted);
  close(server);
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  pollfd end{watched, POLLIN, 0};
  const bool hangs = poll(&end, 1, patience) == 0;
  if (hangs) kill(process, SIGKILL);
  int status = 0;
  waitpid(process, &status, 0);
  close(watched);
  close(client);
  return hangs || !WIFEXITED(status);
}

/// True when the process died of a signal, or hung.
bool is_corrupt(void (*daemon)()) {
  std::fflush(nullptr);
  const pid_t process = fork();
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    daemon();
    _exit(0);
  }
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  pollfd end{watched, POLLIN, 0};
  const bool hangs = poll(&end, 1, patience) == 0;
  if (hangs) kill(process, SIGKILL);
  int status = 0;
  waitpid(process, &status, 0);
  close(watched);
  return hangs || status != 0;
}

struct kind {
  std::string_view name;
  void (*daemon)();
};
constexpr kind kinds[] = {
    {"allocator", allocator}, {"allocator_of_two_threads", allocator_of_two_threads},
    {"time_zone", time_zone}, {"environment", environment},
    {"syslog", logging},      {"stdio", stdio},
};

bool run(std::string_view wanted) {
  if (wanted == "login") return login();
  for (const kind& each : kinds)
    if (each.name == wanted) return is_corrupt(each.daemon);
  std::fprintf(stderr, "there is no such incident\n");
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: shield_incidents KIND RUNS [MOST]\n");
    return 2;
  }
  const int runs = std::atoi(arguments[2]);
  const int most = count > 3 ? std::atoi(arguments[3]) : runs;
  std::fclose(stdin);
  int corrupt = 0, run_already = 0;
  while (run_already < runs && corrupt < most) {
    ++run_already;
    if (run(arguments[1])) ++corrupt;
  }
  std::fprintf(stderr, "%d of %d corrupt\n", corrupt, run_already);
  return 0;
}
