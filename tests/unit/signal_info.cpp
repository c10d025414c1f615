// signal_info.hpp: signals of every origin, from the kernel, with and without a guard around them.
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <sigsafe/backend/none.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>

#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

namespace backend = sigsafe::backend;
using sigsafe::signal_info;
using namespace std::chrono_literals;
using namespace std::string_view_literals;
using origin = signal_info::origin;
using event = signal_info::child_status::event;
using test::child_end;
using test::in_child;

// Delivered at once, held off by the kernel, and recorded by sigsafe and dispatched later.
using ways = std::tuple<backend::none, backend::posix, backend::lazy>;

/// What the values of a signal_info were in its handler.
struct seen {
  explicit seen(const signal_info& info) noexcept
      : number(info.number()),
        code(info.code()),
        from(info.from()),
        sender(info.sender()),
        sender_uid(info.sender_uid()),
        value(info.value()),
        child(info.child()),
        fault(info.faulted()),
        descriptor(info.descriptor()),
        timer(info.timer()),
        has_context(info.context() != nullptr) {}

  int number;
  int code;
  origin from;
  std::optional<pid_t> sender;
  std::optional<uid_t> sender_uid;
  std::optional<sigval> value;
  std::optional<signal_info::child_status> child;
  std::optional<signal_info::fault> fault;
  std::optional<signal_info::descriptor_event> descriptor;
  std::optional<signal_info::timer_event> timer;
  bool has_context;
};

/// Causes a signal inside a guard of B and returns what its handler saw first.
template <class B, class Cause>
seen what_arrives(int signal, Cause cause) {
  std::optional<seen> arrived;
  const sigsafe::handler handler{signal, [&](const signal_info& info) noexcept {
                                   if (!arrived) arrived.emplace(info);
                                 }};
  {
    sigsafe::basic_guard<B> off;
    cause();
    if constexpr (std::is_same_v<B, backend::none>)
      while (!arrived) sched_yield();
    else
      while (!arrived) off.wait();
  }
  CHILD_REQUIRE(arrived->number == signal);
  return *arrived;
}

/// Of the optional values, these and no others are there.
struct there {
  bool sender = false;
  bool value = false;
  bool child = false;
  bool fault = false;
  bool descriptor = false;
  bool timer = false;
};
void require_there(const seen& arrived, there expected) {
  CHILD_REQUIRE(arrived.sender.has_value() == expected.sender);
  CHILD_REQUIRE(arrived.sender_uid.has_value() == expected.sender);
  CHILD_REQUIRE(arrived.value.has_value() == expected.value);
  CHILD_REQUIRE(arrived.child.has_value() == expected.child);
  CHILD_REQUIRE(arrived.fault.has_value() == expected.fault);
  CHILD_REQUIRE(arrived.descriptor.has_value() == expected.descriptor);
  CHILD_REQUIRE(arrived.timer.has_value() == expected.timer);
  if (expected.sender && !expected.child) {
    CHILD_REQUIRE(*arrived.sender == getpid());
    CHILD_REQUIRE(*arrived.sender_uid == getuid());
  }
}

