// signal_fd.hpp: what is read, and how. The mask is in signal_fd_mask.cpp.
#include <boost/test/unit_test.hpp>

#include <sigsafe/signal_fd.hpp>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/stop.hpp>
#include <sigsafe/thread.hpp>
#include <sigsafe/wake_signal.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/errors.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/programs.hpp>
#include <tests/support/signal_queue.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using namespace std::chrono_literals;
using sigsafe::received_signal;
using sigsafe::signal_fd;
using sigsafe::signal_info;
using sigsafe::signal_set;
using test::check_in_child;
using test::counter;

bool is_readable(const signal_fd& signals) {
  pollfd wanted{signals.fd(), POLLIN, 0};
  return poll(&wanted, 1, 0) == 1 && wanted.revents == POLLIN;
}

/// The kernel's own siginfo of the next signal. The C library's sigwaitinfo changes the code.
siginfo_t taken(signal_set signals) {
  const std::uint64_t bits = signals.bits();
  siginfo_t info;
  std::memset(&info, 0, sizeof(info));
  while (syscall(SYS_rt_sigtimedwait, &bits, &info, nullptr, sizeof(bits)) < 0)
    CHILD_REQUIRE(errno == EINTR);
  return info;
}

/// What is read is, in every byte, what the kernel tells without a descriptor.
template <class Cause>
void require_exact(signal_fd& signals, Cause cause) {
  cause();
  const siginfo_t wanted = taken(signals.signals());
  cause();
  const received_signal read = signals.wait();
  CHILD_REQUIRE(!is_readable(signals));
  CHILD_REQUIRE(std::memcmp(&read.native(), &wanted, sizeof(wanted)) == 0);
  cause();
  const std::optional<received_signal> from_descriptor = signals.read();
  CHILD_REQUIRE(from_descriptor.has_value());
  CHILD_REQUIRE(std::memcmp(&from_descriptor->native(), &wanted, sizeof(wanted)) == 0);
}

/// As require_exact, when what is caused takes its time.
void await_readable(const signal_fd& signals) {
  pollfd wanted{signals.fd(), POLLIN, 0};
  while (poll(&wanted, 1, -1) != 1) CHILD_REQUIRE(errno == EINTR);
}

void raise_limit_of_queue() {
  rlimit limit{};
  getrlimit(RLIMIT_SIGPENDING, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_SIGPENDING, &limit);
}

