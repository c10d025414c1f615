// checked.hpp: watched locks, in a checked program whatever the library is.
//
// The first tables are the cases about interrupts of Linux's locking selftest, with its names, in
// every order of their events. A handler is an interrupt, an eager or lazy guard disables them, and
// a lock that is taken exclusively, or shared, is its spinlock, or its reading side of an rwlock.
#include <boost/test/unit_test.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <sigsafe/checked.hpp>
#include <sigsafe/condition_variable.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/subset_guard.hpp>
#include <sigsafe/thread_id.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

static_assert(SIGSAFE_CHECKED == 1);

namespace {

using test::child_end;
using test::in_child;

std::string place(unsigned line) { return __FILE__ + (":" + std::to_string(line)); }

/// How an event takes its locks.
struct exclusively {
  using lock_type = sigsafe::watched<sigsafe::futex_lock>;
  static void lock(lock_type& a) { a.lock(); }
  static void unlock(lock_type& a) { a.unlock(); }
};
struct to_write {
  using lock_type = sigsafe::watched<std::shared_mutex>;
  static void lock(lock_type& a) { a.lock(); }
  static void unlock(lock_type& a) { a.unlock(); }
};
struct to_read {
  using lock_type = to_write::lock_type;
  static void lock(lock_type& a) { a.lock_shared(); }
  static void unlock(lock_type& a) { a.unlock_shared(); }
};

template <class How>
void use(typename How::lock_type& a) {
  How::lock(a);
  How::unlock(a);
}
template <class How>
void use(typename How::lock_type& a, typename How::lock_type& b) {
  How::lock(a);
  use<How>(b);
  How::unlock(a);
}

/// The locks of a case; new ones in each child.
template <class How>
struct locks {
  typename How::lock_type a, b, c, d;
};

/// Calls f in a handler of the signal, which interrupts this thread now.
template <class F>
void in_handler(int signal, F f) {
  static std::function<void()>* called;
  std::function<void()> function{f};
  called = &function;
  const sigsafe::handler handler{signal, []() noexcept { (*called)(); }};
  test::send(signal);
}

using event = std::function<void()>;

/// Runs the events in each of their orders, each in a child. Handlers for both signals live all the
/// time; what they do has its turn in in_handler.
template <class F>
void in_all_orders(F make_events, const std::function<void(const child_end&)>& check) {
  std::vector<std::size_t> order(make_events().size());
  std::iota(order.begin(), order.end(), 0U);
  do {
    check(in_child([&] {
      const sigsafe::handler there{{SIGUSR1, SIGUSR2}, []() noexcept {}};
      const std::vector<event> events = make_events();
      for (const std::size_t i : order) events[i]();
    }));
  } while (std::next_permutation(order.begin(), order.end()));
}

template <class F>
void is_always_reported(F make_events, const char* what) {
  in_all_orders(make_events, [&](const child_end& end) { BOOST_TEST(test::panics(end, what)); });
}
template <class F>
void is_never_reported(F make_events) {
  in_all_orders(make_events, [](const child_end& end) { BOOST_TEST(test::holds(end)); });
}

constexpr const char* direct = "and a handler of this signal waits for it: ";
constexpr const char* inverted = "and a handler of this signal waits for a lock whose holder waits";
constexpr const char* ordered = "locks are waited for in two orders";

using exclusive_ways = std::tuple<exclusively, to_write>;
using all_ways = std::tuple<exclusively, to_write, to_read>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(watched, test::clean_thread)

BOOST_AUTO_TEST_CASE_TEMPLATE(irqs_on_and_irq_safe_A, How, exclusive_ways) {
  is_always_reported(
      [] {
        static locks<How> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<How>(of.a); }); },
                                  [] { use<How>(of.a); }};
      },
      direct);
}

