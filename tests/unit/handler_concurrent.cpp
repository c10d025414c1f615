#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/lazy.hpp>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <tests/support/arrivals.hpp>
#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sleeping.hpp>

namespace {

using test::check_in_child;

/// Does something on a thread of its own, because it may have to wait.
class action {
 public:
  template <class F>
  explicit action(F function)
      : thread_{[this, function] {
          number_ = gettid();
          number_.notify_one();
          function();
          returned_ = true;
        }} {
    number_.wait(0);
  }

  /// Returns when the function has returned or waits for something; true when it has returned.
  [[nodiscard]] bool has_returned() const {
    test::await_sleep(number_, [this] { return returned_.load(); });
    return returned_;
  }
  void join() {
    thread_.join();
    CHILD_REQUIRE(returned_);
  }

 private:
  std::atomic<pid_t> number_{0};
  std::atomic<bool> returned_{false};
  std::thread thread_;
};

/// A function that stays inside until it is let out, on any number of threads.
class room {
 public:
  void stay() noexcept {
    ++entered_;
    in_.open();
    out_.pass();
    ++left_;
  }
  void await_one_inside() noexcept { in_.pass(); }
  void let_one_out() noexcept { out_.open(); }
  [[nodiscard]] int entered() const noexcept { return entered_; }
  [[nodiscard]] int left() const noexcept { return left_; }

 private:
  test::gate in_, out_;
  std::atomic<int> entered_{0}, left_{0};
};

struct stays {
  room* where;
  void operator()() const noexcept { where->stay(); }
};
using staying = sigsafe::handler<stays>;

struct counts {
  std::atomic<long>* calls;
  void operator()() const noexcept { ++*calls; }
};
using counting = sigsafe::handler<counts>;

/// The storage of a T is overwritten and freed as soon as the T has ended.
template <class T>
class short_lived {
 public:
  template <class... Args>
  explicit short_lived(Args&&... args)
      : value_(::new(std::malloc(sizeof(T))) T{std::forward<Args>(args)...}) {}
  short_lived(const short_lived&) = delete;
  short_lived& operator=(const short_lived&) = delete;
  ~short_lived() {
    value_->~T();
    std::memset(static_cast<void*>(value_), 0xdd, sizeof(T));
    asm volatile("" : : "r"(value_) : "memory");  // not a dead store: a handler may read it
    std::free(value_);
  }

 private:
  T* value_;
};

/// Counts, and knows whether it is alive.
class mortal {
 public:
  explicit mortal(std::atomic<long>& calls) noexcept : calls_(&calls) {}

  void operator()() const noexcept {
    CHILD_REQUIRE(alive_ == magic);
    ++*calls_;
    CHILD_REQUIRE(alive_ == magic);
  }

