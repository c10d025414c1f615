// handler_options::chain: a foreign handler is called as it asked to be called.
#include <boost/test/unit_test.hpp>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/support/arrivals.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>

namespace {

using sigsafe::signal_set;
using test::arrived;
using test::everything_blocked;
using test::holds;
using test::in_resting_child;
using test::queue;
using test::send;

using noting = sigsafe::handler<test::note_arrival>;
constexpr sigsafe::handler_options chaining{.chain = true};
const int real_time = SIGRTMIN + 3;

struct sigaction action(void (*function)(int, siginfo_t*, void*), int flags, signal_set mask = {}) {
  struct sigaction made{};
  made.sa_sigaction = function;
  made.sa_flags = SA_SIGINFO | flags;
  made.sa_mask = mask.native();
  return made;
}

void install(int signal, void (*function)(int, siginfo_t*, void*), int flags,
             signal_set mask = {}) {
  const struct sigaction made = action(function, flags, mask);
  CHILD_REQUIRE(sigaction(signal, &made, nullptr) == 0);
}

/// An alternate stack of the calling thread.
class alternate_stack {
 public:
  alternate_stack() : memory_(std::make_unique<std::byte[]>(size)) {
    const stack_t stack{memory_.get(), 0, size};
    CHILD_REQUIRE(sigaltstack(&stack, nullptr) == 0);
  }
  [[nodiscard]] bool contains(const void* address) const noexcept {
    const auto distance =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(memory_.get());
    return distance < size;
  }

 private:
  static constexpr std::size_t size = 65'536;
  std::unique_ptr<std::byte[]> memory_;
};

struct {
  int calls;
  const void* stack;
  const void* context;
  signal_set interrupted;
  signal_set blocked;
} seen;

void looks(int, siginfo_t* info, void* context) {
  char here;
  ++seen.calls;
  seen.stack = &here;
  seen.context = context;
  seen.blocked = signal_set::blocked();
  if (context != nullptr) {
    std::uint64_t bits;
    std::memcpy(&bits, &static_cast<ucontext_t*>(context)->uc_sigmask, sizeof(bits));
    seen.interrupted = signal_set::from_bits(bits);
  }
  arrived.add(*info);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(chain, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_is_called_on_its_stack_with_its_mask_and_a_real_context) {
  BOOST_TEST(holds(in_resting_child([] {
    const alternate_stack stack;
    install(SIGUSR1, looks, SA_ONSTACK, {SIGHUP});
    const signal_set before = signal_set::blocked();
    const noting usr1{SIGUSR1, {}, chaining};
    queue(SIGUSR1, 1);
    CHILD_REQUIRE(arrived.have_values({1, 1}) && seen.calls == 1);
    CHILD_REQUIRE(stack.contains(seen.stack) && stack.contains(seen.context));
    CHILD_REQUIRE(seen.interrupted == before);
    CHILD_REQUIRE(seen.blocked == (before | signal_set{SIGUSR1, SIGHUP}));
  })));
}

BOOST_AUTO_TEST_CASE(the_same_after_a_deferral) {
  BOOST_TEST(holds(in_resting_child([] {
    const alternate_stack stack;
    install(SIGUSR1, looks, SA_ONSTACK, {SIGHUP});
    const signal_set before = signal_set::blocked();
    const noting usr1{SIGUSR1, {}, chaining};
    {
      const sigsafe::lazy::guard off;
      queue(SIGUSR1, 1);
      CHILD_REQUIRE(arrived.size() == 0);
    }
    CHILD_REQUIRE(arrived.have_values({1, 1}) && seen.calls == 1);
    CHILD_REQUIRE(stack.contains(seen.stack) && stack.contains(seen.context));
    CHILD_REQUIRE(seen.blocked == (before | signal_set{SIGUSR1, SIGHUP}));
  })));
}

BOOST_AUTO_TEST_CASE(real_time_signals_keep_their_order_behind_a_deferral) {
  BOOST_TEST(holds(in_resting_child([] {
    install(real_time, looks, 0);
    const sigsafe::handler queued{real_time, []() noexcept {}, chaining};
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 1);
      queue(real_time, 2);
      queue(real_time, 3);
    }
    CHILD_REQUIRE(arrived.have_values({1, 2, 3}));
    {
      const sigsafe::lazy::guard off;
      queue(real_time, 4);
    }
    CHILD_REQUIRE(arrived.have_values({1, 2, 3, 4}));
    CHILD_REQUIRE(seen.context != nullptr);
  })));
}