BOOST_AUTO_TEST_CASE(irqs_on_and_irq_safe_A_to_read_is_not_reported) {
  is_never_reported([] {
    static locks<to_read> of;
    return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<to_read>(of.a); }); },
                              [] { use<to_read>(of.a); }};
  });
}

BOOST_AUTO_TEST_CASE(irqs_on_and_irq_safe_A_is_reported_when_one_writes) {
  is_always_reported(
      [] {
        static locks<to_read> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<to_read>(of.a); }); },
                                  [] { use<to_write>(of.a); }};
      },
      direct);
  is_always_reported(
      [] {
        static locks<to_read> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<to_write>(of.a); }); },
                                  [] { use<to_read>(of.a); }};
      },
      direct);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(irqs_off_and_irq_safe_A_is_not_reported, B, test::hosted_backends) {
  is_never_reported([] {
    static locks<exclusively> of;
    return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                              [] {
                                const sigsafe::basic_guard<B> off;
                                use<exclusively>(of.a);
                              }};
  });
}

// The interrupt that is enabled is not the one whose handler takes the lock.
BOOST_AUTO_TEST_CASE(hirqs_on_and_sirq_safe_A_is_not_reported) {
  is_never_reported([] {
    static locks<exclusively> of;
    return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                              [] {
                                const sigsafe::subset_guard off{{SIGUSR1}};
                                use<exclusively>(of.a);
                              }};
  });
}

BOOST_AUTO_TEST_CASE(sirqs_on_and_sirq_safe_A) {
  is_always_reported(
      [] {
        static locks<exclusively> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                                  [] {
                                    const sigsafe::subset_guard off{{SIGUSR2}};
                                    use<exclusively>(of.a);
                                  }};
      },
      direct);
}

// Enabling interrupts while the lock is held.
BOOST_AUTO_TEST_CASE_TEMPLATE(safe_A_and_irqs_on, B, test::hosted_backends) {
  is_always_reported(
      [] {
        static locks<exclusively> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                                  [] {
                                    std::optional<sigsafe::basic_guard<B>> off;
                                    off.emplace(sigsafe::location::current());
                                    of.a.lock();
                                    off.reset();
                                    of.a.unlock();
                                  }};
      },
      direct);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(safe_A_and_unsafe_B_1, How, exclusive_ways) {
  is_always_reported(
      [] {
        static locks<How> of;
        return std::vector<event>{[] { use<How>(of.a, of.b); }, [] { use<How>(of.b); },
                                  [] { in_handler(SIGUSR1, [] { use<How>(of.a); }); }};
      },
      "enabled, and a handler of this signal waits for ");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(safe_A_and_unsafe_B_2, How, exclusive_ways) {
  is_always_reported(
      [] {
        static locks<How> of;
        return std::vector<event>{[] {
                                    const sigsafe::guard off;
                                    use<How>(of.a, of.b);
                                  },
                                  [] { use<How>(of.b); },
                                  [] { in_handler(SIGUSR1, [] { use<How>(of.a); }); }};
      },
      inverted);
}

BOOST_AUTO_TEST_CASE(safe_A_and_unsafe_B_to_read_are_not_reported) {
  is_never_reported([] {
    static locks<to_read> of;
    return std::vector<event>{[] { use<to_read>(of.a, of.b); }, [] { use<to_read>(of.b); },
                              [] { in_handler(SIGUSR1, [] { use<to_read>(of.a); }); }};
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(safe_A_and_safe_B_are_not_reported, B, test::hosted_backends) {
  is_never_reported([] {
    static locks<exclusively> of;
    return std::vector<event>{[] {
                                const sigsafe::basic_guard<B> off;
                                use<exclusively>(of.a, of.b);
                              },
                              [] {
                                const sigsafe::basic_guard<B> off;
                                use<exclusively>(of.b);
                              },
                              [] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); }};
  });
}

// B's holder waits for nobody whom the handler waits for.
BOOST_AUTO_TEST_CASE(safe_A_inside_unsafe_B_is_not_reported) {
  is_never_reported([] {
    static locks<exclusively> of;
    return std::vector<event>{[] {
                                of.b.lock();
                                {
                                  const sigsafe::guard off;
                                  use<exclusively>(of.a);
                                }
                                of.b.unlock();
                              },
                              [] { use<exclusively>(of.b); },
                              [] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); }};
  });
}

