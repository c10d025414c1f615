#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/wake_signal.hpp>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/instructions.hpp>
#include <tests/support/sleeping.hpp>
#include <tests/support/syscalls.hpp>

namespace {

using sigsafe::signal_info;
using sigsafe::signal_set;

/// What ran, in order. A child begins with an empty one.
class journal {
 public:
  void add(int entry) noexcept { entries_[static_cast<std::size_t>(size_++)] = entry; }
  void clear() noexcept { size_ = 0; }
  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] bool is(const std::vector<int>& expected) const {
    return std::equal(expected.begin(), expected.end(), entries_, entries_ + size());
  }

 private:
  std::atomic<int> size_{0};
  std::atomic<int> entries_[256]{};
};

constinit journal ran;

struct notes {
  int label;
  void operator()() const noexcept { ran.add(label); }
};
using noting = sigsafe::handler<notes>;

constexpr int foreign = -1;

void foreign_plain(int) { ran.add(foreign); }

constinit siginfo_t foreign_saw{};
constinit void* foreign_context = nullptr;
void foreign_with_info(int, siginfo_t* info, void* context) {
  ran.add(foreign);
  foreign_saw = *info;
  foreign_context = context;
}

struct sigaction action_of(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return action;
}

struct sigaction plain_action(void (*function)(int), int flags = 0, signal_set mask = {}) {
  struct sigaction action{};
  action.sa_handler = function;
  action.sa_flags = flags;
  action.sa_mask = mask.native();
  return action;
}

struct sigaction info_action(void (*function)(int, siginfo_t*, void*), int flags = 0,
                             signal_set mask = {}) {
  struct sigaction action{};
  action.sa_sigaction = function;
  action.sa_flags = flags | SA_SIGINFO;
  action.sa_mask = mask.native();
  return action;
}

void install(int signal, const struct sigaction& action) {
  CHILD_REQUIRE(sigaction(signal, &action, nullptr) == 0);
}

// The C library adds a flag of its own whenever it installs something.
constexpr int flags_of_the_library = 0x04000000;

bool same(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_sigaction == b.sa_sigaction &&
         ((a.sa_flags ^ b.sa_flags) & ~flags_of_the_library) == 0 &&
         signal_set{a.sa_mask} == signal_set{b.sa_mask};
}

constinit struct sigaction found_by_foreign{};

// As many libraries do: it calls what it found when it was installed.
void foreign_that_chains(int signal, siginfo_t* info, void* context) {
  ran.add(foreign);
  if ((found_by_foreign.sa_flags & SA_SIGINFO) != 0)
    found_by_foreign.sa_sigaction(signal, info, context);
  else if (found_by_foreign.sa_handler != SIG_DFL && found_by_foreign.sa_handler != SIG_IGN)
    found_by_foreign.sa_handler(signal);
}

void install_foreign_that_chains(int signal) {
  const struct sigaction chaining = info_action(foreign_that_chains);
  CHILD_REQUIRE(sigaction(signal, &chaining, &found_by_foreign) == 0);
}

void queue_to_self(int signal, int value) {
  sigval sent{};
  sent.sival_int = value;
  CHILD_REQUIRE(sigqueue(getpid(), signal, sent) == 0);
}

/// Memory in pages of its own.
class pages {
 public:
  explicit pages(int protection)
      : memory_(mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    CHILD_REQUIRE(memory_ != MAP_FAILED);
  }
  pages(const pages&) = delete;
  pages& operator=(const pages&) = delete;
  ~pages() { munmap(memory_, size); }

  [[nodiscard]] char* begin() const { return static_cast<char*>(memory_); }
  [[nodiscard]] char* end() const { return begin() + size; }

  static constexpr std::size_t size = 256 * 1024;

 private:
  void* memory_;
};

using test::check_in_child;
using test::check_kills;

}  // namespace

BOOST_AUTO_TEST_SUITE(handler)

static_assert(!std::is_copy_constructible_v<noting> && !std::is_move_constructible_v<noting>);
static_assert(!std::is_copy_assignable_v<noting> && !std::is_move_assignable_v<noting>);

BOOST_AUTO_TEST_CASE(the_function_gets_the_signal_info) {
  check_in_child([] {
    int number = 0;
    int value = 0;
    pid_t sender = 0;
    const void* context = nullptr;
    sigsafe::handler on_usr1{SIGUSR1, [&](const signal_info& info) noexcept {
                               number = info.number();
                               value = info.value()->sival_int;
                               sender = *info.sender();
                               context = info.context();
                             }};
    queue_to_self(SIGUSR1, 42);
    CHILD_REQUIRE(number == SIGUSR1);
    CHILD_REQUIRE(value == 42);
    CHILD_REQUIRE(sender == getpid());
    CHILD_REQUIRE(context != nullptr);
  });
}

