// Prints what a program sees of its signals: the same lines without the shield and behind it.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

// Old functions are what is asked for here.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

extern "C" {
sighandler_t bsd_signal(int signal, sighandler_t handler);
sighandler_t sysv_signal(int signal, sighandler_t handler);
char** environ;
}

namespace {

volatile int calls = 0;

void plain(int) { calls = calls + 1; }
void other(int) { calls = calls + 100; }
void with_info(int signal, siginfo_t* info, void* context) {
  calls = calls + 1;
  std::printf("  handler: signal %d code %d value %d own %d context %d\n", signal, info->si_code,
              info->si_value.sival_int, info->si_pid == getpid(), context != nullptr);
}

const char* name_of(void (*handler)(int)) {
  if (handler == SIG_DFL) return "SIG_DFL";
  if (handler == SIG_IGN) return "SIG_IGN";
  if (handler == SIG_ERR) return "SIG_ERR";
  if (handler == SIG_HOLD) return "SIG_HOLD";
  if (handler == plain) return "plain";
  if (handler == other) return "other";
  if (reinterpret_cast<void*>(handler) == reinterpret_cast<void*>(with_info)) return "with_info";
  return "something else";
}

// Without SA_RESTORER, which is the C library's.
unsigned flags_of(const struct sigaction& action) {
  return static_cast<unsigned>(action.sa_flags) & ~0x04000000u;
}

void print_set(const sigset_t& set) {
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&set, signal) == 1) std::printf(" %d", signal);
}

void print_disposition(const char* what, int signal) {
  struct sigaction found{};
  if (sigaction(signal, nullptr, &found) != 0) {
    std::printf("%s: errno %d\n", what, errno);
    return;
  }
  std::printf("%s: %s flags %#x mask", what, name_of(found.sa_handler), flags_of(found));
  print_set(found.sa_mask);
  std::printf("\n");
}

void print_blocked(const char* what) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  std::printf("%s: blocked", what);
  print_set(mask);
  std::printf("\n");
}

void install(int signal, void (*handler)(int), int flags, std::initializer_list<int> mask = {}) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  for (const int each : mask) sigaddset(&action.sa_mask, each);
  std::printf("sigaction: %d\n", sigaction(signal, &action, nullptr));
}

void installing() {
  for (const int flags : {0, SA_RESTART, SA_NODEFER | SA_ONSTACK, SA_NOCLDSTOP | SA_NOCLDWAIT}) {
    install(SIGCHLD, plain, flags, {SIGHUP, SIGTERM});
    print_disposition("installed", SIGCHLD);
  }
  struct sigaction action{}, before{};
  action.sa_sigaction = with_info;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, &before);
  std::printf("before: %s\n", name_of(before.sa_handler));
  print_disposition("with info", SIGUSR1);
  sigaction(SIGUSR1, &before, &action);
  std::printf("taken back: %s flags %#x\n", name_of(action.sa_handler), flags_of(action));
  print_disposition("as before", SIGUSR1);
  struct sigaction same{};
  same.sa_handler = other;
  struct sigaction* volatile both = &same;  // the compiler should not see it
  sigaction(SIGUSR1, both, both);
  std::printf("one object for both: %s\n", name_of(same.sa_handler));
  errno = 0;
  std::printf("SIGKILL: %d errno %d\n", sigaction(SIGKILL, &action, nullptr), errno);
  std::printf("signal 0: %d errno %d\n", sigaction(0, &action, nullptr), errno);
  std::printf("signal 65: %d errno %d\n", sigaction(65, &action, nullptr), errno);
  std::printf("signal 65 by signal(): %s errno %d\n", name_of(signal(65, plain)), errno);
  std::printf("SIG_ERR by signal(): %s errno %d\n", name_of(signal(SIGUSR1, SIG_ERR)), errno);
}

void older_functions() {
  std::printf("signal: %s\n", name_of(signal(SIGUSR2, plain)));
  print_disposition("signal", SIGUSR2);
  std::printf("signal: %s\n", name_of(signal(SIGUSR2, SIG_IGN)));
  std::printf("bsd_signal: %s\n", name_of(bsd_signal(SIGUSR2, other)));
  print_disposition("bsd_signal", SIGUSR2);
  std::printf("sysv_signal: %s\n", name_of(sysv_signal(SIGUSR2, plain)));
  print_disposition("sysv_signal", SIGUSR2);
  std::printf("ssignal: %s\n", name_of(ssignal(SIGUSR2, other)));
  std::printf("siginterrupt: %d\n", siginterrupt(SIGUSR2, 1));
  print_disposition("siginterrupt", SIGUSR2);
  signal(SIGUSR2, plain);
  print_disposition("signal behind siginterrupt", SIGUSR2);
  siginterrupt(SIGUSR2, 0);
  print_disposition("siginterrupt taken back", SIGUSR2);
  std::printf("sigset: %s\n", name_of(sigset(SIGUSR2, other)));
  print_disposition("sigset", SIGUSR2);
  std::printf("sigset hold: %s\n", name_of(sigset(SIGUSR2, SIG_HOLD)));
  print_blocked("sigset hold");
  std::printf("sigset again: %s\n", name_of(sigset(SIGUSR2, SIG_HOLD)));
  std::printf("sigset handler: %s\n", name_of(sigset(SIGUSR2, plain)));
  print_blocked("sigset handler");
  std::printf("sighold: %d sigrelse: %d\n", sighold(SIGUSR2), sigrelse(SIGUSR2));
  std::printf("sigignore: %d\n", sigignore(SIGUSR2));
  print_disposition("sigignore", SIGUSR2);
}