// The handler reads A, whose writer waits for B.
BOOST_AUTO_TEST_CASE_TEMPLATE(irq_lock_inversion, How, exclusive_ways) {
  is_always_reported(
      [] {
        static to_read::lock_type a;
        static typename How::lock_type b;
        return std::vector<event>{[] {
                                    const sigsafe::guard off;
                                    a.lock();
                                    use<How>(b);
                                    a.unlock();
                                  },
                                  [] { use<How>(b); },
                                  [] { in_handler(SIGUSR1, [] { use<to_read>(a); }); }};
      },
      inverted);
}

BOOST_AUTO_TEST_CASE(irq_lock_inversion_with_a_B_to_read_is_not_reported) {
  is_never_reported([] {
    static locks<to_read> of;
    return std::vector<event>{[] {
                                const sigsafe::guard off;
                                of.a.lock();
                                use<to_read>(of.b);
                                of.a.unlock();
                              },
                              [] { use<to_read>(of.b); },
                              [] { in_handler(SIGUSR1, [] { use<to_read>(of.a); }); }};
  });
}

BOOST_AUTO_TEST_CASE(irq_read_recursion_is_not_reported) {
  is_never_reported([] {
    static locks<to_read> of;
    return std::vector<event>{[] {
                                const sigsafe::guard off;
                                use<to_write>(of.a);
                              },
                              [] { use<to_read>(of.a); },
                              [] { in_handler(SIGUSR1, [] { use<to_read>(of.a, of.b); }); }};
  });
}