BOOST_AUTO_TEST_CASE(the_function_may_take_no_argument) {
  check_in_child([] {
    int calls = 0;
    sigsafe::handler on_usr1{SIGUSR1, [&calls]() noexcept { ++calls; }};
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHILD_REQUIRE(calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(the_function_may_take_the_number) {
  check_in_child([] {
    sigsafe::handler on_usr1{SIGUSR1, [](int signal) noexcept { ran.add(signal); }};
    sigsafe::handler on_usr2{SIGUSR2, [](long signal) noexcept { ran.add(int(signal)); }};
    raise(SIGUSR1);
    raise(SIGUSR2);
    CHILD_REQUIRE(ran.is({SIGUSR1, SIGUSR2}));
  });
}

BOOST_AUTO_TEST_CASE(a_function_that_can_be_called_several_ways_gets_what_tells_it_most) {
  struct plain_and_info {
    void operator()() const noexcept { ran.add(-1); }
    void operator()(const signal_info&) const noexcept { ran.add(1); }
  };
  struct plain_and_number {
    void operator()() const noexcept { ran.add(-2); }
    void operator()(int) const noexcept { ran.add(2); }
  };
  struct number_and_info {
    void operator()(int) const noexcept { ran.add(-3); }
    void operator()(const signal_info&) const noexcept { ran.add(3); }
  };
  check_in_child([] {
    sigsafe::handler fourth{SIGUSR1, [](const auto& argument) noexcept {
                              ran.add(std::is_same_v<decltype(argument), const signal_info&>);
                            }};
    sigsafe::handler third{SIGUSR1, number_and_info{}};
    sigsafe::handler second{SIGUSR1, plain_and_number{}};
    sigsafe::handler first{SIGUSR1, plain_and_info{}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, 2, 3, 1}));
  });
}

BOOST_AUTO_TEST_CASE(the_function_may_be_an_ordinary_function) {
  struct functions {
    static void with_info(const signal_info& info) noexcept { ran.add(info.number()); }
    static void without() noexcept { ran.add(0); }
  };
  check_in_child([] {
    sigsafe::handler without{SIGUSR1, &functions::without};
    sigsafe::handler with_info{SIGUSR1, functions::with_info};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({SIGUSR1, 0}));
  });
}

BOOST_AUTO_TEST_CASE(the_function_lies_in_the_handler_with_what_it_captured) {
  check_in_child([] {
    int seen = 0;
    // It cannot be copied, and it changes itself.
    sigsafe::handler on_usr1{
        SIGUSR1,
        [&seen, number = std::make_unique<int>(7)]() mutable noexcept { seen = ++*number; }};
    raise(SIGUSR1);
    CHILD_REQUIRE(seen == 8);
    raise(SIGUSR1);
    CHILD_REQUIRE(seen == 9);
  });
}

BOOST_AUTO_TEST_CASE(it_knows_its_number) {
  check_in_child([] {
    const noting on_hup{SIGHUP, notes{1}};
    const noting on_real_time{SIGRTMIN + 3, notes{1}};
    CHILD_REQUIRE(on_hup.number() == SIGHUP);
    CHILD_REQUIRE(on_real_time.number() == SIGRTMIN + 3);
  });
}

BOOST_AUTO_TEST_CASE(handlers_run_newest_first) {
  check_in_child([] {
    noting first{SIGUSR1, notes{1}};
    noting second{SIGUSR1, notes{2}};
    noting elsewhere{SIGUSR2, notes{9}};
    noting third{SIGUSR1, notes{3}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({3, 2, 1}));
    raise(SIGUSR2);
    CHILD_REQUIRE(ran.is({3, 2, 1, 9}));
  });
}

BOOST_AUTO_TEST_CASE(a_hundred_handlers_on_one_signal_run_once_each_newest_first) {
  check_in_child([] {
    std::deque<noting> handlers;
    for (int i = 0; i < 100; ++i) handlers.emplace_back(SIGUSR1, notes{i});
    for (int round = 0; round < 2; ++round) {
      ran.clear();
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.size() == 100);
      std::vector<int> expected(100);
      std::iota(expected.rbegin(), expected.rend(), 0);
      CHILD_REQUIRE(ran.is(expected));
    }
  });
}

BOOST_AUTO_TEST_CASE(the_cost_of_a_dispatch_does_not_grow_with_the_square_of_the_handlers) {
  const auto instructions = [](int handlers) {
    return test::count_instructions(
        [handlers] {
          std::deque<sigsafe::handler<void (*)() noexcept>> all;
          for (int i = 0; i < handlers; ++i) all.emplace_back(SIGUSR1, []() noexcept {});
          return all;
        },
        [](auto&) { raise(SIGUSR1); });
  };
  const long few = instructions(8);
  const long more = instructions(16);
  const long many = instructions(32);
  BOOST_TEST(more > few);
  BOOST_TEST(many - more < 2.2 * static_cast<double>(more - few));
}

BOOST_AUTO_TEST_CASE(three_handlers_may_be_destroyed_in_any_order) {
  check_in_child([] {
    const struct sigaction before = action_of(SIGUSR1);
    std::array order{1, 2, 3};
    do {
      std::optional<noting> handlers[4];
      std::vector<int> expected{3, 2, 1};
      for (int i : {1, 2, 3}) handlers[i].emplace(SIGUSR1, notes{i});
      for (int ending : order) {
        ran.clear();
        raise(SIGUSR1);
        CHILD_REQUIRE(ran.is(expected));
        handlers[ending].reset();
        std::erase(expected, ending);
      }
      CHILD_REQUIRE(same(action_of(SIGUSR1), before));
    } while (std::next_permutation(order.begin(), order.end()));
  });
}

BOOST_AUTO_TEST_CASE(every_signal_that_can_be_caught_can_be_handled) {
  check_in_child([] {
    for (int signal : signal_set::all() - signal_set{SIGKILL, SIGSTOP, sigsafe::wake_signal()}) {
      const struct sigaction before = action_of(signal);
      {
        noting handler{signal, notes{signal}};
        ran.clear();
        raise(signal);
        CHILD_REQUIRE(ran.is({signal}));
      }
      CHILD_REQUIRE(same(action_of(signal), before));
    }
  });
}

BOOST_AUTO_TEST_CASE(the_last_one_to_go_restores_a_foreign_handler_with_its_flags_and_mask) {
  check_in_child([] {
    const signal_set mask{SIGUSR2, SIGHUP, SIGRTMIN + 1};
    const struct sigaction before[] = {
        plain_action(foreign_plain),
        plain_action(foreign_plain, SA_RESTART | SA_NODEFER | SA_ONSTACK, mask),
        plain_action(foreign_plain, static_cast<int>(SA_RESETHAND), mask),
        info_action(foreign_with_info),
        info_action(foreign_with_info, SA_NODEFER | SA_NOCLDSTOP | SA_NOCLDWAIT, mask),
        info_action(foreign_with_info, static_cast<int>(SA_RESETHAND | SA_RESTART), mask),
    };
    for (const struct sigaction& action : before) {
      install(SIGCHLD, action);
      {
        noting first{SIGCHLD, notes{1}};
        noting second{SIGCHLD, notes{2}, {.alternate_stack = true, .restart = true}};
        raise(SIGCHLD);
      }
      CHILD_REQUIRE(same(action_of(SIGCHLD), action));
      CHILD_REQUIRE(ran.is({2, 1}));
      raise(SIGCHLD);
      CHILD_REQUIRE(ran.is({2, 1, foreign}));
      ran.clear();
    }
  });
}