/// No descriptor can be made while it lives. UBSan needs one to look at an error the first time.
class no_descriptors {
 public:
  no_descriptors() {
    static_cast<void>(std::system_error(EDOM, std::generic_category()));
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{3, before_.rlim_max};
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::string refusal_of(signal_set signals, std::errc code = std::errc::invalid_argument) {
  return test::error_of([&] { const signal_fd refused{signals}; }, code);
}

}  // namespace

static_assert(!std::is_copy_constructible_v<signal_fd> && !std::is_move_constructible_v<signal_fd>);
static_assert(!std::is_copy_assignable_v<signal_fd> && !std::is_move_assignable_v<signal_fd>);
static_assert(sizeof(signal_fd) <= 32);

BOOST_FIXTURE_TEST_SUITE(signal_fd_, test::clean_thread)

BOOST_AUTO_TEST_CASE(a_signal_is_read_once_and_runs_no_handler) {
  check_in_child([] {
    const counter usr1{SIGUSR1};
    {
      signal_fd signals{{SIGUSR1, SIGUSR2}};
      CHILD_REQUIRE(signals.signals() == signal_set{SIGUSR1, SIGUSR2});
      CHILD_REQUIRE(!is_readable(signals) && !signals.read());
      raise(SIGUSR1);
      CHILD_REQUIRE(is_readable(signals));
      const std::optional<received_signal> signal = signals.read();
      CHILD_REQUIRE(signal.has_value());
      CHILD_REQUIRE(signal->number() == SIGUSR1 && std::string{signal->name()} == "SIGUSR1");
      CHILD_REQUIRE(signal->from() == signal_info::origin::thread_kill);
      CHILD_REQUIRE(!is_readable(signals) && !signals.read());
    }
    CHILD_REQUIRE(usr1.runs() == 0);
  });
}

BOOST_AUTO_TEST_CASE(the_descriptor_does_not_sleep_and_is_not_inherited_by_programs) {
  check_in_child([] {
    const signal_fd signals{{SIGUSR1}};
    CHILD_REQUIRE((fcntl(signals.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHILD_REQUIRE((fcntl(signals.fd(), F_GETFL) & O_NONBLOCK) != 0);
  });
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  check_in_child([] {
    errno = EDOM;
    std::optional<signal_fd> signals{std::in_place, signal_set{SIGUSR1}};
    CHILD_REQUIRE(!signals->read() && signals->drain([](const signal_info&) noexcept {}) == 0);
    CHILD_REQUIRE(!signals->wait_for(0s));
    signals.reset();
    CHILD_REQUIRE(errno == EDOM);
  });
}

BOOST_AUTO_TEST_CASE(a_standard_signal_is_kept_once_for_the_thread_and_once_for_the_process) {
  check_in_child([] {
    signal_fd signals{{SIGCHLD, SIGUSR1}};
    for (int i = 0; i < 10; ++i) {
      raise(SIGUSR1);
      kill(getpid(), SIGUSR1);
      kill(getpid(), SIGCHLD);
    }
    const auto first = signals.read();  // that of the thread
    CHILD_REQUIRE(first && first->number() == SIGUSR1 && first->code() == SI_TKILL);
    const auto second = signals.read();
    CHILD_REQUIRE(second && second->number() == SIGUSR1 && second->code() == SI_USER);
    const auto third = signals.read();
    CHILD_REQUIRE(third && third->number() == SIGCHLD);
    CHILD_REQUIRE(!signals.read());
  });
}

BOOST_AUTO_TEST_CASE(real_time_signals_are_all_read_in_order_with_their_values) {
  constexpr int all = 100'000;
  constexpr int most = 200;
  const int batch = test::room_in_signal_queue(most);
  BOOST_TEST_REQUIRE(batch > 0, "the signal queue of this user is full");
  if (batch < most) BOOST_TEST_MESSAGE("there is room for " << batch << " signals only");
  check_in_child([=] {
    raise_limit_of_queue();
    signal_fd signals{{SIGRTMIN, SIGRTMIN + 1}};
    int sent = 0;
    int read = 0;
    bool in_order = true;
    while (read < all) {
      // Another program of the user may take the room meanwhile.
      for (int i = 0; i < batch; ++i)
        if (sigqueue(getpid(), SIGRTMIN, {.sival_int = sent}) == 0) ++sent;
      signals.drain([&](const signal_info& info) noexcept {
        in_order = in_order && info.value() && info.value()->sival_int == read &&
                   info.sender() == getpid();
        ++read;
      });
      CHILD_REQUIRE(in_order && read == sent);
    }
  });
}

BOOST_AUTO_TEST_CASE(the_lowest_number_comes_first) {
  check_in_child([] {
    signal_fd signals{{SIGRTMIN, SIGRTMIN + 1, SIGUSR1}};
    for (const int value : {1, 2}) {
      sigqueue(getpid(), SIGRTMIN + 1, {.sival_int = 2 + value});
      sigqueue(getpid(), SIGRTMIN, {.sival_int = value});
    }
    kill(getpid(), SIGUSR1);
    CHILD_REQUIRE(signals.read()->number() == SIGUSR1);
    for (const int value : {1, 2, 3, 4}) CHILD_REQUIRE(signals.read()->value()->sival_int == value);
    CHILD_REQUIRE(!signals.read());
  });
}

BOOST_AUTO_TEST_CASE(what_is_sent_is_told_exactly) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1, SIGRTMIN, SIGALRM}};
    require_exact(signals, [] { kill(getpid(), SIGUSR1); });
    require_exact(signals, [] { raise(SIGUSR1); });
    require_exact(signals, [] { pthread_kill(pthread_self(), SIGRTMIN); });
    int here = 0;
    require_exact(signals, [&] { sigqueue(getpid(), SIGRTMIN, {.sival_ptr = &here}); });
    sigval number{.sival_ptr = nullptr};
    number.sival_int = -7;
    require_exact(signals, [&] { sigqueue(getpid(), SIGUSR1, number); });
    require_exact(signals, [&] {  // alarm: from the kernel
      const itimerval soon{{0, 0}, {0, 1}};
      setitimer(ITIMER_REAL, &soon, nullptr);
      await_readable(signals);
    });
    require_exact(signals, [&] {  // a code of the program's own
      siginfo_t info{};
      info.si_code = -77;
      info.si_errno = 5;
      info.si_pid = 12;
      info.si_uid = 13;
      info.si_value.sival_ptr = &here;
      syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info);
    });
  });
}