BOOST_AUTO_TEST_CASE(irq_read_recursion_2) {
  is_always_reported(
      [] {
        static locks<to_read> of;
        return std::vector<event>{[] {
                                    const sigsafe::guard off;
                                    use<to_write>(of.b, of.a);
                                  },
                                  [] { use<to_read>(of.a); },
                                  [] { in_handler(SIGUSR1, [] { use<to_write>(of.b); }); }};
      },
      inverted);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(A_B_B_A, How, exclusive_ways) {
  is_always_reported(
      [] {
        static locks<How> of;
        return std::vector<event>{[] { use<How>(of.a, of.b); }, [] { use<How>(of.b, of.a); }};
      },
      ordered);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(A_B_B_C_C_D_D_A, How, exclusive_ways) {
  is_always_reported(
      [] {
        static locks<How> of;
        return std::vector<event>{[] { use<How>(of.a, of.b); }, [] { use<How>(of.b, of.c); },
                                  [] { use<How>(of.c, of.d); }, [] { use<How>(of.d, of.a); }};
      },
      ordered);
}

BOOST_AUTO_TEST_CASE(A_B_B_A_to_read_is_not_reported) {
  is_never_reported([] {
    static locks<to_read> of;
    return std::vector<event>{[] { use<to_read>(of.a, of.b); }, [] { use<to_read>(of.b, of.a); }};
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(one_order_is_not_reported, How, all_ways) {
  is_never_reported([] {
    static locks<How> of;
    return std::vector<event>{[] { use<How>(of.a, of.b); }, [] { use<How>(of.b, of.c); },
                              [] { use<How>(of.a, of.c); }, [] { use<How>(of.a, of.d); }};
  });
}

// ---- beyond Linux's tables
// ------------------------------------------------------------------------

void lock_in_a_handler(exclusively::lock_type& a) {
  a.lock();
  a.unlock();
}
constexpr unsigned handler_line = __LINE__ - 3;
void lock_outside(exclusively::lock_type& a) {
  a.lock();
  a.unlock();
}
constexpr unsigned outside_line = __LINE__ - 3;

BOOST_AUTO_TEST_CASE(a_report_names_the_place_outside_and_the_one_in_the_handler) {
  const auto events = [] {
    static locks<exclusively> of;
    return std::vector<event>{[] { in_handler(SIGUSR1, [] { lock_in_a_handler(of.a); }); },
                              [] { lock_outside(of.a); }};
  };
  const std::string what = place(outside_line) + ": a lock is held here with SIGUSR1 enabled";
  const std::string other = "; the handler locks at " + place(handler_line) + "\n";
  is_always_reported(events, what.c_str());
  is_always_reported(events, other.c_str());
}

BOOST_AUTO_TEST_CASE(a_report_of_an_inversion_names_the_place_between) {
  const auto events = [] {
    static locks<exclusively> of;
    return std::vector<event>{[] {
                                const sigsafe::guard off;
                                of.a.lock();
                                lock_outside(of.b);
                                of.a.unlock();
                              },
                              [] { use<exclusively>(of.b); },
                              [] { in_handler(SIGUSR1, [] { lock_in_a_handler(of.a); }); }};
  };
  const std::string through = "whose holder waits, at " + place(outside_line) + ", for this one: ";
  const std::string other = "; the handler locks at " + place(handler_line) + "\n";
  is_always_reported(events, through.c_str());
  is_always_reported(events, other.c_str());
}

BOOST_AUTO_TEST_CASE(a_report_of_two_orders_names_both) {
  const child_end end = in_child([] {
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    locks<exclusively> of;
    of.a.lock();
    lock_in_a_handler(of.b);
    of.a.unlock();
    of.b.lock();
    lock_outside(of.a);
  });
  BOOST_TEST(test::panics(end, place(outside_line) + ": " + ordered));
  BOOST_TEST(test::panics(end, "; the other order is at " + place(handler_line)));
}

BOOST_AUTO_TEST_CASE(a_handler_that_finds_the_lock_held_panics_instead_of_waiting) {
  const child_end end = in_child([] {
    locks<exclusively> of;
    const sigsafe::handler there{SIGUSR1, [&]() noexcept { use<exclusively>(of.a); }};
    of.a.lock();
    test::send(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, direct));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(so_does_one_that_the_release_of_a_hold_runs, B,
                              test::hosted_backends) {
  const child_end end = in_child([] {
    locks<exclusively> of;
    const sigsafe::handler there{SIGUSR1, [&]() noexcept { use<exclusively>(of.a); }};
    std::optional<sigsafe::basic_guard<B>> off;
    off.emplace(sigsafe::location::current());
    of.a.lock();
    test::send(SIGUSR1);
    off.reset();
  });
  BOOST_TEST(test::panics(end, direct));
}

// The first lock was taken behind the guard, and given back before the second one.
BOOST_AUTO_TEST_CASE(what_the_interrupted_holder_holds_is_seen_by_any_lock_of_the_handler) {
  is_always_reported(
      [] {
        static locks<exclusively> of;
        static constexpr auto held = [] {
          std::optional<sigsafe::guard> off;
          off.emplace(sigsafe::location::current());
          of.a.lock();
          off.reset();
          in_handler(SIGUSR1, [] { use<exclusively>(of.b); });
          off.emplace(sigsafe::location::current());
          of.a.unlock();
        };
        return std::vector<event>{held,
                                  [] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); }};
      },
      direct);
}

BOOST_AUTO_TEST_CASE(a_lock_of_another_thread_is_the_same_lock) {
  is_always_reported(
      [] {
        static locks<exclusively> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                                  [] { std::thread{[] { use<exclusively>(of.a); }}.join(); }};
      },
      direct);
}

BOOST_AUTO_TEST_CASE(locks_of_two_threads_are_not_in_order) {
  const child_end end = in_child([] {
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    locks<exclusively> of;
    const auto hold_the_other = [](exclusively::lock_type& mine, exclusively::lock_type& other) {
      const std::scoped_lock held{mine};
      std::thread{[&] { use<exclusively>(other); }}.join();
    };
    hold_the_other(of.a, of.b);
    hold_the_other(of.b, of.a);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_mutex_around_it_is_never_reported, B, test::hosted_backends) {
  is_never_reported([] {
    static sigsafe::mutex<int, sigsafe::watched<sigsafe::futex_lock>, B> waitable{0};
    static sigsafe::mutex<int, sigsafe::watched<std::timed_mutex>, B> plain{0};
    static sigsafe::raw_mutex<sigsafe::watched<std::shared_mutex>, B> shared;
    static constexpr auto all = [] {
      ++*waitable.lock();
      ++*plain.lock();
      ++*waitable.try_lock_for(std::chrono::seconds{20});
      ++*plain.try_lock_for(std::chrono::seconds{20});
      { const std::shared_lock locked{shared}; }
    };
    return std::vector<event>{[] { in_handler(SIGUSR1, all); }, all};
  });
}

// A mutex that its users share with handlers, and a lock behind it that they do not hold off for.
BOOST_AUTO_TEST_CASE(a_mutex_around_it_takes_part_in_orders_and_keeps_the_places) {
  static sigsafe::mutex<int, sigsafe::watched<sigsafe::futex_lock>> requests{0};
  static sigsafe::raw_mutex<sigsafe::watched<std::shared_mutex>> table;
  static constexpr auto lock_both = [] {
    ++*requests.lock();
    table.lock_shared();
    table.unlock_shared();
  };
  const unsigned line = __LINE__ - 4;
  const auto events = [](auto& mutex) {
    return [&mutex] {
      static auto& shared = mutex;
      static exclusively::lock_type log;
      return std::vector<event>{[] {
                                  const std::scoped_lock locked{shared};
                                  use<exclusively>(log);
                                },
                                [] { use<exclusively>(log); },
                                [] { in_handler(SIGUSR1, lock_both); }};
    };
  };
  struct lockable {
    void lock() { held.emplace(requests.lock()); }
    void unlock() { held.reset(); }
    std::optional<decltype(requests)::guard_type> held;
  } lockable_requests;
  const std::string first = "; the handler locks at " + place(line);
  const std::string second = "; the handler locks at " + place(line + 1);
  is_always_reported(events(lockable_requests), inverted);
  is_always_reported(events(lockable_requests), first.c_str());
  is_always_reported(events(table), second.c_str());
}

BOOST_AUTO_TEST_CASE(who_only_tries_waits_for_nobody) {
  is_never_reported([] {
    static locks<exclusively> of;
    static constexpr auto attempt = [] {
      if (of.a.try_lock()) of.a.unlock();
    };
    return std::vector<event>{[] { in_handler(SIGUSR1, attempt); }, [] { use<exclusively>(of.a); },
                              [] { const std::scoped_lock both{of.c, of.d}; },
                              [] { const std::scoped_lock both{of.d, of.c}; }};
  });
}

BOOST_AUTO_TEST_CASE(what_was_got_by_trying_is_held) {
  is_always_reported(
      [] {
        static locks<exclusively> of;
        return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                                  [] {
                                    CHILD_REQUIRE(of.a.try_lock());
                                    of.a.unlock();
                                  }};
      },
      direct);
}

BOOST_AUTO_TEST_CASE(a_mask_of_the_program_holds_off_too) {
  is_never_reported([] {
    static locks<exclusively> of;
    return std::vector<event>{[] { in_handler(SIGUSR1, [] { use<exclusively>(of.a); }); },
                              [] {
                                test::block({SIGUSR1});
                                use<exclusively>(of.a);
                                test::unblock({SIGUSR1});
                              }};
  });
}

// Nobody can be interrupted by what is not registered.
BOOST_AUTO_TEST_CASE(what_is_locked_before_the_handler_is_registered_is_not_reported) {
  const child_end end = in_child([] {
    locks<exclusively> of;
    const sigsafe::handler other{SIGUSR2, []() noexcept {}};
    use<exclusively>(of.a);
    in_handler(SIGUSR1, [&] { use<exclusively>(of.a); });
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_held_while_the_handler_is_registered_is_reported) {
  const child_end end = in_child([] {
    locks<exclusively> of;
    const sigsafe::handler other{SIGUSR2, []() noexcept {}};
    of.a.lock();
    const sigsafe::handler there{SIGUSR1, [&]() noexcept { use<exclusively>(of.a); }};
    of.a.unlock();
    test::send(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, direct));
}

BOOST_AUTO_TEST_CASE(nothing_holds_off_a_fault_nor_what_is_not_deferrable) {
  for (const int signal : {SIGSEGV, SIGPROF}) {
    const child_end end = in_child([&] {
      locks<exclusively> of;
      const sigsafe::handler there{
          signal, [&]() noexcept { use<exclusively>(of.a); }, {.deferrable = false}};
      test::send(signal);
      const sigsafe::guard off;
      use<exclusively>(of.a);
    });
    BOOST_TEST(test::panics(end, direct));
    BOOST_TEST(test::panics(end, "nothing holds it off; use atomics in the handler, or try_lock"));
  }
}

BOOST_AUTO_TEST_CASE(the_orders_of_a_destroyed_lock_are_forgotten) {
  const child_end end = in_child([] {
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    using lock = exclusively::lock_type;
    lock a;
    alignas(lock) std::byte memory[sizeof(lock)];
    lock* b = new (memory) lock;
    use<exclusively>(a, *b);
    b->~lock();
    b = new (memory) lock;
    use<exclusively>(*b, a);
    b->lock();
    b->~lock();
    b = new (memory) lock;
    use<exclusively>(a);
    b->~lock();
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_forked_child_holds_what_its_thread_held_and_goes_on) {
  const child_end end = in_child([] {
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    locks<exclusively> of;
    of.a.lock();
    const pid_t child = fork();
    use<exclusively>(of.b);
    of.a.unlock();
    if (child == 0) _exit(0);
    int status = 1;
    CHILD_REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_full_table_is_told_of_once_and_the_rest_goes_on) {
  const child_end end = in_child([] {
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    std::array<exclusively::lock_type, 30> all;
    for (auto& lock : all) lock.lock();
    for (auto& lock : all) lock.unlock();
    CHILD_REQUIRE(all[29].try_lock());
    all[29].unlock();
    in_handler(SIGUSR2, [&] { use<exclusively>(all[1]); });
    const sigsafe::handler late{SIGUSR2, []() noexcept {}};
    use<exclusively>(all[1]);
  });
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (std::size_t at = 0; (at = end.errors.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  BOOST_TEST(count("sigsafe: more than 24 watched locks are held at once: those ") == 1);
  BOOST_TEST(count("sigsafe: more than 72 orders of watched locks: those that come now ") == 1);
  BOOST_TEST(test::panics(end, direct));
}

BOOST_AUTO_TEST_CASE(many_ways_to_use_a_lock_are_all_known) {
  const child_end end = in_child([] {
    locks<exclusively> of;
    for (int signal = SIGRTMIN; signal < SIGRTMIN + 6; ++signal)
      in_handler(signal, [&] { use<exclusively>(of.a); });
    const sigsafe::handler there{SIGRTMIN + 5, []() noexcept {}};
    use<exclusively>(of.a);
  });
  BOOST_TEST(test::panics(end, "with SIGRTMIN+5 enabled"));
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  const child_end end = in_child([] {
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    locks<exclusively> of;
    errno = 77;
    use<exclusively>(of.a);
    CHILD_REQUIRE(errno == 77);
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_condition_variable_takes_it) {
  const child_end end = in_child([] {
    sigsafe::mutex<bool, sigsafe::watched<sigsafe::futex_lock>> ready{false};
    sigsafe::condition_variable changed;
    const sigsafe::handler there{SIGUSR1, [&]() noexcept {
                                   auto locked = ready.lock();
                                   *locked = true;
                                   changed.notify_all(locked);
                                 }};
    std::thread sender{[] { kill(getpid(), SIGUSR1); }};
    auto locked = ready.lock();
    changed.wait(locked, [&] { return *locked; });
    locked.unlock();
    sender.join();
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_time_to_share_waits_and_holds) {
  const auto share_for = [](auto& lock) {
    if (lock.try_lock_shared_for(std::chrono::milliseconds{1})) lock.unlock_shared();
  };
  const auto share_until = [](auto& lock) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1};
    if (lock.try_lock_shared_until(end)) lock.unlock_shared();
  };
  const auto write = [](auto& lock) {
    lock.lock();
    lock.unlock();
  };
  const auto check = [&](auto share) {
    const child_end held = in_child([&] {
      sigsafe::watched<std::shared_timed_mutex> lock;
      in_handler(SIGUSR1, [&] { write(lock); });
      const sigsafe::handler there{SIGUSR1, []() noexcept {}};
      share(lock);
    });
    BOOST_TEST(test::panics(held, direct));
    const child_end waited = in_child([&] {
      sigsafe::watched<std::shared_timed_mutex> lock;
      in_handler(SIGUSR1, [&] { share(lock); });
      const sigsafe::handler there{SIGUSR1, []() noexcept {}};
      write(lock);
    });
    BOOST_TEST(test::panics(waited, direct));
  };
  check(share_for);
  check(share_until);
}

// The second lock of A waits for nobody.
BOOST_AUTO_TEST_CASE(a_recursive_lock_that_is_taken_again_behind_another_is_not_reported) {
  const child_end end = in_child([] {
    sigsafe::watched<std::recursive_mutex> a;
    exclusively::lock_type b;
    const sigsafe::handler there{SIGUSR1, []() noexcept {}};
    a.lock();
    b.lock();
    a.lock();
    a.unlock();
    b.unlock();
    a.unlock();
  });
  BOOST_TEST(test::holds(end));
}

// It interrupts no other: there the signal is passed on.
BOOST_AUTO_TEST_CASE(a_handler_for_one_thread_counts_on_that_one) {
  const auto check = [](bool same_thread) {
    return in_child([=] {
      exclusively::lock_type a;
      const sigsafe::handler there{SIGUSR1,
                                   [&]() noexcept { use<exclusively>(a); },
                                   {.thread = sigsafe::thread_id::current()}};
      test::send(SIGUSR1);
      if (same_thread)
        use<exclusively>(a);
      else
        std::thread{[&] { use<exclusively>(a); }}.join();
    });
  };
  BOOST_TEST(test::holds(check(false)));
  BOOST_TEST(test::panics(check(true), direct));
}

// In a forked child that thread does not exist.
BOOST_AUTO_TEST_CASE(a_handler_for_one_thread_counts_everywhere_behind_a_fork) {
  const child_end end = in_child([] {
    exclusively::lock_type a;
    const sigsafe::handler there{SIGUSR1,
                                 [&]() noexcept { use<exclusively>(a); },
                                 {.thread = sigsafe::thread_id::current()}};
    if (const pid_t child = fork(); child != 0) {
      int status = 0;
      CHILD_REQUIRE(waitpid(child, &status, 0) == child);
      CHILD_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
      _exit(0);
    }
    test::send(SIGUSR1);
    use<exclusively>(a);
    _exit(0);
  });
  BOOST_TEST(WIFEXITED(end.status));
  BOOST_TEST(WEXITSTATUS(end.status) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