 private:
  static constexpr std::uint64_t magic = 0x0123456789abcdef;
  std::uint64_t alive_ = magic;
  std::atomic<long>* calls_;
};

std::atomic<long> arrived_elsewhere{0};

/// While no handler of sigsafe is registered the signal is counted by a foreign one.
void count_elsewhere(int signal) {
  struct sigaction action{};
  action.sa_handler = [](int) { ++arrived_elsewhere; };
  sigfillset(&action.sa_mask);
  CHILD_REQUIRE(sigaction(signal, &action, nullptr) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_concurrent)

BOOST_AUTO_TEST_CASE(a_removal_waits_for_a_function_that_runs_on_another_thread) {
  check_in_child([] {
    room inside;
    std::optional<staying> handler{std::in_place, SIGUSR1, stays{&inside}};
    std::thread raising{[] { raise(SIGUSR1); }};
    inside.await_one_inside();
    action end{[&] { handler.reset(); }};
    CHILD_REQUIRE(!end.has_returned());
    CHILD_REQUIRE(inside.left() == 0);
    inside.let_one_out();
    end.join();
    CHILD_REQUIRE(inside.left() == 1);
    raising.join();
  });
}

BOOST_AUTO_TEST_CASE(a_removal_waits_for_a_function_that_runs_at_the_release_of_a_lazy_guard) {
  check_in_child([] {
    room inside;
    std::optional<staying> handler{std::in_place, SIGUSR1, stays{&inside}};
    std::thread raising{[] {
      const sigsafe::lazy::guard off;
      raise(SIGUSR1);
    }};
    inside.await_one_inside();
    action end{[&] { handler.reset(); }};
    CHILD_REQUIRE(!end.has_returned());
    inside.let_one_out();
    end.join();
    CHILD_REQUIRE(inside.left() == 1);
    raising.join();
  });
}

BOOST_AUTO_TEST_CASE(a_removal_waits_for_all_threads_that_are_inside) {
  check_in_child([] {
    constexpr int threads = 3;
    room inside;
    std::optional<staying> handler{std::in_place, SIGUSR1, stays{&inside}};
    std::vector<std::thread> raising;
    for (int i = 0; i < threads; ++i) {
      raising.emplace_back([] { raise(SIGUSR1); });
      inside.await_one_inside();
    }
    action end{[&] { handler.reset(); }};
    for (int left = 0; left < threads; ++left) {
      CHILD_REQUIRE(!end.has_returned());
      inside.let_one_out();
      while (inside.left() == left) sched_yield();
    }
    end.join();
    for (std::thread& thread : raising) thread.join();
  });
}

BOOST_AUTO_TEST_CASE(a_removal_waits_also_while_the_signal_is_blocked_or_a_guard_lives) {
  check_in_child([] {
    room inside;
    std::optional<staying> handler{std::in_place, SIGUSR1, stays{&inside}};
    std::thread raising{[] { raise(SIGUSR1); }};
    inside.await_one_inside();
    std::thread opening;
    {
      const sigsafe::guard off;
      const sigsafe::lazy::guard lazily_off;
      opening = std::thread{[&inside, ending_thread = gettid()] {
        test::await_sleep(ending_thread, [] { return false; });
        inside.let_one_out();
      }};
      handler.reset();
      CHILD_REQUIRE(inside.left() == 1);
    }
    opening.join();
    raising.join();
  });
}

BOOST_AUTO_TEST_CASE(a_removal_does_not_wait_for_other_handlers) {
  check_in_child([] {
    room inside;
    std::atomic<long> calls{0};
    std::optional<counting> older{std::in_place, SIGUSR1, counts{&calls}};
    std::optional<staying> handler{std::in_place, SIGUSR1, stays{&inside}};
    std::optional<counting> newer{std::in_place, SIGUSR1, counts{&calls}};
    std::optional<counting> of_another_signal{std::in_place, SIGUSR2, counts{&calls}};
    std::thread raising{[] { raise(SIGUSR1); }};
    inside.await_one_inside();
    // Each of these would hang.
    newer.reset();
    of_another_signal.reset();
    older.reset();
    newer.emplace(SIGUSR1, counts{&calls});
    of_another_signal.emplace(SIGUSR2, counts{&calls});
    raise(SIGUSR2);
    newer.reset();
    of_another_signal.reset();
    CHILD_REQUIRE(inside.left() == 0);
    CHILD_REQUIRE(calls == 2);  // the first newer one, and of SIGUSR2
    inside.let_one_out();
    raising.join();
    CHILD_REQUIRE(calls == 2);  // the older one had ended before its turn came
  });
}

BOOST_AUTO_TEST_CASE(who_is_inside_goes_on_with_the_next_one_that_is_left) {
  // Neighbours go while a thread is inside the second of five, in every order, and it goes too.
  std::array order{0, 1, 2, 3};
  do {
    check_in_child([&] {
      room inside;
      std::atomic<long> calls{0};
      std::atomic<long> last_calls{0};
      const counting last{SIGUSR1, counts{&last_calls}};
      using mortal_handler = sigsafe::handler<mortal>;
      std::array<std::optional<short_lived<mortal_handler>>, 3> others;
      others[0].emplace(SIGUSR1, mortal{calls});
      others[1].emplace(SIGUSR1, mortal{calls});
      std::optional<staying> second{std::in_place, SIGUSR1, stays{&inside}};
      others[2].emplace(SIGUSR1, mortal{calls});
      std::thread raising{[] { raise(SIGUSR1); }};
      inside.await_one_inside();
      std::optional<action> end;
      for (int going : order)
        if (going == 3) {
          end.emplace([&] { second.reset(); });
          CHILD_REQUIRE(!end->has_returned());
        } else {
          others[static_cast<std::size_t>(going)].reset();
        }
      const counting newest{SIGUSR1, counts{&calls}};
      inside.let_one_out();
      end->join();
      raising.join();
      CHILD_REQUIRE(calls == 1);  // of the one that ran before the second
      CHILD_REQUIRE(last_calls == 1);
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 2 && last_calls == 2 && inside.entered() == 1);
    });
  } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_AUTO_TEST_CASE(a_removal_that_waits_holds_up_no_other_removal_and_no_registration) {
  check_in_child([] {
    room first_room;
    room second_room;
    std::atomic<long> calls{0};
    std::optional<staying> first{std::in_place, SIGUSR1, stays{&first_room}};
    std::optional<staying> second{std::in_place, SIGUSR2, stays{&second_room}};
    std::thread raising_first{[] { raise(SIGUSR1); }};
    std::thread raising_second{[] { raise(SIGUSR2); }};
    first_room.await_one_inside();
    second_room.await_one_inside();
    action end_of_first{[&] { first.reset(); }};
    action end_of_second{[&] { second.reset(); }};
    CHILD_REQUIRE(!end_of_first.has_returned());
    CHILD_REQUIRE(!end_of_second.has_returned());
    {
      counting another{SIGUSR1, counts{&calls}};
      raise(SIGUSR1);
      CHILD_REQUIRE(calls == 1);
    }
    second_room.let_one_out();
    end_of_second.join();
    CHILD_REQUIRE(!end_of_first.has_returned());
    first_room.let_one_out();
    end_of_first.join();
    raising_first.join();
    raising_second.join();
  });
}

BOOST_AUTO_TEST_CASE(a_function_is_not_entered_any_more_once_its_removal_has_begun) {
  check_in_child([] {
    count_elsewhere(SIGUSR1);
    room inside;
    std::optional<staying> handler{std::in_place, SIGUSR1, stays{&inside}};
    std::thread raising{[] { raise(SIGUSR1); }};
    inside.await_one_inside();
    action end{[&] { handler.reset(); }};
    CHILD_REQUIRE(!end.has_returned());
    raise(SIGUSR1);
    CHILD_REQUIRE(inside.entered() == 1);
    CHILD_REQUIRE(arrived_elsewhere == 1);
    inside.let_one_out();
    end.join();
    raising.join();
  });
}

namespace {

// ThreadSanitizer blocks faults while a handler runs.
#if defined(__SANITIZE_THREAD__)
constexpr bool faults_arrive_in_handlers = false;
#elif defined(__has_feature)
constexpr bool faults_arrive_in_handlers = !__has_feature(thread_sanitizer);
#else
constexpr bool faults_arrive_in_handlers = true;
#endif

constexpr std::size_t page_size = 4096;

/// Stops threads where they write to a page, until they are let on: a store to memory that is
/// read-only for the moment is a fault, and its handler is a place to wait in.
class stops {
 public:
  stops() {
    struct sigaction action{};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
      place& here = place_of(info->si_addr);
      here.stopped.open();
      here.on.pass();
    };
    CHILD_REQUIRE(sigaction(SIGSEGV, &action, nullptr) == 0);
  }
  /// Threads that write to this page stop in a place of their own.
  static void tell_apart(void* page) noexcept { other_page_ = page; }

  static void await(void* page = nullptr) noexcept { place_of(page).stopped.pass(); }
  static void let_on(void* page = nullptr) noexcept { place_of(page).on.open(); }

 private:
  struct place {
    test::gate stopped, on;
  };

  static place& place_of(void* address) noexcept {
    const auto page = reinterpret_cast<std::uintptr_t>(address) / page_size * page_size;
    return places_[page != 0 && page == reinterpret_cast<std::uintptr_t>(other_page_) ? 1 : 0];
  }

  static inline place places_[2];
  static inline void* other_page_ = nullptr;
};

void set_writable(void* page, bool writable) {
  CHILD_REQUIRE(mprotect(page, page_size, writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0);
}

void* new_page() {
  void* const page =
      mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_REQUIRE(page != MAP_FAILED);
  return page;
}

/// A handler in a page of its own.
class handler_in_a_page {
 public:
  handler_in_a_page(int signal, std::atomic<long>& calls) : page_(new_page()) {
    handler_ = ::new (page_) sigsafe::handler<mortal>{signal, mortal{calls}};
  }
  handler_in_a_page(const handler_in_a_page&) = delete;
  handler_in_a_page& operator=(const handler_in_a_page&) = delete;
  ~handler_in_a_page() {
    handler_->~handler();
    CHILD_REQUIRE(munmap(page_, page_size) == 0);
  }

  [[nodiscard]] void* page() const noexcept { return page_; }

 private:
  void* page_;
  sigsafe::handler<mortal>* handler_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_removal_waits_for_a_thread_that_has_found_the_handler_and_not_entered_it_yet,
                     *boost::unit_test::enable_if<faults_arrive_in_handlers>()) {
  check_in_child([] {
    const stops stop;
    std::atomic<long> calls{0};
    std::optional<handler_in_a_page> handler{std::in_place, SIGUSR1, calls};
    set_writable(handler->page(), false);
    std::thread raising{[] { raise(SIGUSR1); }};
    stop.await();  // where it wants to note that it is going to enter
    set_writable(handler->page(), true);
    action end{[&] { handler.reset(); }};
    CHILD_REQUIRE(!end.has_returned());
    stop.let_on();
    end.join();
    raising.join();
    CHILD_REQUIRE(calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(a_removal_does_not_wait_for_threads_that_came_after_it,
                     *boost::unit_test::enable_if<faults_arrive_in_handlers>()) {
  check_in_child([] {
    const stops stop;
    std::atomic<long> calls{0};
    const handler_in_a_page early{SIGUSR1, calls};
    const handler_in_a_page late{SIGHUP, calls};
    std::optional<counting> removed{std::in_place, SIGUSR2, counts{&calls}};
    stops::tell_apart(late.page());
    set_writable(early.page(), false);
    set_writable(late.page(), false);

    const std::uint32_t phase = sigsafe::detail::page().phase.load();
    std::thread raising_early{[] { raise(SIGUSR1); }};
    stops::await(early.page());
    action removal{[&] { removed.reset(); }};
    while (sigsafe::detail::page().phase.load() == phase) sched_yield();
    std::thread raising_late{[] { raise(SIGHUP); }};
    stops::await(late.page());

    set_writable(early.page(), true);
    stops::let_on(early.page());
    removal.join();  // would hang
    set_writable(late.page(), true);
    stops::let_on(late.page());
    raising_early.join();
    raising_late.join();
    CHILD_REQUIRE(calls == 2);
  });
}

// Where the library counts the threads that read its table.
extern std::atomic<void*> process_page asm("sigsafe_abi1_process");

BOOST_AUTO_TEST_CASE(a_removal_waits_for_a_reader_that_began_before_another_removal,
                     *boost::unit_test::enable_if<faults_arrive_in_handlers>()) {
  check_in_child([] {
    const stops stop;
    std::atomic<long> calls{0};
    std::optional<handler_in_a_page> handler{std::in_place, SIGUSR1, calls};
    std::optional<counting> another{std::in_place, SIGUSR2, counts{&calls}};
    set_writable(process_page, false);
    std::thread raising{[] { raise(SIGUSR1); }};
    stop.await();  // where it wants to note that it reads the table
    set_writable(process_page, true);
    another.reset();  // what it has read for that is out of date now
    set_writable(handler->page(), false);
    stop.let_on();
    stop.await();
    set_writable(handler->page(), true);
    action end{[&] { handler.reset(); }};
    CHILD_REQUIRE(!end.has_returned());
    stop.let_on();
    end.join();
    raising.join();
    CHILD_REQUIRE(calls == 1);
  });
}

namespace {

/// Makes the page that it is moved into read-only.
class closes_page {
 public:
  closes_page(void* page, std::atomic<long>& calls) noexcept : page_(page), calls_(&calls) {}
  closes_page(closes_page&& other) noexcept : page_(other.page_), calls_(other.calls_) {
    set_writable(page_, false);
  }

  void operator()() const noexcept { ++*calls_; }

 private:
  void* page_;
  std::atomic<long>* calls_;
};

/// A handler of SIGUSR1 that begins on another thread, which is stopped in the middle of it.
class halted_beginning {
 public:
  explicit halted_beginning(std::atomic<long>& calls)
      : page_(new_page()), thread_{[this, &calls] {
          handler_ = ::new (page_) closing{SIGUSR1, closes_page{page_, calls}};
        }} {
    stops::await();
  }
  halted_beginning(const halted_beginning&) = delete;
  halted_beginning& operator=(const halted_beginning&) = delete;
  ~halted_beginning() {
    handler_->~handler();
    CHILD_REQUIRE(munmap(page_, page_size) == 0);
  }

  void let_on() {
    set_writable(page_, true);
    stops::let_on();
    thread_.join();
  }

 private:
  using closing = sigsafe::handler<closes_page>;

  void* page_;
  closing* handler_ = nullptr;
  std::thread thread_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_registration_waits_for_another_one_that_is_halfway) {
  check_in_child([] {
    const stops stop;
    std::atomic<long> calls{0};
    halted_beginning halfway{calls};
    std::optional<counting> another;
    action beginning{[&] { another.emplace(SIGUSR1, counts{&calls}); }};
    CHILD_REQUIRE(!beginning.has_returned());
    halfway.let_on();
    beginning.join();
    raise(SIGUSR1);
    CHILD_REQUIRE(calls == 2);
  });
}

BOOST_AUTO_TEST_CASE(a_removal_waits_for_a_registration_that_is_halfway) {
  check_in_child([] {
    const stops stop;
    std::atomic<long> calls{0};
    std::optional<counting> another{std::in_place, SIGUSR1, counts{&calls}};
    halted_beginning halfway{calls};
    action end{[&] { another.reset(); }};
    CHILD_REQUIRE(!end.has_returned());
    halfway.let_on();
    end.join();
    raise(SIGUSR1);
    CHILD_REQUIRE(calls == 1);
  });
}

BOOST_AUTO_TEST_CASE(no_thread_runs_a_function_that_has_been_destroyed) {
  check_in_child([] {
    count_elsewhere(SIGUSR1);
    std::atomic<long> raised{0};
    std::atomic<long> calls{0};
    std::atomic<long> other_calls{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> raising;
    for (int i = 0; i < 3; ++i)
      raising.emplace_back([&] {
        while (!stop) {
          raise(SIGUSR1);
          ++raised;
        }
      });
    for (int cycle = 0; cycle < 3000 || calls < 300 || other_calls < 300; ++cycle) {
      using mortal_handler = sigsafe::handler<mortal>;
      std::array<std::optional<short_lived<mortal_handler>>, 3> handlers;
      handlers[0].emplace(SIGUSR1, mortal{calls});
      handlers[1].emplace(SIGUSR1, mortal{other_calls});
      handlers[2].emplace(SIGUSR1, mortal{other_calls});
      // All six orders, one after the other.
      const int first = cycle % 3;
      const int second = (first + 1 + cycle / 3 % 2) % 3;
      handlers[static_cast<std::size_t>(first)].reset();
      handlers[static_cast<std::size_t>(second)].reset();
    }
    stop = true;
    for (std::thread& thread : raising) thread.join();
    CHILD_REQUIRE(calls + arrived_elsewhere <= raised);
    CHILD_REQUIRE(calls + other_calls + arrived_elsewhere >= raised);
  });
}

BOOST_AUTO_TEST_CASE(no_signal_is_lost_while_handlers_come_and_go) {
  check_in_child([] {
    count_elsewhere(SIGUSR1);
    std::atomic<long> raised{0};
    std::atomic<long> calls{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> raising;
    for (int i = 0; i < 2; ++i)
      raising.emplace_back([&, lazily = i == 0] {
        while (!stop) {
          if (lazily) {
            const sigsafe::lazy::guard off;
            raise(SIGUSR1);
          } else {
            raise(SIGUSR1);
          }
          ++raised;
        }
      });
    for (int cycle = 0; cycle < 3000 || calls < 300; ++cycle)
      const counting handler{SIGUSR1, counts{&calls}};
    stop = true;
    for (std::thread& thread : raising) thread.join();
    // Each raise ran one or the other, and exactly once.
    CHILD_REQUIRE(calls + arrived_elsewhere == raised);
  });
}

BOOST_AUTO_TEST_CASE(handlers_come_and_go_under_signals_from_everywhere) {
  check_in_child([] {
    count_elsewhere(SIGUSR1);
    count_elsewhere(SIGRTMIN);
    std::atomic<long> calls{0};
    std::atomic<bool> stop{false};
    std::atomic<long> work{0};
    std::vector<std::thread> working;
    for (int i = 0; i < 2; ++i)
      working.emplace_back([&] {
        while (!stop) {
          const sigsafe::lazy::guard off;
          ++work;
        }
      });
    std::thread sending{[&] {
      while (!stop) {
        for (std::thread& thread : working) pthread_kill(thread.native_handle(), SIGUSR1);
        kill(getpid(), SIGUSR1);
        sigqueue(getpid(), SIGRTMIN, sigval{});
        sched_yield();
      }
    }};
    for (int cycle = 0; cycle < 1000 || calls < 300; ++cycle) {
      const short_lived<sigsafe::handler<mortal>> usr1{SIGUSR1, mortal{calls}};
      const short_lived<sigsafe::handler<mortal>> real_time{SIGRTMIN, mortal{calls}};
      const short_lived<sigsafe::handler<mortal>> again{SIGUSR1, mortal{calls}};
    }
    stop = true;
    sending.join();
    for (std::thread& thread : working) thread.join();
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_register_and_remove_others_wherever_it_interrupts) {
  check_in_child([] {
    std::atomic<long> calls{0};
    std::atomic<long> interruptions{0};
    sigsafe::handler interrupting{SIGUSR1, [&]() noexcept {
                                    const counting other{SIGUSR2, counts{&calls}};
                                    ++interruptions;
                                  }};
    std::atomic<bool> stop{false};
    std::thread sending{[&, target = pthread_self()] {
      while (!stop) {
        pthread_kill(target, SIGUSR1);
        sched_yield();
      }
    }};
    for (int cycle = 0; cycle < 800 || interruptions < 200; ++cycle)
      const counting handler{SIGUSR2, counts{&calls}};
    stop = true;
    sending.join();
  });
}

BOOST_AUTO_TEST_CASE(threads_may_end_right_after_a_handler) {
  check_in_child([] {
    count_elsewhere(SIGUSR1);
    std::atomic<long> calls{0};
    constexpr long rounds = 200;
    for (int i = 0; i < rounds; ++i) {
      std::optional<short_lived<sigsafe::handler<mortal>>> handler{std::in_place, SIGUSR1,
                                                                   mortal{calls}};
      std::thread one{[] { raise(SIGUSR1); }};
      std::thread other{[] {
        const sigsafe::lazy::guard off;
        raise(SIGUSR1);
      }};
      if (i % 2 == 0) one.join();
      handler.reset();
      if (i % 2 != 0) one.join();
      other.join();
    }
    CHILD_REQUIRE(calls >= rounds / 2);
    CHILD_REQUIRE(calls + arrived_elsewhere == 2 * rounds);
  });
}

BOOST_AUTO_TEST_CASE(eight_threads_register_and_remove_for_one_signal_at_once) {
  check_in_child([] {
    struct sigaction before;
    CHILD_REQUIRE(sigaction(SIGUSR1, nullptr, &before) == 0);
    constexpr int threads = 8;
    constexpr int rounds = 50;
    std::array<std::atomic<long>, threads> calls{};
    std::barrier together{threads};
    std::vector<std::thread> registering;
    for (std::atomic<long>& mine : calls)
      registering.emplace_back([&] {
        for (int round = 0; round < rounds; ++round) {
          together.arrive_and_wait();
          std::optional<short_lived<sigsafe::handler<mortal>>> handler{std::in_place, SIGUSR1,
                                                                       mortal{mine}};
          together.arrive_and_wait();
          raise(SIGUSR1);
          together.arrive_and_wait();
          handler.reset();
        }
      });
    for (std::thread& thread : registering) thread.join();
    for (std::atomic<long>& each : calls) CHILD_REQUIRE(each == threads * rounds);
    struct sigaction after;
    CHILD_REQUIRE(sigaction(SIGUSR1, nullptr, &after) == 0);
    CHILD_REQUIRE(after.sa_handler == before.sa_handler);
  });
}

BOOST_AUTO_TEST_CASE(two_threads_register_and_remove_handlers_of_one_signal_in_loops) {
  check_in_child([] {
    count_elsewhere(SIGUSR1);
    std::atomic<long> calls{0};
    const auto churn = [&] {
      for (int cycle = 0; cycle < 1500; ++cycle) {
        const short_lived<sigsafe::handler<mortal>> handler{SIGUSR1, mortal{calls}};
        raise(SIGUSR1);
      }
    };
    std::thread one{churn};
    std::thread other{churn};
    one.join();
    other.join();
    CHILD_REQUIRE(calls >= 3000);
    CHILD_REQUIRE(arrived_elsewhere == 0);
    struct sigaction after;
    CHILD_REQUIRE(sigaction(SIGUSR1, nullptr, &after) == 0);
    CHILD_REQUIRE(after.sa_handler != SIG_DFL && (after.sa_flags & SA_SIGINFO) == 0);
  });
}

BOOST_AUTO_TEST_SUITE_END()