BOOST_AUTO_TEST_CASE(another_process_is_named_as_the_sender) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1, SIGRTMIN}};
    const pid_t parent = getpid();
    const pid_t sender = fork();
    CHILD_REQUIRE(sender >= 0);
    if (sender == 0) {
      kill(parent, SIGUSR1);
      sigqueue(parent, SIGRTMIN, {.sival_int = 42});
      _exit(0);
    }
    await_readable(signals);
    const auto first = signals.read();
    CHILD_REQUIRE(first && first->number() == SIGUSR1);
    CHILD_REQUIRE(first->from() == signal_info::origin::kill);
    CHILD_REQUIRE(first->sender() == sender && first->sender_uid() == getuid());
    const received_signal second = signals.wait();
    CHILD_REQUIRE(second.from() == signal_info::origin::queue && second.sender() == sender);
    CHILD_REQUIRE(second.value()->sival_int == 42 && second.sender_uid() == getuid());
    CHILD_REQUIRE(test::status_of(sender) == 0);
  });
}

BOOST_AUTO_TEST_CASE(how_a_child_ended_is_told) {
  check_in_child([] {
    signal_fd signals{{SIGCHLD}};
    const pid_t child = fork();
    CHILD_REQUIRE(child >= 0);
    if (child == 0) _exit(7);
    await_readable(signals);
    const auto exited = signals.read();
    CHILD_REQUIRE(exited && exited->child().has_value());
    CHILD_REQUIRE(exited->child()->pid == child && exited->child()->uid == getuid());
    CHILD_REQUIRE(exited->child()->what == signal_info::child_status::event::exited);
    CHILD_REQUIRE(exited->child()->status == 7);
    CHILD_REQUIRE(exited->sender() == child);
    CHILD_REQUIRE(WEXITSTATUS(test::status_of(child)) == 7);
  });
}

BOOST_AUTO_TEST_CASE(how_much_time_a_child_has_used_is_told) {
  check_in_child([] {
    signal_fd signals{{SIGCHLD}};
    const pid_t child = fork();
    CHILD_REQUIRE(child >= 0);
    if (child == 0)
      for (volatile unsigned work = 0;;) work = work + 1;
    for (long used = 0; used == 0;) {
      kill(child, SIGSTOP);
      used = taken({SIGCHLD}).si_utime;
      kill(child, SIGCONT);
      taken({SIGCHLD});
      kill(child, SIGSTOP);
      await_readable(signals);
      const auto stopped = signals.read();
      CHILD_REQUIRE(stopped->child()->what == signal_info::child_status::event::stopped);
      CHILD_REQUIRE(stopped->child()->status == SIGSTOP && stopped->native().si_utime >= used);
      kill(child, SIGCONT);
      taken({SIGCHLD});
    }
    kill(child, SIGKILL);
    CHILD_REQUIRE(WTERMSIG(test::status_of(child)) == SIGKILL);
  });
}