BOOST_AUTO_TEST_CASE(the_last_one_to_go_restores_that_the_signal_is_ignored) {
  check_in_child([] {
    signal(SIGUSR1, SIG_IGN);
    { noting on_usr1{SIGUSR1, notes{1}}; }
    CHILD_REQUIRE(action_of(SIGUSR1).sa_handler == SIG_IGN);
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({}));
  });
}

BOOST_AUTO_TEST_CASE(the_last_one_to_go_restores_the_default_action) {
  check_kills(SIGUSR1, [] {
    { noting on_usr1{SIGUSR1, notes{1}}; }
    CHILD_REQUIRE(action_of(SIGUSR1).sa_handler == SIG_DFL);
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(what_replaced_it_meanwhile_is_left_alone) {
  check_in_child([] {
    const struct sigaction theirs = info_action(foreign_with_info, SA_NODEFER, {SIGHUP});
    {
      std::optional<noting> first{std::in_place, SIGUSR1, notes{1}};
      noting second{SIGUSR1, notes{2}, {.restart = true}};
      install(SIGUSR1, theirs);
      first.reset();  // not the last one
      CHILD_REQUIRE(same(action_of(SIGUSR1), theirs));
    }
    CHILD_REQUIRE(same(action_of(SIGUSR1), theirs));
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({foreign}));
    // It is now what stood there before the next one.
    {
      noting again{SIGUSR1, notes{3}};
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({foreign, 3}));
    }
    CHILD_REQUIRE(same(action_of(SIGUSR1), theirs));
  });
}

BOOST_AUTO_TEST_CASE(a_new_one_takes_the_signal_back_from_what_replaced_an_older_one) {
  check_in_child([] {
    noting first{SIGUSR1, notes{1}};
    install(SIGUSR1, plain_action(foreign_plain));
    noting second{SIGUSR1, notes{2}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({2, 1}));
  });
}

BOOST_AUTO_TEST_CASE(a_signal_can_be_handled_again_after_a_removal) {
  check_in_child([] {
    install(SIGUSR1, plain_action(foreign_plain));
    for (int i = 1; i <= 3; ++i) {
      ran.clear();
      noting on_usr1{SIGUSR1, notes{i}};
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({i}));
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({3, foreign}));
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_can_call_what_it_found) {
  check_in_child([] {
    noting first{SIGUSR1, notes{1}};
    noting second{SIGUSR1, notes{2}};
    install_foreign_that_chains(SIGUSR1);
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({foreign, 2, 1}));
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_that_calls_what_it_found_reaches_what_stood_there_before) {
  check_in_child([] {
    struct original {
      static void function(int) { ran.add(-2); }
    };
    install(SIGUSR1, plain_action(original::function));
    {
      noting on_usr1{SIGUSR1, notes{1}};
      install_foreign_that_chains(SIGUSR1);
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({foreign, -2}));
  });
  check_in_child([] {
    signal(SIGUSR1, SIG_IGN);
    {
      noting on_usr1{SIGUSR1, notes{1}};
      install_foreign_that_chains(SIGUSR1);
    }
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({foreign}));
  });
  check_kills(SIGUSR1, [] {
    {
      noting on_usr1{SIGUSR1, notes{1}};
      install_foreign_that_chains(SIGUSR1);
    }
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_handler_between_two_of_ours_runs_once_after_they_have_gone) {
  struct original {
    static void function(int) { ran.add(-2); }
  };
  for (bool at_the_same_time : {true, false})
    check_in_child([&] {
      install(SIGUSR1, plain_action(original::function));
      {
        std::optional<noting> older{std::in_place, SIGUSR1, notes{1}};
        install_foreign_that_chains(SIGUSR1);
        if (!at_the_same_time) older.reset();
        noting newer{SIGUSR1, notes{2}};
        older.reset();
        raise(SIGUSR1);
        CHILD_REQUIRE(ran.is({2}));
      }
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({2, foreign, -2}));
    });
}

BOOST_AUTO_TEST_CASE(the_function_runs_with_the_maskable_set_blocked_and_no_fault) {
  check_in_child([] {
    signal_set inside;
    sigsafe::handler on_usr1{SIGUSR1, [&]() noexcept { inside = signal_set::blocked(); }};
    raise(SIGUSR1);
    CHILD_REQUIRE(inside == signal_set::maskable());
    CHILD_REQUIRE(signal_set::blocked().empty());

    // Deferred, it runs at the release of the guard.
    inside.clear();
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(inside == signal_set::maskable());
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(no_other_handler_runs_before_the_function_returns) {
  check_in_child([] {
    noting on_usr2{SIGUSR2, notes{2}};
    noting on_real_time{SIGRTMAX, notes{3}};
    sigsafe::handler on_usr1{SIGUSR1, []() noexcept {
                               if (ran.size() == 0) {
                                 raise(SIGRTMAX);
                                 raise(SIGUSR2);
                                 raise(SIGUSR1);
                               }
                               ran.add(1);
                             }};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, 1, 2, 3}));
  });
}

BOOST_AUTO_TEST_CASE(the_mask_afterwards_is_that_of_the_program) {
  check_in_child([] {
    const signal_set mask{SIGHUP, SIGRTMIN};
    const sigset_t native = mask.native();
    pthread_sigmask(SIG_SETMASK, &native, nullptr);
    {
      noting on_usr1{SIGUSR1, notes{1}};
      CHILD_REQUIRE(signal_set::blocked() == mask);
      raise(SIGUSR1);
      CHILD_REQUIRE(signal_set::blocked() == mask);
      {
        const sigsafe::lazy::guard off;
        raise(SIGUSR1);
      }
      CHILD_REQUIRE(signal_set::blocked() == mask);
      CHILD_REQUIRE(ran.is({1, 1}));
    }
    CHILD_REQUIRE(signal_set::blocked() == mask);
  });
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  check_in_child([] {
    sigsafe::handler on_usr1{SIGUSR1, []() noexcept {
                               ran.add(1);
                               errno = EXDEV;
                             }};
    errno = ENOTTY;
    raise(SIGUSR1);
    CHILD_REQUIRE(errno == ENOTTY);
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(errno == ENOTTY);
    {
      const sigsafe::guard off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(errno == ENOTTY);
    CHILD_REQUIRE(ran.is({1, 1, 1}));
  });
}

BOOST_AUTO_TEST_CASE(a_guard_inside_the_function_costs_no_system_call) {
  const auto calls = [](auto inside) {
    return test::count_system_calls([inside] { return sigsafe::handler{SIGUSR1, inside}; },
                                    [](auto&) { raise(SIGUSR1); });
  };
  const long without = calls([]() noexcept {});
  BOOST_TEST(without > 0);
  BOOST_TEST(calls([]() noexcept { const sigsafe::guard off; }) == without);
  BOOST_TEST(calls([]() noexcept { const sigsafe::lazy::guard off; }) == without);
}

BOOST_AUTO_TEST_CASE(the_release_of_a_guard_inside_the_function_unblocks_nothing) {
  check_in_child([] {
    noting on_usr2{SIGUSR2, notes{2}};
    sigsafe::handler on_usr1{SIGUSR1, []() noexcept {
                               raise(SIGUSR2);
                               { const sigsafe::guard off; }
                               { const sigsafe::lazy::guard off; }
                               if (signal_set::blocked() == signal_set::maskable()) ran.add(1);
                             }};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, 2}));
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(ran.is({1, 2, 1, 2}));
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(a_fault_does_not_wait_for_the_release_of_a_guard) {
  check_in_child([] {
    const pages memory{PROT_NONE};
    volatile char* const first = memory.begin();
    sigsafe::handler on_fault{SIGSEGV, [&](const signal_info& info) noexcept {
                                if (info.faulted()->address != memory.begin()) _exit(2);
                                mprotect(memory.begin(), pages::size, PROT_READ | PROT_WRITE);
                                ran.add(SIGSEGV);
                              }};
    const auto fault = [&] {
      ran.clear();
      mprotect(memory.begin(), pages::size, PROT_NONE);
      *first = 1;
      CHILD_REQUIRE(ran.is({SIGSEGV}));
    };
    fault();
    {
      const sigsafe::lazy::guard off;
      fault();
    }
    {
      const sigsafe::guard off;
      fault();
    }
    sigsafe::handler on_usr1{SIGUSR1, [&]() noexcept { fault(); }};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({SIGSEGV}));
  });
}

BOOST_AUTO_TEST_CASE(an_abort_does_not_wait_for_the_release_of_a_guard) {
  const test::child_end end = test::in_child([] {
    sigsafe::handler on_abort{SIGABRT, []() noexcept { dprintf(STDERR_FILENO, "handled"); }};
    const sigsafe::lazy::guard off;
    const sigsafe::guard all_off;
    abort();
  });
  BOOST_CHECK_MESSAGE(end.killed_by(SIGABRT) && end.errors == "handled", end);
}

BOOST_AUTO_TEST_CASE(queued_signals_all_come_with_their_values) {
  check_in_child([] {
    sigsafe::handler on_real_time{
        SIGRTMIN, [](const signal_info& info) noexcept { ran.add(info.value()->sival_int); }};
    {
      const sigsafe::guard off;
      for (int value : {7, 8, 9}) queue_to_self(SIGRTMIN, value);
      CHILD_REQUIRE(ran.is({}));
    }
    CHILD_REQUIRE(ran.is({7, 8, 9}));
    {
      const sigsafe::lazy::guard off;
      for (int value : {4, 5, 6}) queue_to_self(SIGRTMIN, value);
      CHILD_REQUIRE(ran.is({7, 8, 9}));
    }
    CHILD_REQUIRE(ran.is({7, 8, 9, 4, 5, 6}));
  });
}

namespace {

using simple = sigsafe::handler<void (*)() noexcept>;

constinit simple* ended_inside = nullptr;

void end_it() noexcept {
  ran.add(1);
  delete std::exchange(ended_inside, nullptr);
}

template <class F>
void check_panics_at(unsigned line, F function) {
  const test::child_end end = test::in_child(function);
  const std::string text =
      __FILE__ ":" + std::to_string(line) +
      ": a handler was destroyed inside itself and would wait for its own return; "
      "let it return first: set a flag in it and destroy it outside. It was "
      "registered here\n";
  BOOST_CHECK_MESSAGE(end.panicked_with(text), end);
}

}  // namespace

BOOST_AUTO_TEST_CASE(it_panics_when_it_is_destroyed_inside_itself) {
  check_panics_at(__LINE__ + 1, [] {
    ended_inside = new simple{SIGUSR1, &end_it};
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(it_panics_when_it_is_destroyed_inside_itself_at_the_release_of_a_lazy_guard) {
  check_panics_at(__LINE__ + 1, [] {
    ended_inside = new simple{SIGUSR1, &end_it};
    const sigsafe::lazy::guard off;
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(it_panics_when_it_is_destroyed_inside_a_handler_that_interrupted_it) {
  check_panics_at(__LINE__ + 2, [] {
    simple on_trap{SIGTRAP, &end_it};  // a fault, which may interrupt a handler
    ended_inside = new simple{SIGUSR1, []() noexcept { raise(SIGTRAP); }};
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(it_panics_when_it_is_destroyed_inside_what_it_chains_to_from_inside) {
  check_panics_at(__LINE__ + 5, [] {
    struct foreign_ending {
      static void function(int) { end_it(); }
    };
    install(SIGTRAP, plain_action(foreign_ending::function));
    ended_inside = new simple{SIGUSR1, []() noexcept { raise(SIGTRAP); }};
    simple on_trap{SIGTRAP, []() noexcept {}, {.chain = true}};
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(it_may_be_destroyed_inside_another_handler_of_its_signal) {
  // An older one that has not run yet does not run any more.
  check_in_child([] {
    ended_inside = new simple{SIGUSR1, []() noexcept { ran.add(2); }};
    simple ending{SIGUSR1, &end_it};
    for (int i = 0; i < 2; ++i) raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, 1}));
  });
  // A newer one has run.
  check_in_child([] {
    simple ending{SIGUSR1, &end_it};
    ended_inside = new simple{SIGUSR1, []() noexcept { ran.add(2); }};
    for (int i = 0; i < 2; ++i) raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({2, 1, 1}));
  });
  // With one older still.
  check_in_child([] {
    noting oldest{SIGUSR1, notes{3}};
    ended_inside = new simple{SIGUSR1, []() noexcept { ran.add(2); }};
    simple ending{SIGUSR1, &end_it};
    for (int i = 0; i < 2; ++i) raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, 3, 1, 3}));
  });
}

BOOST_AUTO_TEST_CASE(it_may_be_destroyed_inside_a_handler_of_another_signal) {
  check_in_child([] {
    simple ending{SIGUSR1, &end_it};
    ended_inside = new simple{SIGUSR2, []() noexcept { ran.add(2); }};
    signal(SIGUSR2, SIG_IGN);  // taken back by the next one
    simple another{SIGUSR2, []() noexcept { ran.add(3); }};
    raise(SIGUSR2);
    CHILD_REQUIRE(ran.is({3, 2}));
    raise(SIGUSR1);
    raise(SIGUSR2);
    CHILD_REQUIRE(ran.is({3, 2, 1, 3}));
  });
}

BOOST_AUTO_TEST_CASE(one_that_is_registered_inside_another_runs_from_the_next_signal_on) {
  check_in_child([] {
    std::optional<noting> begun;
    sigsafe::handler beginning{SIGUSR1, [&]() noexcept {
                                 ran.add(1);
                                 if (!begun) begun.emplace(SIGUSR1, notes{2});
                               }};
    noting newest{SIGUSR1, notes{3}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({3, 1}));
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({3, 1, 2, 3, 1}));
  });
}

BOOST_AUTO_TEST_CASE(a_deferred_signal_runs_all_handlers_newest_first) {
  check_in_child([] {
    noting first{SIGUSR1, notes{1}};
    noting second{SIGUSR1, notes{2}};
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({}));
    }
    CHILD_REQUIRE(ran.is({2, 1}));
  });
}

BOOST_AUTO_TEST_CASE(a_deferred_signal_does_not_run_one_that_was_destroyed_meanwhile) {
  check_in_child([] {
    std::optional<noting> first{std::in_place, SIGUSR1, notes{1}};
    std::optional<noting> second{std::in_place, SIGUSR1, notes{2}};
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      second.reset();
    }
    CHILD_REQUIRE(ran.is({1}));
  });
}

BOOST_AUTO_TEST_CASE(a_deferred_signal_runs_one_that_began_meanwhile) {
  check_in_child([] {
    std::optional<noting> first{std::in_place, SIGUSR1, notes{1}};
    std::optional<noting> later;
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      later.emplace(SIGUSR1, notes{2});
    }
    CHILD_REQUIRE(ran.is({2, 1}));
    ran.clear();
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      first.reset();
      later.reset();
      first.emplace(SIGUSR1, notes{3});
    }
    CHILD_REQUIRE(ran.is({3}));
  });
}

namespace {

// A signal that is deferred, whose handler has ended before the guard does.
template <class Before>
void defer_without_handler(Before before) {
  before();
  std::optional<noting> on_usr1{std::in_place, SIGUSR1, notes{1}};
  const sigsafe::lazy::guard off;
  queue_to_self(SIGUSR1, 42);
  on_usr1.reset();
  CHILD_REQUIRE(ran.is({}));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_deferred_signal_without_handlers_gets_the_disposition_then_in_force) {
  check_in_child([] {
    defer_without_handler([] { install(SIGUSR1, info_action(foreign_with_info)); });
    CHILD_REQUIRE(ran.is({foreign}));
    CHILD_REQUIRE(foreign_saw.si_signo == SIGUSR1);
    CHILD_REQUIRE(foreign_saw.si_code == SI_QUEUE);
    CHILD_REQUIRE(foreign_saw.si_value.sival_int == 42);
    CHILD_REQUIRE(foreign_saw.si_pid == getpid());
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
  check_in_child([] {
    defer_without_handler([] { signal(SIGUSR1, SIG_IGN); });
    CHILD_REQUIRE(ran.is({}));
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
  check_kills(SIGUSR1, [] { defer_without_handler([] {}); });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(handler_options)

namespace {

/// Interrupts a thread that sleeps in read(2). Returns the error that this gave it, or 0 when it
/// went on reading.
int error_of_interrupted_read() {
  int ends[2];
  CHILD_REQUIRE(pipe(ends) == 0);
  std::atomic<pid_t> number{0};
  int error = 0;
  std::thread reader{[&] {
    number = gettid();
    number.notify_one();
    char byte;
    if (read(ends[0], &byte, 1) < 0) error = errno;
  }};
  number.wait(0);
  test::await_sleep(number, [] { return false; });
  const int before = ran.size();
  pthread_kill(reader.native_handle(), SIGUSR1);
  while (ran.size() == before) sched_yield();
  CHILD_REQUIRE(write(ends[1], "", 1) == 1);
  reader.join();
  close(ends[0]);
  close(ends[1]);
  return error;
}

int flags_of(int signal) { return action_of(signal).sa_flags; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_system_call_fails_with_eintr_by_default) {
  check_in_child([] {
    noting on_usr1{SIGUSR1, notes{1}};
    CHILD_REQUIRE((flags_of(SIGUSR1) & SA_RESTART) == 0);
    CHILD_REQUIRE(error_of_interrupted_read() == EINTR);
    CHILD_REQUIRE(ran.is({1}));
  });
}

BOOST_AUTO_TEST_CASE(a_system_call_goes_on_with_restart) {
  check_in_child([] {
    noting on_usr1{SIGUSR1, notes{1}, {.restart = true}};
    CHILD_REQUIRE((flags_of(SIGUSR1) & SA_RESTART) != 0);
    CHILD_REQUIRE(error_of_interrupted_read() == 0);
    CHILD_REQUIRE(ran.is({1}));
  });
}

BOOST_AUTO_TEST_CASE(all_handlers_of_a_signal_must_agree_on_restart) {
  check_in_child([] {
    std::optional<noting> first{std::in_place, SIGUSR1, notes{1},
                                sigsafe::handler_options{.restart = true}};
    noting elsewhere{SIGUSR2, notes{9}};
    CHILD_REQUIRE(error_of_interrupted_read() == 0);
    std::optional<noting> second{std::in_place, SIGUSR1, notes{2}};
    CHILD_REQUIRE(error_of_interrupted_read() == EINTR);
    noting third{SIGUSR1, notes{3}, {.restart = true}};
    CHILD_REQUIRE(error_of_interrupted_read() == EINTR);
    second.reset();
    CHILD_REQUIRE(error_of_interrupted_read() == 0);
    second.emplace(SIGUSR1, notes{2});
    CHILD_REQUIRE(error_of_interrupted_read() == EINTR);
    first.reset();
    CHILD_REQUIRE(error_of_interrupted_read() == EINTR);
    second.reset();
    CHILD_REQUIRE(error_of_interrupted_read() == 0);
  });
}

namespace {

struct notes_stack {
  std::atomic<const void*>* frame;
  void operator()() const noexcept { *frame = __builtin_frame_address(0); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(alternate_stack_is_where_the_function_runs) {
  check_in_child([] {
    const pages stack{PROT_READ | PROT_WRITE};
    stack_t alternate{};
    alternate.ss_sp = stack.begin();
    alternate.ss_size = pages::size;
    CHILD_REQUIRE(sigaltstack(&alternate, nullptr) == 0);

    std::atomic<const void*> frame{nullptr};
    const auto ran_on_it = [&] {
      frame = nullptr;
      raise(SIGUSR1);
      CHILD_REQUIRE(frame != nullptr);
      const void* const where = frame;
      return where >= stack.begin() && where < stack.end();
    };
    using noting_stack = sigsafe::handler<notes_stack>;
    std::optional<noting_stack> without{std::in_place, SIGUSR1, notes_stack{&frame}};
    CHILD_REQUIRE(!ran_on_it());
    // The stack is the kernel's choice for all of them: one that wants it is enough.
    std::optional<noting> with{std::in_place, SIGUSR1, notes{1},
                               sigsafe::handler_options{.alternate_stack = true}};
    CHILD_REQUIRE(ran_on_it());
    with.reset();
    CHILD_REQUIRE(!ran_on_it());
    without.reset();
    noting_stack alone{SIGUSR1, notes_stack{&frame}, {.alternate_stack = true}};
    CHILD_REQUIRE(ran_on_it());

    // A deferred one too: it comes again when the guard is released.
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
      frame = nullptr;
    }
    const void* const where = frame;
    CHILD_REQUIRE(where >= stack.begin() && where < stack.end());

    alternate.ss_flags = SS_DISABLE;
    CHILD_REQUIRE(sigaltstack(&alternate, nullptr) == 0);
    CHILD_REQUIRE(!ran_on_it());
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_runs_a_handler_by_default) {
  check_in_child([] {
    noting on_hup{SIGHUP, notes{1}};
    const pid_t child = fork();
    if (child == 0) {
      raise(SIGHUP);
      _exit(ran.is({1}) ? 0 : 1);
    }
    CHILD_REQUIRE(test::status_of(child) == 0);
  });
}

BOOST_AUTO_TEST_CASE(nothing_is_chained_by_default) {
  check_in_child([] {
    install(SIGUSR1, plain_action(foreign_plain));
    noting on_usr1{SIGUSR1, notes{1}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1}));
  });
  check_in_child([] {
    noting on_term{SIGTERM, notes{1}};
    raise(SIGTERM);
    CHILD_REQUIRE(ran.is({1}));
  });
}

BOOST_AUTO_TEST_CASE(chain_calls_a_foreign_handler_after_all_of_ours) {
  check_in_child([] {
    install(SIGUSR1, plain_action(foreign_plain));
    noting first{SIGUSR1, notes{1}};
    {
      noting second{SIGUSR1, notes{2}, {.chain = true}};
      noting third{SIGUSR1, notes{3}};
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({3, 2, 1, foreign}));
      // Once, also when several ask for it.
      noting fourth{SIGUSR1, notes{4}, {.chain = true}};
      ran.clear();
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({4, 3, 2, 1, foreign}));
    }
    ran.clear();
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1}));
  });
}

BOOST_AUTO_TEST_CASE(chain_gives_a_foreign_handler_the_same_information) {
  check_in_child([] {
    install(SIGUSR1, info_action(foreign_with_info));
    const void* context = nullptr;
    sigsafe::handler on_usr1{SIGUSR1,
                             [&](const signal_info& info) noexcept {
                               ran.add(1);
                               context = info.context();
                             },
                             {.chain = true}};
    queue_to_self(SIGUSR1, 42);
    CHILD_REQUIRE(ran.is({1, foreign}));
    CHILD_REQUIRE(foreign_saw.si_signo == SIGUSR1);
    CHILD_REQUIRE(foreign_saw.si_value.sival_int == 42);
    CHILD_REQUIRE(foreign_context == context && context != nullptr);

    // Deferred, it has no context to show, but the rest.
    {
      const sigsafe::lazy::guard off;
      queue_to_self(SIGUSR1, 43);
      CHILD_REQUIRE(ran.is({1, foreign}));
    }
    CHILD_REQUIRE(ran.is({1, foreign, 1, foreign}));
    CHILD_REQUIRE(foreign_saw.si_value.sival_int == 43);
  });
}

BOOST_AUTO_TEST_CASE(chain_calls_a_one_shot_handler_once) {
  constexpr int one_shot = static_cast<int>(SA_RESETHAND);
  check_in_child([] {  // the default action of SIGWINCH is to ignore it
    install(SIGWINCH, plain_action(foreign_plain, one_shot));
    {
      noting on_winch{SIGWINCH, notes{1}, {.chain = true}};
      for (int i = 0; i < 3; ++i) raise(SIGWINCH);
      CHILD_REQUIRE(ran.is({1, foreign, 1, 1}));
    }
    CHILD_REQUIRE(action_of(SIGWINCH).sa_handler == SIG_DFL);
  });
  check_in_child([] {  // the next one is as good as new
    install(SIGWINCH, plain_action(foreign_plain, one_shot));
    {
      noting on_winch{SIGWINCH, notes{1}, {.chain = true}};
      raise(SIGWINCH);
    }
    install(SIGWINCH, plain_action(foreign_plain));
    noting on_winch{SIGWINCH, notes{1}, {.chain = true}};
    for (int i = 0; i < 2; ++i) raise(SIGWINCH);
    CHILD_REQUIRE(ran.is({1, foreign, 1, foreign, 1, foreign}));
  });
  check_kills(SIGUSR1, [] {
    install(SIGUSR1, plain_action(foreign_plain, one_shot));
    noting on_usr1{SIGUSR1, notes{1}, {.chain = true}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, foreign}));
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(chain_does_nothing_when_the_signal_was_ignored) {
  check_in_child([] {
    signal(SIGTERM, SIG_IGN);
    noting on_term{SIGTERM, notes{1}, {.chain = true}};
    raise(SIGTERM);
    CHILD_REQUIRE(ran.is({1}));
  });
}

BOOST_AUTO_TEST_CASE(chain_takes_the_default_action) {
  for (int number : {SIGTERM, SIGHUP, SIGALRM, SIGQUIT, SIGRTMIN + 1}) {
    const test::child_end end = test::in_child([number] {
      signal(number, SIG_DFL);  // nohup and shells start programs with some of them ignored
      sigsafe::handler handler{
          number, []() noexcept { dprintf(STDERR_FILENO, "handled"); }, {.chain = true}};
      raise(number);
    });
    BOOST_CHECK_MESSAGE(end.killed_by(number) && end.errors == "handled", end);
  }
}

BOOST_AUTO_TEST_CASE(chain_takes_the_default_action_at_the_release_of_a_lazy_guard) {
  const test::child_end end = test::in_child([] {
    noting handler{SIGTERM, notes{1}, {.chain = true}};
    {
      const sigsafe::lazy::guard off;
      raise(SIGTERM);
      dprintf(STDERR_FILENO, "deferred");
    }
    dprintf(STDERR_FILENO, " and survived");
  });
  BOOST_CHECK_MESSAGE(end.killed_by(SIGTERM) && end.errors == "deferred", end);
}

BOOST_AUTO_TEST_CASE(chain_does_nothing_where_the_default_action_is_to_ignore) {
  check_in_child([] {
    for (int signal : {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}) {
      noting handler{signal, notes{signal}, {.chain = true}};
      ran.clear();
      raise(signal);
      raise(signal);
      CHILD_REQUIRE(ran.is({signal, signal}));
    }
  });
}

BOOST_AUTO_TEST_CASE(chain_lets_a_fault_kill) {
  const test::child_end end = test::in_child([] {
    signal(SIGSEGV, SIG_DFL);  // a sanitizer has its own
    const pages memory{PROT_NONE};
    volatile char* const first = memory.begin();
    sigsafe::handler on_fault{
        SIGSEGV, []() noexcept { dprintf(STDERR_FILENO, "handled"); }, {.chain = true}};
    *first = 1;
  });
  BOOST_CHECK_MESSAGE(end.killed_by(SIGSEGV) && end.errors == "handled", end);
}

BOOST_AUTO_TEST_CASE(chain_lets_an_abort_kill) {
  const test::child_end end = test::in_child([] {
    sigsafe::handler on_abort{
        SIGABRT, []() noexcept { dprintf(STDERR_FILENO, "handled"); }, {.chain = true}};
    abort();
  });
  BOOST_CHECK_MESSAGE(end.killed_by(SIGABRT) && end.errors == "handled", end);
}

namespace {

/// Runs function in a child of the child that may be stopped, and demands that it stops so often.
template <class F>
void check_stops(int stops, F function) {
  check_in_child([&] {
    const pid_t stopping = fork();
    CHILD_REQUIRE(stopping >= 0);
    if (stopping == 0) {
      // In a group of its own, whose parent is in another one: an orphaned group is not stopped.
      setpgid(0, 0);
      signal(SIGTSTP, SIG_DFL);
      function();
      _exit(42);
    }
    int status = 0;
    for (int i = 0; i < stops; ++i) {
      status = test::status_of(stopping, WUNTRACED);
      CHILD_REQUIRE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
      kill(stopping, SIGCONT);
    }
    status = test::status_of(stopping, WUNTRACED);
    CHILD_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  });
}

/// Calls what it found, which has been sigsafe, and notes whether the mask is the same afterwards.
void foreign_that_compares_masks(int signal, siginfo_t* info, void* context) {
  const signal_set mask = signal_set::blocked();
  foreign_that_chains(signal, info, context);
  if (signal_set::blocked() == mask) ran.add(1);
}

// A foreign handler that has replaced one of ours, which has ended since.
struct sigaction install_foreign_alone() {
  const noting on_stop{SIGTSTP, notes{2}};
  const struct sigaction action = info_action(foreign_that_compares_masks, 0, {SIGUSR2});
  CHILD_REQUIRE(sigaction(SIGTSTP, &action, &found_by_foreign) == 0);
  return action;
}

}  // namespace

BOOST_AUTO_TEST_CASE(chain_stops_the_process_and_it_goes_on_handling_when_continued) {
  check_stops(3, [] {
    const noting on_stop{SIGTSTP, notes{1}, {.chain = true}};
    for (int stops = 1; stops <= 2; ++stops) {
      raise(SIGTSTP);
      CHILD_REQUIRE(ran.size() == stops);
      CHILD_REQUIRE(signal_set::blocked().empty());
    }
    {
      const sigsafe::lazy::guard off;
      raise(SIGTSTP);
    }
    CHILD_REQUIRE(ran.is({1, 1, 1}));
    CHILD_REQUIRE(signal_set::blocked().empty());
  });
}

BOOST_AUTO_TEST_CASE(a_stop_leaves_the_mask_of_a_foreign_handler_that_calls_us) {
  check_stops(1, [] {
    install_foreign_alone();
    raise(SIGTSTP);
    CHILD_REQUIRE(ran.is({foreign, 1}));
  });
}

BOOST_AUTO_TEST_CASE(a_stop_leaves_a_foreign_handler_that_calls_us_in_place) {
  check_stops(2, [] {
    const struct sigaction theirs = install_foreign_alone();
    for (int stops = 0; stops < 2; ++stops) {
      raise(SIGTSTP);
      CHILD_REQUIRE(same(action_of(SIGTSTP), theirs));
    }
    CHILD_REQUIRE(ran.is({foreign, 1, foreign, 1}));
  });
}

BOOST_AUTO_TEST_CASE(chain_to_a_foreign_handler_that_calls_us_does_not_go_round_in_circles) {
  check_in_child([] {
    noting older{SIGUSR1, notes{1}, {.chain = true}};
    install_foreign_that_chains(SIGUSR1);
    noting newer{SIGUSR1, notes{2}, {.chain = true}};
    for (int i = 0; i < 2; ++i) {
      ran.clear();
      raise(SIGUSR1);
      CHILD_REQUIRE(ran.is({2, 1, foreign}));
    }
    ran.clear();
    {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
    }
    CHILD_REQUIRE(ran.is({2, 1, foreign}));
  });
}

BOOST_AUTO_TEST_CASE(chaining_of_one_signal_does_not_hold_up_another) {
  struct raising {
    static void function(int) {
      ran.add(foreign);
      raise(SIGTRAP);
    }
  };
  check_in_child([] {
    install(SIGUSR1, plain_action(raising::function));
    noting on_usr1{SIGUSR1, notes{1}, {.chain = true}};
    noting on_trap{SIGTRAP, notes{2}};
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1, foreign, 2}));
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(handler_errors)

namespace {

/// What the kernel knows of all signals, as bytes, and the mask.
class state_of_signals {
 public:
  state_of_signals() {
    for (int signal = 1; signal <= 64; ++signal)
      CHILD_REQUIRE(syscall(SYS_rt_sigaction, signal, nullptr, actions_[signal - 1], 8) == 0);
  }
  friend bool operator==(const state_of_signals&, const state_of_signals&) = default;

 private:
  unsigned char actions_[64][64] = {};
  signal_set mask_ = signal_set::blocked();
};

std::system_error refusal_of(int signal) {
  try {
    noting refused{signal, notes{1}};
  } catch (const std::system_error& error) {
    return error;
  }
  test::fail_child(__FILE__, __LINE__, "the signal is refused");
}

void check_refused(int signal, const std::string& text) {
  BOOST_TEST_CONTEXT("signal " << signal)
  check_in_child([&] {
    noting on_usr1{SIGUSR1, notes{1}};
    const state_of_signals before;
    const std::system_error error = refusal_of(signal);
    CHILD_REQUIRE(state_of_signals{} == before);
    dprintf(STDERR_FILENO, "%s", error.what());
    CHILD_REQUIRE(error.code() == std::errc::invalid_argument);
    CHILD_REQUIRE(error.code().category() == std::generic_category());
    CHILD_REQUIRE(error.what() == text + ": Invalid argument");
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({1}));
    noting another{SIGUSR2, notes{2}};
    raise(SIGUSR2);
    CHILD_REQUIRE(ran.is({1, 2}));
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_signal_that_cannot_be_caught_is_refused) {
  check_refused(
      SIGKILL,
      "sigsafe: cannot handle signal 9 (SIGKILL): no process can catch it; use SIGTERM for a "
      "stop that can be handled");
  check_refused(
      SIGSTOP,
      "sigsafe: cannot handle signal 19 (SIGSTOP): no process can catch it; use SIGTSTP for "
      "a stop that can be handled");
}

BOOST_AUTO_TEST_CASE(a_number_that_is_no_signal_is_refused) {
  for (int signal : {0, -1, 65, 99, 1 << 30, std::numeric_limits<int>::min()})
    check_refused(signal, "sigsafe: cannot handle signal " + std::to_string(signal) +
                              ": signals have the numbers 1 to 64");
}

BOOST_AUTO_TEST_CASE(a_signal_of_the_c_library_is_refused) {
  for (int signal : {32, 33})
    check_refused(signal, "sigsafe: cannot handle signal " + std::to_string(signal) +
                              ": the C library keeps it for itself; use SIGRTMIN to SIGRTMAX");
}

namespace {

/// From now on the kernel refuses a system call to this process, where one of its arguments is
/// below a limit, and another one is not 0.
void refuse_system_call(unsigned call, int error, unsigned small_argument, unsigned limit,
                        unsigned nonzero_argument) {
  const auto argument = [](unsigned index) {
    return static_cast<unsigned>(offsetof(seccomp_data, args) + index * 8);
  };
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(small_argument)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, limit, 3, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(nonzero_argument)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  CHILD_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

void check_fails_with(std::errc code, const std::string& text) {
  const state_of_signals before;
  const std::system_error error = refusal_of(SIGUSR1);
  CHILD_REQUIRE(state_of_signals{} == before);
  dprintf(STDERR_FILENO, "%s", error.what());
  CHILD_REQUIRE(error.code() == code);
  CHILD_REQUIRE(std::string{error.what()}.starts_with(text + ": "));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_kernel_that_cannot_tell_processes_apart_is_reported) {
  check_in_child([] {
    refuse_system_call(SYS_madvise, EINVAL, 2, MADV_WIPEONFORK + 1, 2);
    check_fails_with(std::errc::invalid_argument,
                     "sigsafe: the kernel has no MADV_WIPEONFORK; Linux 4.14 or newer is needed");
  });
}

BOOST_AUTO_TEST_CASE(a_lack_of_memory_is_reported) {
  check_in_child([] {
#if defined(SYS_mmap2)
    constexpr long call = SYS_mmap2;
#else
    constexpr long call = SYS_mmap;
#endif
    refuse_system_call(call, ENOMEM, 1, 4096, 1);  // the library's is below a page
    check_fails_with(std::errc::not_enough_memory,
                     "sigsafe: no memory for the page that tells processes apart");
  });
}

BOOST_AUTO_TEST_CASE(a_refusal_by_the_kernel_is_reported_and_leaves_the_others_as_they_were) {
  check_in_child([] {
    // The registered one wants SA_RESTART, the new one does not: the flags have to change.
    noting on_usr1{SIGUSR1, notes{7}, {.restart = true}};
    refuse_system_call(SYS_rt_sigaction, EPERM, 0, SIGUSR1 + 1, 1);
    check_fails_with(std::errc::operation_not_permitted,
                     "sigsafe: cannot handle signal 10 (SIGUSR1): sigaction failed");
    raise(SIGUSR1);
    CHILD_REQUIRE(ran.is({7}));
  });
}

BOOST_AUTO_TEST_SUITE_END()