/// A pipe whose reading end sends a signal when it becomes readable.
struct signalling_pipe {
  explicit signalling_pipe(int signal) {
    CHILD_REQUIRE(pipe(ends) == 0);
    CHILD_REQUIRE(fcntl(ends[0], F_SETOWN, getpid()) == 0);
    if (signal != 0) CHILD_REQUIRE(fcntl(ends[0], F_SETSIG, signal) == 0);
    CHILD_REQUIRE(fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
  }
  void make_readable() const { CHILD_REQUIRE(write(ends[1], "", 1) == 1); }
  int ends[2];
};

signal_info made_up(siginfo_t& info, int signal, int code) {
  info.si_signo = signal;
  info.si_code = code;
  return signal_info{info};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(signal_info_, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(kill_has_a_sender, B, ways) {
  const child_end end = in_child([] {
    const seen arrived = what_arrives<B>(SIGUSR1, [] { kill(getpid(), SIGUSR1); });
    CHILD_REQUIRE(arrived.from == origin::kill);
    CHILD_REQUIRE(arrived.code == SI_USER);
    require_there(arrived, {.sender = true});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(raise_and_pthread_kill_have_a_sender, B, ways) {
  const child_end end = in_child([] {
    for (const bool raised : {true, false}) {
      const seen arrived = what_arrives<B>(SIGUSR1, [=] {
        if (raised)
          raise(SIGUSR1);
        else
          pthread_kill(pthread_self(), SIGUSR1);
      });
      CHILD_REQUIRE(arrived.from == origin::thread_kill);
      require_there(arrived, {.sender = true});
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(sigqueue_has_a_sender_and_a_value, B, ways) {
  const child_end end = in_child([] {
    for (const int signal : {SIGUSR1, SIGRTMIN, SIGRTMAX}) {
      int target = 0;
      const seen arrived =
          what_arrives<B>(signal, [&] { sigqueue(getpid(), signal, {.sival_ptr = &target}); });
      CHILD_REQUIRE(arrived.from == origin::queue);
      require_there(arrived, {.sender = true, .value = true});
      CHILD_REQUIRE(arrived.value->sival_ptr == &target);
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_has_a_value_and_its_overrun, B, ways) {
  const child_end end = in_child([] {
    sigevent to_send{};
    to_send.sigev_notify = SIGEV_SIGNAL;
    to_send.sigev_signo = SIGRTMIN;
    to_send.sigev_value.sival_int = 42;
    timer_t timer{};
    CHILD_REQUIRE(timer_create(CLOCK_MONOTONIC, &to_send, &timer) == 0);
    signal(SIGRTMIN, SIG_IGN);  // what the timer sends behind the end of the handler
    const seen arrived = what_arrives<B>(SIGRTMIN, [&] {
      const sigset_t blocked_here =
          sigsafe::signal_set{std::is_same_v<B, backend::posix> ? 0 : SIGRTMIN}.native();
      pthread_sigmask(SIG_BLOCK, &blocked_here, nullptr);
      const itimerspec often{{0, 1'000'000}, {0, 1'000'000}};
      CHILD_REQUIRE(timer_settime(timer, 0, &often, nullptr) == 0);
      const auto enough = std::chrono::steady_clock::now() + 5ms;
      while (std::chrono::steady_clock::now() < enough) {}
      pthread_sigmask(SIG_UNBLOCK, &blocked_here, nullptr);
    });
    CHILD_REQUIRE(arrived.from == origin::timer);
    require_there(arrived, {.value = true, .timer = true});
    CHILD_REQUIRE(arrived.value->sival_int == 42);
    CHILD_REQUIRE(arrived.timer->overrun >= 2);
    CHILD_REQUIRE(arrived.timer->id == static_cast<int>(reinterpret_cast<std::intptr_t>(timer)));
    timer_delete(timer);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_expired_alarm_comes_from_the_kernel, B, ways) {
  const child_end end = in_child([] {
    const seen arrived = what_arrives<B>(SIGALRM, [] {
      const itimerval soon{{0, 0}, {0, 1}};
      setitimer(ITIMER_REAL, &soon, nullptr);
    });
    CHILD_REQUIRE(arrived.from == origin::kernel);
    require_there(arrived, {});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_queue_has_a_sender_and_a_value, B, ways) {
  const child_end end = in_child([] {
    const std::string name = "/sigsafe-test-" + std::to_string(getpid());
    mq_attr attributes{};
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = 1;
    const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    CHILD_REQUIRE(queue != mqd_t{-1});
    mq_unlink(name.c_str());
    sigevent to_send{};
    to_send.sigev_notify = SIGEV_SIGNAL;
    to_send.sigev_signo = SIGUSR1;
    to_send.sigev_value.sival_int = 43;
    CHILD_REQUIRE(mq_notify(queue, &to_send) == 0);
    const seen arrived =
        what_arrives<B>(SIGUSR1, [=] { CHILD_REQUIRE(mq_send(queue, "", 1, 0) == 0); });
    CHILD_REQUIRE(arrived.from == origin::message_queue);
    require_there(arrived, {.sender = true, .value = true});
    CHILD_REQUIRE(arrived.value->sival_int == 43);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_descriptor_is_told_with_its_events, B, ways) {
  const child_end end = in_child([] {
    // Also with a signal that has codes of its own: the kernel marks those differently.
    for (const int signal : {SIGIO, SIGCHLD, SIGTRAP}) {
      const signalling_pipe pipe{signal};
      const seen arrived = what_arrives<B>(signal, [&] { pipe.make_readable(); });
      CHILD_REQUIRE(arrived.from == origin::io);
      require_there(arrived, {.descriptor = true});
      CHILD_REQUIRE(arrived.descriptor->fd == pipe.ends[0]);
      CHILD_REQUIRE((arrived.descriptor->band & POLLIN) != 0);
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_descriptor_is_told_by_real_time_signals_too, B, ways) {
  const child_end end = in_child([] {
    const signalling_pipe pipe{SIGRTMIN};
    const seen arrived = what_arrives<B>(SIGRTMIN, [&] { pipe.make_readable(); });
    CHILD_REQUIRE(arrived.from == origin::io);
    require_there(arrived, {.descriptor = true});
    CHILD_REQUIRE(arrived.descriptor->fd == pipe.ends[0]);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_plain_sigio_does_not_tell_its_descriptor, B, ways) {
  const child_end end = in_child([] {
    const signalling_pipe pipe{0};
    const seen arrived = what_arrives<B>(SIGIO, [&] { pipe.make_readable(); });
    CHILD_REQUIRE(arrived.from == origin::kernel);
    require_there(arrived, {});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_child_tells_what_it_did, B, ways) {
  const child_end end = in_child([] {
    pid_t child = 0;
    const auto require_child = [&](const seen& arrived, event what, int status) {
      CHILD_REQUIRE(arrived.from == origin::kernel);
      require_there(arrived, {.sender = true, .child = true});
      CHILD_REQUIRE(arrived.child->pid == child);
      CHILD_REQUIRE(arrived.child->uid == getuid());
      CHILD_REQUIRE(arrived.child->what == what);
      CHILD_REQUIRE(arrived.child->status == status);
      CHILD_REQUIRE(*arrived.sender == child);
    };
    const auto fork_child = [&] {
      child = fork();
      if (child == 0)
        for (;;) pause();
    };
    const seen exited = what_arrives<B>(SIGCHLD, [&] {
      child = fork();
      if (child == 0) _exit(17);
    });
    require_child(exited, event::exited, 17);

    const seen stopped = what_arrives<B>(SIGCHLD, [&] {
      fork_child();
      kill(child, SIGSTOP);
    });
    require_child(stopped, event::stopped, SIGSTOP);
    const seen continued = what_arrives<B>(SIGCHLD, [&] { kill(child, SIGCONT); });
    require_child(continued, event::continued, SIGCONT);
    const seen killed = what_arrives<B>(SIGCHLD, [&] { kill(child, SIGKILL); });
    require_child(killed, event::killed, SIGKILL);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_memory_fault_tells_its_address, B, ways) {
  const child_end end = in_child([] {
    static char* const page =
        static_cast<char*>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const sigsafe::handler crash{SIGSEGV, [](const signal_info& info) noexcept {
                                   const seen arrived{info};
                                   CHILD_REQUIRE(arrived.from == origin::kernel);
                                   CHILD_REQUIRE(arrived.has_context);
                                   require_there(arrived, {.fault = true});
                                   CHILD_REQUIRE(arrived.fault->address == page + 123);
                                   CHILD_REQUIRE(arrived.fault->code == SEGV_ACCERR);
                                   _exit(0);
                                 }};
    const sigsafe::basic_guard<B> off;
    const_cast<volatile char*>(page)[123] = 1;
    test::fail_child(__FILE__, __LINE__, "the fault is not survived");
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_fault_that_somebody_sends_is_none) {
  const child_end end = in_child([] {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) {
      const seen arrived = what_arrives<backend::none>(signal, [=] { raise(signal); });
      CHILD_REQUIRE(arrived.from == origin::thread_kill);
      require_there(arrived, {.sender = true});
    }
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_child_signal_that_somebody_sends_is_no_child, B, ways) {
  const child_end end = in_child([] {
    const seen arrived = what_arrives<B>(SIGCHLD, [] { raise(SIGCHLD); });
    require_there(arrived, {.sender = true});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_code_that_a_program_made_up_tells_nothing, B, ways) {
  const child_end end = in_child([] {
    const seen arrived = what_arrives<B>(SIGUSR1, [] {
      siginfo_t info{};
      info.si_signo = SIGUSR1;
      info.si_code = -1000;
      CHILD_REQUIRE(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info) == 0);
    });
    CHILD_REQUIRE(arrived.from == origin::other);
    CHILD_REQUIRE(arrived.code == -1000);
    require_there(arrived, {});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(the_context_is_there_unless_the_signal_was_deferred) {
  const child_end end = in_child([] {
    const auto context_in = [](auto guard) {
      bool there = false;
      const sigsafe::handler usr1{
          SIGUSR1, [&](const signal_info& info) noexcept { there = info.context() != nullptr; }};
      {
        const typename decltype(guard)::type off;
        raise(SIGUSR1);
      }
      return there;
    };
    CHILD_REQUIRE(context_in(std::type_identity<sigsafe::basic_guard<backend::none>>{}));
    CHILD_REQUIRE(context_in(std::type_identity<sigsafe::guard>{}));
    CHILD_REQUIRE(!context_in(std::type_identity<sigsafe::lazy::guard>{}));
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(asynchronous_io_is_told_without_a_descriptor) {
  siginfo_t native{};
  const signal_info info = made_up(native, SIGUSR1, SI_ASYNCIO);
  BOOST_TEST((info.from() == origin::io));
  BOOST_TEST(!info.descriptor().has_value());
  BOOST_TEST(!info.sender().has_value());
}

BOOST_AUTO_TEST_CASE(it_names_the_signals_that_have_names) {
  siginfo_t native{};
  BOOST_TEST(made_up(native, SIGHUP, SI_USER).name() == "SIGHUP"sv);
  BOOST_TEST(made_up(native, SIGSYS, SI_USER).name() == "SIGSYS"sv);
  BOOST_TEST(made_up(native, SIGRTMIN, SI_USER).name() == "SIGRTMIN"sv);
  BOOST_TEST(made_up(native, SIGRTMIN + 3, SI_USER).name() == "SIGRTMIN+3"sv);
  const std::string last = "SIGRTMIN+" + std::to_string(SIGRTMAX - SIGRTMIN);
  BOOST_TEST(made_up(native, SIGRTMAX, SI_USER).name() == last);
  for (const int none : {-1, 0, 32, SIGRTMAX + 1})
    BOOST_TEST(made_up(native, none, SI_USER).name() == ""sv);
  for (int signal = 1; signal < 32; ++signal) {
    const std::string expected = std::string("SIG") + sigabbrev_np(signal);
    const bool same = made_up(native, signal, SI_USER).name() == expected ||
                      (signal == SIGIO && expected == "SIGPOLL");
    BOOST_TEST(same, expected);
  }
}

BOOST_AUTO_TEST_CASE(it_is_a_view) {
  siginfo_t native{};
  const signal_info info = made_up(native, SIGUSR1, SI_QUEUE);
  BOOST_TEST(&info.native() == &native);
  BOOST_TEST(info.context() == nullptr);
  BOOST_TEST(std::is_trivially_copyable_v<signal_info>);
}

BOOST_AUTO_TEST_SUITE_END()