BOOST_AUTO_TEST_CASE(which_timer_and_how_often_is_told) {
  check_in_child([] {
    signal_fd signals{{SIGRTMIN + 1}};
    sigevent wanted{};
    wanted.sigev_notify = SIGEV_SIGNAL;
    wanted.sigev_signo = SIGRTMIN + 1;
    wanted.sigev_value.sival_int = 17;
    timer_t timer{};
    CHILD_REQUIRE(timer_create(CLOCK_MONOTONIC, &wanted, &timer) == 0);
    constexpr itimerspec often{{0, 1'000'000}, {0, 1'000'000}};
    timer_settime(timer, 0, &often, nullptr);
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < 5ms) {}
    const auto gone_off = signals.read();
    CHILD_REQUIRE(gone_off && gone_off->timer() && gone_off->value());
    CHILD_REQUIRE(gone_off->value()->sival_int == 17);
    CHILD_REQUIRE(gone_off->timer()->overrun >= 3);
    timer_delete(timer);
  });
}

BOOST_AUTO_TEST_CASE(which_descriptor_is_told) {
  check_in_child([] {
    signal_fd signals{{SIGRTMIN}};
    test::cloexec_pipe pipe;
    CHILD_REQUIRE(fcntl(pipe.reader(), F_SETOWN, getpid()) == 0);
    CHILD_REQUIRE(fcntl(pipe.reader(), F_SETSIG, SIGRTMIN) == 0);
    CHILD_REQUIRE(fcntl(pipe.reader(), F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    CHILD_REQUIRE(write(pipe.writer(), "x", 1) == 1);
    await_readable(signals);
    const auto arrived = signals.read();
    CHILD_REQUIRE(arrived && arrived->descriptor().has_value());
    CHILD_REQUIRE(arrived->descriptor()->fd == pipe.reader());
    CHILD_REQUIRE((arrived->descriptor()->band & POLLIN) != 0);
  });
}

BOOST_AUTO_TEST_CASE(a_received_signal_is_a_value) {
  check_in_child([] {
    signal_fd signals{{SIGRTMIN}};
    std::vector<received_signal> all;
    for (int i = 0; i < 10; ++i) {
      sigqueue(getpid(), SIGRTMIN, {.sival_int = i});
      all.push_back(*signals.read());  // grows, and so copies
    }
    std::swap(all[0], all[9]);
    for (std::size_t i = 1; i < 9; ++i)
      CHILD_REQUIRE(all[i].value()->sival_int == static_cast<int>(i));
    CHILD_REQUIRE(all[0].value()->sival_int == 9 && all[9].value()->sival_int == 0);
    for (const received_signal& each : all)
      CHILD_REQUIRE(
          reinterpret_cast<const char*>(&each.native()) >= reinterpret_cast<const char*>(&each) &&
          reinterpret_cast<const char*>(&each.native()) < reinterpret_cast<const char*>(&each + 1));
  });
}

BOOST_AUTO_TEST_CASE(drain_reads_sixteen_with_one_system_call) {
  BOOST_TEST_REQUIRE(test::room_in_signal_queue(100) == 100, "the signal queue is full");
  const auto drain = [](int signals_sent, auto function) {
    struct prepared {
      signal_fd signals{{SIGRTMIN}};
    };
    return test::count_system_calls(
        [=] {
          prepared* const all = new prepared;
          for (int i = 0; i < signals_sent; ++i) sigqueue(getpid(), SIGRTMIN, {});
          return all;
        },
        [=](prepared* all) { all->signals.drain(function); });
  };
  constexpr auto quiet = [](const signal_info&) noexcept {};
  BOOST_TEST(drain(0, quiet) == 1);
  BOOST_TEST(drain(15, quiet) == 1);
  BOOST_TEST(drain(40, quiet) == 3);
  BOOST_TEST(drain(5, [](const signal_info&) {}) == 6);
}

BOOST_AUTO_TEST_CASE(drain_takes_as_many_as_it_is_told) {
  check_in_child([] {
    signal_fd signals{{SIGRTMIN}};
    for (int i = 0; i < 40; ++i) sigqueue(getpid(), SIGRTMIN, {.sival_int = i});
    int next = 0;
    const auto count = [&](const signal_info& info) noexcept {
      CHILD_REQUIRE(info.value()->sival_int == next++);
    };
    CHILD_REQUIRE(signals.drain(count, 0) == 0);
    CHILD_REQUIRE(signals.drain(count, 5) == 5 && next == 5);
    CHILD_REQUIRE(signals.drain(count, 20) == 20 && next == 25);
    CHILD_REQUIRE(signals.drain(count) == 15 && next == 40);
    CHILD_REQUIRE(signals.drain(count) == 0);
  });
}

BOOST_AUTO_TEST_CASE(drain_loses_nothing_when_the_function_throws) {
  check_in_child([] {
    signal_fd signals{{SIGRTMIN}};
    for (int i = 0; i < 3; ++i) sigqueue(getpid(), SIGRTMIN, {.sival_int = i});
    try {
      signals.drain([](const signal_info&) { throw std::runtime_error{"full"}; });
      CHILD_REQUIRE(false);
    } catch (const std::runtime_error&) {}
    for (const int value : {1, 2}) CHILD_REQUIRE(signals.read()->value()->sival_int == value);
    CHILD_REQUIRE(!signals.read());
  });
}

BOOST_AUTO_TEST_CASE(wait_sleeps_until_there_is_one_and_handlers_do_not_end_it) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1}};
    const counter usr2{SIGUSR2};
    const pid_t waiter = test::own_thread();
    const pthread_t waiting = pthread_self();
    const sigsafe::thread other{[&] {
      for (int i = 1; i <= 3; ++i) {
        test::await_sleep(waiter, [] { return false; });
        pthread_kill(waiting, SIGUSR2);
        while (usr2.runs() < i) sched_yield();
      }
      test::await_sleep(waiter, [] { return false; });
      kill(getpid(), SIGUSR1);
    }};
    const received_signal signal = signals.wait();
    CHILD_REQUIRE(signal.number() == SIGUSR1 && signal.sender() == getpid());
    CHILD_REQUIRE(usr2.runs() == 3);
  });
}