BOOST_AUTO_TEST_CASE(other_signals_come_in_while_it_runs) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    const noting hup{SIGHUP, {}};
    install(SIGUSR1,
            [](int, siginfo_t*, void*) {
              send(SIGHUP);
              CHILD_REQUIRE(arrived.are({SIGUSR1}));
              send(SIGUSR2);
              CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
            },
            0, {SIGHUP});
    const noting usr1{SIGUSR1, {}, chaining};
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2, SIGHUP}));
  })));
}

BOOST_AUTO_TEST_CASE(its_guards_hold_everything_off) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    install(
        SIGUSR1,
        [](int, siginfo_t*, void*) {
          {
            const sigsafe::guard off;
            CHILD_REQUIRE(everything_blocked());
            send(SIGUSR2);
            CHILD_REQUIRE(arrived.are({SIGUSR1}));
          }
          CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
          const sigsafe::lazy::guard soft;
          send(SIGUSR2);
          CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2}));
        },
        0);
    const noting usr1{SIGUSR1, {}, chaining};
    send(SIGUSR1);
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR2, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_CASE(one_that_does_not_block_its_own_signal_is_interrupted_by_it) {
  BOOST_TEST(holds(in_resting_child([] {
    static int depth = 0;
    install(
        SIGUSR1,
        [](int, siginfo_t*, void*) {
          if (++depth == 1) {
            send(SIGUSR1);
            CHILD_REQUIRE(depth == 2);
          }
        },
        SA_NODEFER);
    const noting usr1{SIGUSR1, {}, chaining};
    send(SIGUSR1);
    CHILD_REQUIRE(depth == 2);
    CHILD_REQUIRE(arrived.are({SIGUSR1, SIGUSR1}));
  })));
}

BOOST_AUTO_TEST_CASE(it_keeps_its_restart) {
  BOOST_TEST(holds(in_resting_child([] {
    install(SIGUSR1, looks, SA_RESTART);
    const noting usr1{SIGUSR1, {}, chaining};
    int ends[2];
    CHILD_REQUIRE(pipe(ends) == 0);
    std::atomic<pid_t> id{0};
    std::thread reading{[&] {
      id = test::own_thread();
      char byte;
      CHILD_REQUIRE(read(ends[0], &byte, 1) == 1);
    }};
    while (id.load() == 0) sched_yield();
    test::await_sleep(id, [] { return false; });
    pthread_kill(reading.native_handle(), SIGUSR1);
    while (arrived.size() < 2) sched_yield();
    CHILD_REQUIRE(write(ends[1], "", 1) == 1);
    reading.join();
  })));
}

BOOST_AUTO_TEST_CASE(a_fault_inside_a_guard_is_chained_to_with_the_guard_in_force) {
  BOOST_TEST(holds(in_resting_child([] {
    const noting usr2{SIGUSR2, {}};
    install(
        SIGSEGV,
        [](int, siginfo_t*, void*) {
          send(SIGUSR2);
          CHILD_REQUIRE(arrived.are({SIGSEGV}));
        },
        0);
    const noting segv{SIGSEGV, {}, chaining};
    {
      const sigsafe::lazy::guard off;
      send(SIGSEGV);
      CHILD_REQUIRE(arrived.are({SIGSEGV}));
    }
    CHILD_REQUIRE(arrived.are({SIGSEGV, SIGUSR2}));
    arrived.clear();
    {
      const sigsafe::guard off;
      send(SIGSEGV);
      CHILD_REQUIRE(everything_blocked());
      CHILD_REQUIRE(arrived.are({SIGSEGV}));
    }
    CHILD_REQUIRE(arrived.are({SIGSEGV, SIGUSR2}));
  })));
}

BOOST_AUTO_TEST_SUITE_END()