void arriving() {
  struct sigaction action{};
  action.sa_sigaction = with_info;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGRTMIN, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  sigval value{};
  value.sival_int = 7;
  sigqueue(getpid(), SIGRTMIN, value);
  signal(SIGUSR1, plain);
  calls = 0;
  raise(SIGUSR1);
  std::printf("plain handler: %d calls\n", calls);
  install(SIGUSR1, plain, static_cast<int>(SA_RESETHAND));
  raise(SIGUSR1);
  print_disposition("SA_RESETHAND", SIGUSR1);
}

void print_blocked_in_handler(int) { print_blocked("  in the handler"); }

void masks() {
  install(SIGUSR1, print_blocked_in_handler, 0, {SIGHUP});
  raise(SIGUSR1);
  install(SIGUSR1, print_blocked_in_handler, SA_NODEFER);
  raise(SIGUSR1);
  print_blocked("behind it");
}

sigjmp_buf place;
void jump(int) { siglongjmp(place, 1); }

void jumping() {
  install(SIGUSR1, jump, 0);
  if (sigsetjmp(place, 1) == 0) raise(SIGUSR1);
  print_blocked("behind siglongjmp");
  install(SIGSEGV, jump, 0);
  if (sigsetjmp(place, 1) == 0) {
    int* volatile nowhere = nullptr;
    *nowhere = 1;
  }
  print_blocked("behind a fault");
}

char stack_memory[1 << 16];
void print_stack(int) {
  const auto* const here = static_cast<const char*>(__builtin_frame_address(0));
  std::printf("  on the alternate stack: %d\n",
              here >= stack_memory && here < stack_memory + sizeof(stack_memory));
}

void stacks() {
  stack_t stack{};
  stack.ss_sp = stack_memory;
  stack.ss_size = sizeof(stack_memory);
  sigaltstack(&stack, nullptr);
  install(SIGUSR1, print_stack, SA_ONSTACK);
  raise(SIGUSR1);
  install(SIGUSR1, print_stack, 0);
  raise(SIGUSR1);
}

void interrupting() {
  int ends[2];
  if (pipe(ends) != 0) std::exit(2);
  const itimerval soon{{0, 0}, {0, 20'000}};
  char byte = 0;
  install(SIGALRM, plain, 0);
  setitimer(ITIMER_REAL, &soon, nullptr);
  errno = 0;
  std::printf("read without SA_RESTART: %zd errno %d\n", read(ends[0], &byte, 1), errno);
  static int writing;
  writing = ends[1];
  install(SIGALRM, [](int) { static_cast<void>(!write(writing, "x", 1)); }, SA_RESTART);
  setitimer(ITIMER_REAL, &soon, nullptr);
  std::printf("read with SA_RESTART: %zd\n", read(ends[0], &byte, 1));
}

void waiting() {
  sigset_t one, none;
  sigemptyset(&none);
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  sigprocmask(SIG_BLOCK, &one, nullptr);
  calls = 0;
  install(SIGUSR1, plain, 0);
  raise(SIGUSR1);
  int got = 0;
  std::printf("sigwait: %d", sigwait(&one, &got));
  std::printf(" signal %d\n", got);
  raise(SIGUSR1);
  const int fd = signalfd(-1, &one, SFD_CLOEXEC);
  signalfd_siginfo info{};
  std::printf("signalfd: %zd signal %u\n", read(fd, &info, sizeof(info)), info.ssi_signo);
  raise(SIGUSR1);
  std::printf("sigsuspend: %d errno %d calls %d\n", sigsuspend(&none), errno, calls);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void starting(const char* self) {
  signal(SIGHUP, SIG_IGN);
  signal(SIGUSR1, plain);
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    raise(SIGUSR1);
    print_disposition("in a fork", SIGUSR1);
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  char* const words[] = {const_cast<char*>(self), const_cast<char*>("--started"), nullptr};
  child = vfork();
  if (child == 0) {
    signal(SIGTERM, SIG_IGN);
    execv(self, words);
    _exit(127);
  }
  waitpid(child, &status, 0);
  posix_spawn(&child, self, nullptr, nullptr, words, environ);
  waitpid(child, &status, 0);
  signal(SIGINT, plain);
  signal(SIGQUIT, other);
  std::printf("system: %d\n", std::system("kill -TERM $$"));
  print_disposition("behind system", SIGINT);
  print_disposition("behind system", SIGQUIT);
  print_blocked("behind system");
}

void aborting() {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    install(SIGABRT, [](int) { std::printf("  SIGABRT\n"), std::fflush(stdout); }, 0);
    std::abort();
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::printf("abort: signal %d\n", WTERMSIG(status));
}

void threads() {
  static volatile int others = 0;
  install(SIGUSR1, [](int) { others = others + 1; }, 0);
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        while (others == 0) usleep(100);
        print_blocked("in a thread");
        return nullptr;
      },
      nullptr);
  pthread_kill(thread, SIGUSR1);
  pthread_join(thread, nullptr);
  std::printf("in a thread: %d\n", others);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    for (const int signal : {SIGHUP, SIGUSR1, SIGTERM, SIGINT})
      print_disposition("started", signal);
    print_blocked("started");
    return 0;
  }
  installing();
  older_functions();
  arriving();
  masks();
  jumping();
  stacks();
  interrupting();
  waiting();
  threads();
  starting(arguments[0]);
  aborting();
  return 0;
}