BOOST_AUTO_TEST_CASE(a_wait_with_an_end_ends) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1}};
    const auto begin = std::chrono::steady_clock::now();
    CHILD_REQUIRE(!signals.wait_for(20ms));
    CHILD_REQUIRE(std::chrono::steady_clock::now() - begin >= 20ms);
    CHILD_REQUIRE(!signals.wait_for(-1s) && !signals.wait_for(std::chrono::hours::min()));
    CHILD_REQUIRE(!signals.wait_until(begin));
    CHILD_REQUIRE(!signals.wait_until(std::chrono::system_clock::now() + 5ms));
    raise(SIGUSR1);
    CHILD_REQUIRE(signals.wait_for(0s)->number() == SIGUSR1);
    raise(SIGUSR1);
    CHILD_REQUIRE(signals.wait_for(std::chrono::hours::max())->number() == SIGUSR1);
    raise(SIGUSR1);
    CHILD_REQUIRE(signals.wait_until(begin)->number() == SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(wait_in_a_guard_panics, B, test::hosted_backends) {
  const test::child_end end = test::in_child([] {
    signal_fd signals{{SIGUSR1}};
    const sigsafe::basic_guard<B> held;
    signals.wait();
  });
  BOOST_TEST(test::panics(end, "release the guards, locks and borrows of this thread first"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_poll_in_a_guard_ends_for_a_signal_to_read_and_for_a_handler, B,
                              test::hosted_backends) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1}};
    const counter usr2{SIGUSR2};
    sigsafe::basic_guard<B> off;
    pollfd watched{signals.fd(), POLLIN, 0};
    kill(getpid(), SIGUSR1);
    CHILD_REQUIRE(off.poll(std::span{&watched, 1}) == sigsafe::wake::ready);
    CHILD_REQUIRE(signals.read()->number() == SIGUSR1);
    kill(getpid(), SIGUSR2);
    CHILD_REQUIRE(off.poll(std::span{&watched, 1}) == sigsafe::wake::handler && usr2.runs() == 1);
    CHILD_REQUIRE(!signals.read());
    CHILD_REQUIRE(off.poll(std::span{&watched, 1}, 1ms) == sigsafe::wake::timeout);
  });
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_an_error_that_changes_nothing) {
  check_in_child([] {
    const signal_set before = signal_set::blocked();
    const int descriptors = test::open_descriptors();
    const auto says = [](const std::string& text, const std::string& part) {
      return text.find(part) != std::string::npos;
    };
    CHILD_REQUIRE(says(refusal_of({}), "empty set"));
    CHILD_REQUIRE(says(refusal_of({1000}), "empty set"));
    for (const int signal :
         {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
      CHILD_REQUIRE(says(refusal_of({SIGUSR1, signal}), "it cannot be blocked"));
    CHILD_REQUIRE(says(refusal_of({SIGKILL}), "signal 9 (SIGKILL)"));
    CHILD_REQUIRE(says(refusal_of({sigsafe::wake_signal()}), "set_wake_signal"));
    CHILD_REQUIRE(says(refusal_of(signal_set::from_bits(std::uint64_t{1} << 31)), "C library"));
    CHILD_REQUIRE(signal_set::blocked() == before && test::is_at_rest());
    CHILD_REQUIRE(test::open_descriptors() == descriptors);
  });
}

BOOST_AUTO_TEST_CASE(what_a_stop_signal_has_is_refused) {
  check_in_child([] {
    {
      const sigsafe::stop_signal stop{{SIGTERM}};
      const std::string text = refusal_of({SIGTERM}, std::errc::device_or_resource_busy);
      CHILD_REQUIRE(text.find("a stop_signal takes it") != std::string::npos);
    }
    const signal_fd signals{{SIGTERM}};
  });
}

BOOST_AUTO_TEST_CASE(no_descriptor_left_is_an_error_that_changes_nothing) {
  check_in_child([] {
    const signal_set before = signal_set::blocked();
    const std::string text = test::error_of(
        [] {
          const no_descriptors none;
          const signal_fd refused{{SIGUSR1}};
        },
        std::errc::too_many_files_open);
    CHILD_REQUIRE(text.find("raise RLIMIT_NOFILE") != std::string::npos);
    CHILD_REQUIRE(signal_set::blocked() == before && test::is_at_rest());
  });
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_other_code_has_closed_is_an_error) {
  check_in_child([] {
    signal_fd signals{{SIGUSR1}};
    close(signals.fd());
    const std::string text =
        test::error_of([&] { static_cast<void>(signals.read()); }, std::errc::bad_file_descriptor);
    CHILD_REQUIRE(text.find("must not close it") != std::string::npos);
  });
}

BOOST_AUTO_TEST_CASE(in_a_handler_it_panics) {
  const test::child_end end = test::in_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { const signal_fd never{{SIGUSR2}}; }};
    raise(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, "signal_fd.cpp"));
  BOOST_TEST(test::panics(end, "make it outside"));
}

BOOST_AUTO_TEST_CASE(two_threads_read_each_signal_once) {
  check_in_child([] {
    raise_limit_of_queue();
    constexpr int all = 2000;
    const int room = test::room_in_signal_queue(100);
    signal_fd signals{{SIGRTMIN}};
    std::atomic<int> read{0};
    std::atomic<long> sum{0};
    const auto reader = [&] {
      while (read < all)
        if (const auto signal = signals.wait_for(1ms)) {
          sum += signal->value()->sival_int;
          ++read;
        }
    };
    sigsafe::thread first{reader};
    sigsafe::thread second{reader};
    for (int i = 0; i < all; ++i) {
      while (i - read >= room) sched_yield();
      while (sigqueue(getpid(), SIGRTMIN, {.sival_int = i}) != 0) sched_yield();
    }
    first.join();
    second.join();
    CHILD_REQUIRE(sum == long{all} * (all - 1) / 2);
  });
}

BOOST_AUTO_TEST_SUITE_END()
