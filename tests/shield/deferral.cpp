// What a handler finds that had to wait for the end of malloc: the same as one that did not.
#include <boost/test/unit_test.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <tests/shield/allocator.hpp>
#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sleeping.hpp>

namespace {

using shield_test::call_inside_malloc;
using shield_test::is_inside;

// What the handlers of one child saw.
struct {
  volatile int calls;
  volatile int inside;  // of these, while their thread was inside malloc
  int signals[64];
  int values[64];
  siginfo_t info;
  sigset_t mask;         // in the handler
  sigset_t interrupted;  // of its context
  void* stack;           // about where it ran
} seen;

void note(int signal, siginfo_t* info, void* context) {
  const int n = seen.calls % 64;
  seen.signals[n] = signal;
  seen.values[n] = info->si_value.sival_int;
  seen.inside = seen.inside + (is_inside ? 1 : 0);
  seen.info = *info;
  pthread_sigmask(SIG_BLOCK, nullptr, &seen.mask);
  seen.interrupted = static_cast<ucontext_t*>(context)->uc_sigmask;
  seen.stack = __builtin_frame_address(0);
  seen.calls = seen.calls + 1;
}

void install(int signal, void (*handler)(int, siginfo_t*, void*), int flags = 0,
             std::initializer_list<int> mask = {}) {
  struct sigaction action{};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  for (const int each : mask) sigaddset(&action.sa_mask, each);
  sigaction(signal, &action, nullptr);
}

sigset_t mask_now() {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return mask;
}

bool is_empty(const sigset_t& mask) {
  for (int signal = 1; signal < NSIG; ++signal)
    if (sigismember(&mask, signal) == 1) return false;
  return true;
}

void send_with_value(int signal, int value) noexcept {
  sigval sent{};
  sent.sival_int = value;
  sigqueue(getpid(), signal, sent);
}

const int real_time = SIGRTMIN + 2;

BOOST_AUTO_TEST_SUITE(shield)

BOOST_AUTO_TEST_CASE(a_handler_runs_behind_malloc_and_not_inside) {
  test::check_in_child([] {
    install(SIGUSR1, note);
    call_inside_malloc([]() noexcept {
      raise(SIGUSR1);
      CHILD_REQUIRE(seen.calls == 0);
    });
    CHILD_REQUIRE(seen.calls == 1 && seen.inside == 0);
    raise(SIGUSR1);
    CHILD_REQUIRE(seen.calls == 2);
    CHILD_REQUIRE(is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(it_has_its_own_siginfo_context_and_mask) {
  test::check_in_child([] {
    install(SIGUSR1, note, 0, {SIGHUP});
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    call_inside_malloc([]() noexcept { send_with_value(SIGUSR1, 42); });
    CHILD_REQUIRE(seen.calls == 1 && seen.values[0] == 42);
    CHILD_REQUIRE(seen.info.si_code == SI_QUEUE && seen.info.si_pid == getpid());
    CHILD_REQUIRE(sigismember(&seen.mask, SIGHUP) == 1 && sigismember(&seen.mask, SIGUSR1) == 1);
    CHILD_REQUIRE(sigismember(&seen.mask, SIGUSR2) == 0);
    CHILD_REQUIRE(sigismember(&seen.interrupted, SIGWINCH) == 1);
    CHILD_REQUIRE(sigismember(&seen.interrupted, SIGUSR1) == 0);
    const sigset_t behind = mask_now();
    CHILD_REQUIRE(std::memcmp(&behind, &seen.interrupted, 8) == 0);
  });
}

BOOST_AUTO_TEST_CASE(real_time_signals_keep_their_order) {
  test::check_in_child([] {
    install(real_time, note);
    call_inside_malloc([]() noexcept {
      for (int i = 0; i < 6; ++i) send_with_value(real_time, i);
    });
    // To the thread: the kernel has a queue of its own for these.
    call_inside_malloc([]() noexcept {
      for (int i = 6; i < 12; ++i) {
        sigval sent{};
        sent.sival_int = i;
        pthread_sigqueue(pthread_self(), real_time, sent);
      }
    });
    CHILD_REQUIRE(seen.calls == 12 && seen.inside == 0);
    for (int i = 0; i < 12; ++i) CHILD_REQUIRE(seen.values[i] == i);
  });
}

// All at once, as to a process that was stopped: each interrupts the stub of the one before it.
template <class F>
void send_at_once(F send) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  send();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

BOOST_AUTO_TEST_CASE(each_of_two_real_time_signals_keeps_its_order) {
  test::check_in_child([] {
    install(real_time, note);
    install(real_time + 3, note);
    call_inside_malloc([]() noexcept {
      send_at_once([] {
        send_with_value(real_time, 0);
        for (int i = 10; i < 14; ++i) send_with_value(real_time + 3, i);
      });
    });
    CHILD_REQUIRE(seen.calls == 5 && seen.inside == 0);
    int next = 10;
    for (int i = 0; i < 5; ++i)
      if (seen.signals[i] == real_time + 3) CHILD_REQUIRE(seen.values[i] == next++);
  });
}

BOOST_AUTO_TEST_CASE(many_at_once_without_room_in_the_queue_all_run) {
  test::check_in_child([] {
    static constexpr int all[] = {SIGHUP,  SIGUSR1, SIGUSR2, SIGALRM,
                                  SIGTERM, SIGIO,   SIGPWR,  SIGURG};
    for (const int signal : all) install(signal, note);
    const rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    call_inside_malloc([]() noexcept {
      send_at_once([] {
        for (const int signal : all) kill(getpid(), signal);
      });
    });
    CHILD_REQUIRE(seen.calls == 8 && seen.inside == 0 && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(a_handler_runs_although_it_was_taken_away_meanwhile) {
  for (void (*const instead)(int) : {SIG_DFL, SIG_IGN})
    test::check_in_child([=] {
      static void (*later)(int);
      later = instead;
      install(SIGUSR1, note);
      call_inside_malloc([]() noexcept {
        raise(SIGUSR1);
        signal(SIGUSR1, later);
      });
      CHILD_REQUIRE(seen.calls == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_called_handler_has_its_mask_too) {
  test::check_in_child([] {
    install(real_time, note, 0, {SIGHUP});
    call_inside_malloc([]() noexcept { send_with_value(real_time, 7); });
    CHILD_REQUIRE(seen.calls == 1 && seen.values[0] == 7);
    CHILD_REQUIRE(sigismember(&seen.mask, SIGHUP) == 1);
    CHILD_REQUIRE(sigismember(&seen.mask, real_time) == 1);
    CHILD_REQUIRE(sigismember(&seen.mask, SIGUSR1) == 0);
    CHILD_REQUIRE(is_empty(seen.interrupted) && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(a_second_signal_does_not_merge_with_the_first) {
  test::check_in_child([] {
    install(SIGUSR1, note);
    call_inside_malloc([]() noexcept {
      raise(SIGUSR1);
      raise(SIGUSR1);
    });
    CHILD_REQUIRE(seen.calls == 2 && seen.inside == 0);
  });
}

BOOST_AUTO_TEST_CASE(all_that_came_run_once) {
  test::check_in_child([] {
    static constexpr int all[] = {SIGUSR2, SIGALRM, SIGUSR1, SIGHUP, SIGTERM, SIGIO};
    for (const int signal : all) install(signal, note);
    call_inside_malloc([]() noexcept {
      for (const int signal : all) {
        kill(getpid(), signal);
        sigset_t waiting;
        sigpending(&waiting);
        // The first one is taken, and closes the mask for the others.
        CHILD_REQUIRE(sigismember(&waiting, signal) == (signal == all[0] ? 0 : 1));
      }
    });
    CHILD_REQUIRE(seen.calls == 6 && seen.inside == 0);
    int sum = 0;
    for (int i = 0; i < 6; ++i) sum += seen.signals[i];
    CHILD_REQUIRE(sum == SIGUSR1 + SIGUSR2 + SIGHUP + SIGALRM + SIGTERM + SIGIO);
  });
}

BOOST_AUTO_TEST_CASE(a_stop_and_a_continue_do_not_delete_each_other) {
  test::check_in_child([] {
    install(SIGTSTP, note);
    install(SIGCONT, note);
    call_inside_malloc([]() noexcept {
      raise(SIGTSTP);
      raise(SIGCONT);
    });
    CHILD_REQUIRE(seen.calls == 2 && seen.inside == 0);
    call_inside_malloc([]() noexcept {
      raise(SIGCONT);
      raise(SIGTSTP);
    });
    CHILD_REQUIRE(seen.calls == 4 && seen.inside == 0 && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(sa_resethand_runs_it_once) {
  test::check_in_child([] {
    install(SIGURG, note, static_cast<int>(SA_RESETHAND));
    call_inside_malloc([]() noexcept { raise(SIGURG); });
    CHILD_REQUIRE(seen.calls == 1 && seen.inside == 0);
    struct sigaction left{};
    sigaction(SIGURG, nullptr, &left);
    CHILD_REQUIRE(left.sa_handler == SIG_DFL);
  });
}

void raise_once_more(int signal, siginfo_t* info, void* context) {
  note(signal, info, context);
  if (seen.calls < 3) raise(signal);
}

BOOST_AUTO_TEST_CASE(sa_nodefer_lets_it_nest) {
  test::check_in_child([] {
    install(SIGUSR1, raise_once_more, SA_NODEFER);
    install(real_time, raise_once_more, SA_NODEFER);
    for (const int signal : {SIGUSR1, real_time}) {
      seen.calls = 0;
      static int sent;
      sent = signal;
      call_inside_malloc([]() noexcept { raise(sent); });
      CHILD_REQUIRE(seen.calls == 3);
      CHILD_REQUIRE(sigismember(&seen.mask, signal) == 0);
    }
  });
}

char other_stack[1 << 16];

void use_other_stack(unsigned flags) {
  stack_t stack{};
  stack.ss_sp = other_stack;
  stack.ss_size = sizeof(other_stack);
  stack.ss_flags = static_cast<int>(flags);
  CHILD_REQUIRE(sigaltstack(&stack, nullptr) == 0);
}

BOOST_AUTO_TEST_CASE(sa_onstack_is_the_alternate_stack) {
  test::check_in_child([] {
    use_other_stack(0);
    for (const int signal : {SIGUSR1, real_time}) {
      for (const int flags : {SA_ONSTACK, 0}) {
        install(signal, note, flags);
        static int sent;
        sent = signal;
        call_inside_malloc([]() noexcept { raise(sent); });
        const auto* const where = static_cast<const char*>(seen.stack);
        CHILD_REQUIRE((where >= other_stack && where < other_stack + sizeof(other_stack)) ==
                      (flags != 0));
      }
    }
    CHILD_REQUIRE(seen.calls == 4 && seen.inside == 0);
  });
}

sigjmp_buf place;

BOOST_AUTO_TEST_CASE(a_stack_that_is_disarmed_is_not_written_over) {
  test::check_in_child([] {
    use_other_stack(1u << 31);  // SS_AUTODISARM
    install(
        real_time,
        [](int, siginfo_t*, void*) {
          stack_t now{};
          sigaltstack(nullptr, &now);
          seen.calls = (now.ss_flags & SS_DISABLE) != 0 ? 1 : 2;
        },
        SA_ONSTACK);
    call_inside_malloc([]() noexcept { raise(real_time); });
    CHILD_REQUIRE(seen.calls == 1);
    stack_t behind{};
    CHILD_REQUIRE(sigaltstack(nullptr, &behind) == 0 && behind.ss_sp == other_stack);
  });
}

BOOST_AUTO_TEST_CASE(a_jump_out_of_it_leaves_no_region_behind) {
  test::check_in_child([] {
    for (const int signal : {SIGUSR1, real_time})
      install(signal, [](int, siginfo_t*, void*) { siglongjmp(place, 1); });
    install(SIGUSR2, note);
    for (const int signal : {SIGUSR1, real_time}) {
      static int sent;
      sent = signal;
      if (sigsetjmp(place, 1) == 0) {
        call_inside_malloc([]() noexcept { raise(sent); });
        CHILD_REQUIRE(false);
      }
      CHILD_REQUIRE(is_empty(mask_now()));
      raise(SIGUSR2);
    }
    CHILD_REQUIRE(seen.calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(a_jump_out_of_it_does_not_lose_the_others) {
  test::check_in_child([] {
    install(real_time, [](int, siginfo_t*, void*) { siglongjmp(place, 1); });
    install(real_time + 1, note);
    install(SIGUSR1, note);
    if (sigsetjmp(place, 1) == 0)
      call_inside_malloc([]() noexcept {
        send_at_once([] {
          for (const int signal : {SIGUSR1, real_time, real_time + 1}) raise(signal);
        });
      });
    // At the latest with the next region.
    void* volatile memory = std::malloc(10);
    std::free(memory);
    CHILD_REQUIRE(seen.calls == 2 && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(errno_is_that_of_the_region) {
  test::check_in_child([] {
    install(SIGUSR1, [](int, siginfo_t*, void*) { errno = EBADF; });
    call_inside_malloc([]() noexcept {
      errno = ERANGE;
      raise(SIGUSR1);
      CHILD_REQUIRE(errno == ERANGE);
    });
    // Without the shield the handler would have changed it.
    CHILD_REQUIRE(errno == ERANGE);
  });
}

BOOST_AUTO_TEST_CASE(a_fault_runs_its_handler_at_once) {
  test::check_in_child([] {
    install(SIGSEGV, [](int, siginfo_t*, void*) {
      seen.inside = is_inside ? 1 : 0;
      call_inside_malloc([]() noexcept {});  // as a crash handler must not, and some do
      siglongjmp(place, 1);
    });
    install(SIGUSR1, note);
    if (sigsetjmp(place, 1) == 0)
      call_inside_malloc([]() noexcept {
        int* volatile nowhere = nullptr;
        *nowhere = 1;
      });
    CHILD_REQUIRE(seen.inside == 1);
    raise(SIGUSR1);
    CHILD_REQUIRE(seen.calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_deferral_does_not_run_inside_a_crash_handler) {
  test::check_in_child([] {
    install(SIGUSR1, note);
    install(SIGSEGV, [](int, siginfo_t*, void*) {
      void* volatile memory = std::malloc(1000);
      std::free(memory);
      if (seen.calls != 0) _exit(3);
      siglongjmp(place, 1);
    });
    if (sigsetjmp(place, 1) == 0)
      call_inside_malloc([]() noexcept {
        raise(SIGUSR1);
        int* volatile nowhere = nullptr;
        *nowhere = 1;
      });
    CHILD_REQUIRE(seen.calls == 1);  // siglongjmp has opened the mask
    call_inside_malloc([]() noexcept { raise(SIGUSR1); });
    CHILD_REQUIRE(seen.calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(abort_inside_calls_its_handler) {
  const auto end = test::in_child([] {
    install(SIGABRT, [](int, siginfo_t*, void*) { _exit(is_inside ? 7 : 8); });
    call_inside_malloc([]() noexcept { std::abort(); });
  });
  BOOST_TEST(WIFEXITED(end.status));
  BOOST_TEST(WEXITSTATUS(end.status) == 7);
}

BOOST_AUTO_TEST_CASE(an_exempt_signal_comes_in) {
  test::check_in_child([] {
    install(SIGPROF, note);
    install(SIGUSR1, note);
    call_inside_malloc([]() noexcept {
      raise(SIGPROF);
      CHILD_REQUIRE(seen.calls == 1);
      raise(SIGUSR1);
      raise(SIGPROF);
      CHILD_REQUIRE(seen.calls == 2);
    });
    CHILD_REQUIRE(seen.calls == 3);
  });
}

BOOST_AUTO_TEST_CASE(a_fork_inside_leaves_it_to_the_parent) {
  test::check_in_child([] {
    static pid_t forked;
    install(SIGUSR1, note);
    call_inside_malloc([]() noexcept {
      raise(SIGUSR1);
      forked = fork();
    });
    if (forked == 0) {
      raise(SIGUSR1);
      _exit(seen.calls == 1 && is_empty(mask_now()) ? 0 : 1);
    }
    int status = 0;
    CHILD_REQUIRE(waitpid(forked, &status, 0) == forked && status == 0);
    CHILD_REQUIRE(seen.calls == 1 && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(a_signal_in_a_function_of_pthread_atfork_waits_for_fork) {
  test::check_in_child([] {
    static volatile bool in_fork = false, came_in = false;
    install(SIGUSR1, [](int, siginfo_t*, void*) {
      came_in = came_in || in_fork;
      seen.calls = seen.calls + 1;
    });
    pthread_atfork(
        [] {
          in_fork = true;
          raise(SIGUSR1);
        },
        [] { in_fork = false; }, [] { in_fork = false; });
    const pid_t forked = fork();
    if (forked == 0) _exit(seen.calls == 0 && is_empty(mask_now()) ? 0 : 1);
    int status = 0;
    CHILD_REQUIRE(waitpid(forked, &status, 0) == forked && status == 0);
    CHILD_REQUIRE(seen.calls == 1 && !came_in && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(the_environment_is_whole_when_the_handler_comes) {
  test::check_in_child([] {
    static bool was_set;
    install(SIGUSR1, [](int, siginfo_t*, void*) {
      was_set = getenv("LONG") != nullptr;
      seen.calls = seen.calls + 1;
    });
    // setenv allocates "LONG=…" and then enters it.
    const std::string value(shield_test::size_with_door - sizeof("LONG="), 'x');
    shield_test::door = []() noexcept { raise(SIGUSR1); };
    setenv("LONG", value.c_str(), 1);
    CHILD_REQUIRE(shield_test::door == nullptr);  // it was opened
    CHILD_REQUIRE(seen.calls == 1 && was_set);
  });
}

BOOST_AUTO_TEST_CASE(without_room_in_the_queue_it_runs_nevertheless) {
  test::check_in_child([] {
    install(SIGUSR1, note);
    install(real_time, note);
    const rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    call_inside_malloc([]() noexcept { raise(SIGUSR1); });
    CHILD_REQUIRE(seen.calls == 1 && seen.inside == 0 && is_empty(mask_now()));
  });
}

void kill_who_queues_signals() {
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_tgsigqueueinfo, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), const_cast<sock_filter*>(program)};
  CHILD_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

BOOST_AUTO_TEST_CASE(behind_a_filter_of_system_calls_it_is_called) {
  test::check_in_child([] {
    install(SIGUSR1, note, 0, {SIGHUP});
    kill_who_queues_signals();
    call_inside_malloc([]() noexcept { raise(SIGUSR1); });
    CHILD_REQUIRE(seen.calls == 1 && seen.inside == 0);
    CHILD_REQUIRE(sigismember(&seen.mask, SIGHUP) == 1 && is_empty(mask_now()));
  });
}

BOOST_AUTO_TEST_CASE(a_called_handler_may_change_the_mask_of_its_context) {
  test::check_in_child([] {
    for (const int signal : {SIGUSR1, real_time})
      install(signal, [](int, siginfo_t*, void* context) {
        sigaddset(&static_cast<ucontext_t*>(context)->uc_sigmask, SIGWINCH);
      });
    for (const int signal : {SIGUSR1, real_time}) {
      static int sent;
      sent = signal;
      call_inside_malloc([]() noexcept { raise(sent); });
      sigset_t mask = mask_now();
      CHILD_REQUIRE(sigismember(&mask, SIGWINCH) == 1);
      sigemptyset(&mask);
      pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    }
  });
}

// Each is a function of its own.
template <int>
void nothing(int) {}
template <int... Numbers>
std::array<void (*)(int), sizeof...(Numbers)> many_handlers(
    std::integer_sequence<int, Numbers...>) {
  return {&nothing<Numbers>...};
}

BOOST_AUTO_TEST_CASE(more_handlers_than_stubs_run_without_the_shield) {
  const auto end = test::in_child([] {
    const auto all = many_handlers(std::make_integer_sequence<int, 300>());
    for (void (*const each)(int) : all) {
      signal(SIGUSR1, each);
      CHILD_REQUIRE(raise(SIGUSR1) == 0);
      CHILD_REQUIRE(signal(SIGUSR1, each) == each);
    }
  });
  BOOST_TEST(test::holds(end));
  const std::string said = "this program has more than 256 handlers";
  BOOST_TEST(end.errors.find(said) != std::string::npos);
  BOOST_TEST(end.errors.find(said) == end.errors.rfind(said));
}

// Its destructor runs in the last round too, behind that of the shield, whose key is older.
pthread_key_t last_key;
sigset_t mask_at_end;
void run_in_all_rounds(void* round) {
  pthread_sigmask(SIG_BLOCK, nullptr, &mask_at_end);
  pthread_setspecific(last_key, static_cast<char*>(round) + 1);
}

BOOST_AUTO_TEST_CASE(a_thread_that_gives_its_heap_back_takes_no_signals) {
  test::check_in_child([] {
    CHILD_REQUIRE(pthread_key_create(&last_key, &run_in_all_rounds) == 0);
    static sigset_t mask_of_thread;
    std::thread{[] {
      mask_of_thread = mask_now();
      pthread_setspecific(last_key, &last_key);
    }}.join();
    CHILD_REQUIRE(is_empty(mask_of_thread));
    for (const int signal : {SIGUSR1, SIGALRM, SIGTERM, real_time})
      CHILD_REQUIRE(sigismember(&mask_at_end, signal) == 1);
    CHILD_REQUIRE(sigismember(&mask_at_end, SIGSEGV) == 0);
  });
}

BOOST_AUTO_TEST_CASE(signals_at_threads_that_allocate_come_exactly_once) {
  test::check_in_child([] {
    constexpr int threads = 4, most = 20'000;
    static std::atomic<int> handled, next_value;
    static std::atomic<long> sum;
    static std::atomic<bool> done;
    install(real_time, [](int, siginfo_t* info, void*) {
      void* volatile memory = std::malloc(static_cast<std::size_t>(info->si_value.sival_int) % 999);
      std::free(memory);
      ++handled;
      sum += info->si_value.sival_int;
    });
    std::vector<std::thread> allocating;
    for (int i = 0; i < threads; ++i)
      allocating.emplace_back([] {
        std::array<void*, 16> kept{};
        for (unsigned n = 0; !done; ++n) {
          std::free(kept[n % 16]);
          kept[n % 16] = std::malloc(n * 7919 % 3000);
        }
        for (void* each : kept) std::free(each);
      });
    // To the process: the kernel chooses a thread. This one does not take them.
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, real_time);
    pthread_sigmask(SIG_BLOCK, &one, nullptr);
    long sent_sum = 0;
    for (int i = 0; i < most; ++i) {
      sigval value{};
      value.sival_int = i;
      while (sigqueue(getpid(), real_time, value) != 0) sched_yield();
      sent_sum += i;
    }
    while (handled < most) sched_yield();
    done = true;
    for (std::thread& each : allocating) each.join();
    CHILD_REQUIRE(handled == most && sum == sent_sum);
  });
}

// A log that nobody reads, and that takes only some lines.
int make_hung_log() {
  const int log = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "/dev/log");
  const auto* const general = reinterpret_cast<const sockaddr*>(&address);
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", "/dev", "tmpfs", 0, nullptr) != 0 || bind(log, general, sizeof(address)) != 0)
    return -1;
  return log;
}

int hung_log = -1;

BOOST_AUTO_TEST_CASE(a_thread_that_hangs_in_syslog_lets_it_in_after_a_second) {
  constexpr int not_here = 77;
  const auto end = test::in_child([] {
    hung_log = make_hung_log();
    if (hung_log < 0) _exit(not_here);
    for (int signal = 1; signal < NSIG; ++signal) {
      struct sigaction action{};  // as daemons do at first
      sigaction(signal, &action, nullptr);
      sigaction(signal, nullptr, &action);
      CHILD_REQUIRE(action.sa_handler == SIG_DFL);
    }
    // It makes room for all lines.
    install(
        SIGUSR1,
        [](int, siginfo_t*, void*) {
          char line[1024];
          while (recv(hung_log, line, sizeof(line), MSG_DONTWAIT) > 0) continue;
          seen.calls = seen.calls + 1;
        },
        SA_RESTART);
    const pthread_t logging = pthread_self();
    const pid_t id = gettid();
    std::atomic<bool> is_going{true};
    std::thread sender{[&] {
      for (int asleep = 0; asleep < 1000;) asleep = test::is_asleep(id) ? asleep + 1 : 0;
      pthread_kill(logging, SIGUSR1);
      is_going = false;
    }};
    while (is_going) syslog(LOG_INFO, "one of many lines");
    sender.join();
    CHILD_REQUIRE(seen.calls == 1);
    raise(SIGUSR1);
    CHILD_REQUIRE(seen.calls == 2 && is_empty(mask_now()));
  });
  if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == not_here)
    std::puts("SKIPPED: a log of one's own needs the right to mount");
  else
    BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
