// alternate_stack.hpp
#include <boost/test/unit_test.hpp>

#include <sigsafe/alternate_stack.hpp>

#include <signal.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include <sigsafe/handler.hpp>
#include <sigsafe/src/system/system.hpp>

#include <tests/support/holds.hpp>

namespace {

using test::check_in_child;
using test::in_child;
using test::panics;

stack_t current() noexcept {
  stack_t now{};
  sigaltstack(nullptr, &now);
  return now;
}

bool is_none(const stack_t& stack) noexcept { return (stack.ss_flags & SS_DISABLE) != 0; }

bool is_on_stack() noexcept { return (current().ss_flags & SS_ONSTACK) != 0; }

bool same(const stack_t& a, const stack_t& b) noexcept {
  return a.ss_flags == b.ss_flags && (is_none(a) || (a.ss_sp == b.ss_sp && a.ss_size == b.ss_size));
}

void take_none() noexcept {
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
}

bool is_mapped(const stack_t& stack) noexcept {
  return sigsafe::detail::system::is_readable(stack.ss_sp);
}

/// One that other code gives to the thread.
class foreign_stack {
 public:
  foreign_stack() {
    stack_t wanted{};
    wanted.ss_sp = memory_.get();
    wanted.ss_size = size;
    CHILD_REQUIRE(sigaltstack(&wanted, &before_) == 0);
  }
  foreign_stack(const foreign_stack&) = delete;
  foreign_stack& operator=(const foreign_stack&) = delete;
  ~foreign_stack() { CHILD_REQUIRE(sigaltstack(&before_, nullptr) == 0); }

 private:
  static constexpr std::size_t size = 65536;
  std::unique_ptr<std::byte[]> memory_{new std::byte[size]};
  stack_t before_{};
};

template <class F>
std::string error_of(F function, int number) {
  try {
    function();
  } catch (const std::system_error& error) {
    CHILD_REQUIRE(error.code().value() == number);
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(alternate_stack)

BOOST_AUTO_TEST_CASE(it_has_the_room_asked_for_beside_the_kernels_frame) {
  check_in_child([] {
    const auto frame = static_cast<std::size_t>(getauxval(51));  // AT_MINSIGSTKSZ
    for (std::size_t room : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}}) {
      const sigsafe::alternate_stack stack{room};
      CHILD_REQUIRE(stack.size() >= room + frame && current().ss_size == stack.size());
    }
    const sigsafe::alternate_stack stack;
    CHILD_REQUIRE(stack.size() >= sigsafe::alternate_stack::default_room + frame);
  });
}

BOOST_AUTO_TEST_CASE(handlers_that_want_it_run_there_and_can_use_all_of_it) {
  check_in_child([] {
    constexpr std::size_t room = 20'000;
    const sigsafe::alternate_stack stack{room};
    bool there = false;
    const sigsafe::handler usr1{SIGUSR1,
                                [&]() noexcept {
                                  volatile char used[room / 2];
                                  for (volatile char& each : used) each = 1;
                                  there = is_on_stack();
                                },
                                {.alternate_stack = true}};
    raise(SIGUSR1);
    CHILD_REQUIRE(there && !is_on_stack());
  });
}

BOOST_AUTO_TEST_CASE(below_it_lies_a_page_that_nobody_can_touch) {
  check_in_child([] {
    const sigsafe::alternate_stack stack;
    char* const lowest = static_cast<char*>(current().ss_sp);
    CHILD_REQUIRE(sigsafe::detail::system::is_readable(lowest));
    CHILD_REQUIRE(!sigsafe::detail::system::is_readable(lowest - 8));
    CHILD_REQUIRE(!sigsafe::detail::system::is_readable(lowest - 4096));
  });
}

BOOST_AUTO_TEST_CASE(an_inner_one_gives_the_outer_one_back) {
  check_in_child([] {
    take_none();
    {
      const sigsafe::alternate_stack outer;
      const stack_t of_outer = current();
      {
        const sigsafe::alternate_stack inner;
        CHILD_REQUIRE(current().ss_sp != of_outer.ss_sp);
      }
      CHILD_REQUIRE(same(current(), of_outer));
    }
    CHILD_REQUIRE(is_none(current()));
  });
}

BOOST_AUTO_TEST_CASE(they_are_destroyed_in_any_order) {
  check_in_child([] {
    take_none();
    std::optional<sigsafe::alternate_stack> a{std::in_place}, b, c;
    const stack_t of_a = current();
    b.emplace();
    const stack_t of_b = current();
    c.emplace();
    const stack_t of_c = current();
    b.reset();
    CHILD_REQUIRE(same(current(), of_c) && !is_mapped(of_b));
    a.reset();
    CHILD_REQUIRE(same(current(), of_c) && !is_mapped(of_a));
    c.reset();
    CHILD_REQUIRE(is_none(current()) && !is_mapped(of_c));
  });
}

BOOST_AUTO_TEST_CASE(a_foreign_one_comes_back) {
  check_in_child([] {
    const foreign_stack foreign;
    const stack_t before = current();
    { const sigsafe::alternate_stack stack; }
    CHILD_REQUIRE(same(current(), before));
    std::optional<sigsafe::alternate_stack> a{std::in_place}, b{std::in_place};
    a.reset();
    b.reset();
    CHILD_REQUIRE(same(current(), before));
  });
}

BOOST_AUTO_TEST_CASE(one_that_other_code_has_replaced_stays_for_that) {
  check_in_child([] {
    std::optional<sigsafe::alternate_stack> stack{std::in_place};
    const stack_t ours = current();
    {
      const foreign_stack foreign;
      const stack_t of_foreign = current();
      const sigsafe::alternate_stack above;
      stack.reset();
      CHILD_REQUIRE(!same(current(), of_foreign));
    }
    CHILD_REQUIRE(same(current(), ours) && is_mapped(ours));
    bool there = false;
    const sigsafe::handler usr1{
        SIGUSR1, [&]() noexcept { there = is_on_stack(); }, {.alternate_stack = true}};
    raise(SIGUSR1);
    CHILD_REQUIRE(there);
  });
}

BOOST_AUTO_TEST_CASE(each_thread_has_its_own_until_it_ends) {
  check_in_child([] {
    const sigsafe::alternate_stack mine;
    const stack_t before = current();
    stack_t of_thread{};
    std::thread{[&] {
      thread_local const sigsafe::alternate_stack stack;
      CHILD_REQUIRE(stack.size() != 0 && !same(current(), before));
      of_thread = current();
    }}.join();
    CHILD_REQUIRE(same(current(), before) && !is_mapped(of_thread));
  });
}

BOOST_AUTO_TEST_CASE(a_forked_child_has_it_too) {
  check_in_child([] {
    std::optional<sigsafe::alternate_stack> stack{std::in_place};
    const pid_t child = fork();
    bool there = false;
    const sigsafe::handler usr1{
        SIGUSR1, [&]() noexcept { there = is_on_stack(); }, {.alternate_stack = true}};
    raise(SIGUSR1);
    CHILD_REQUIRE(there);
    stack.reset();
    if (child == 0) _exit(0);
    CHILD_REQUIRE(test::status_of(child) == 0);
  });
}

BOOST_AUTO_TEST_CASE(destroying_it_on_another_thread_panics) {
  BOOST_TEST(panics(in_child([] {
                      auto stack = std::make_unique<sigsafe::alternate_stack>();
                      std::thread{[&] { stack.reset(); }}.join();
                    }),
                    "destroyed on another thread than its own"));
}

BOOST_AUTO_TEST_CASE(destroying_it_while_a_handler_runs_on_it_panics) {
  BOOST_TEST(panics(in_child([] {
                      static std::optional<sigsafe::alternate_stack> stack;
                      stack.emplace();
                      const sigsafe::handler usr1{
                          SIGUSR1, []() noexcept { stack.reset(); }, {.alternate_stack = true}};
                      raise(SIGUSR1);
                    }),
                    "destroyed while a handler runs on it"));
}

BOOST_AUTO_TEST_CASE(exit_may_destroy_it_anywhere) {
  check_in_child([] {
    static const sigsafe::alternate_stack stack;
    std::thread{[] { std::exit(0); }}.join();
  });
  check_in_child([] {
    static const sigsafe::alternate_stack stack;
    const sigsafe::handler usr1{
        SIGUSR1, []() noexcept { std::exit(0); }, {.alternate_stack = true}};
    raise(SIGUSR1);
  });
}

BOOST_AUTO_TEST_CASE(one_for_which_there_is_no_memory_is_an_error_and_changes_nothing) {
  check_in_child([] {
    const stack_t before = current();
    for (std::size_t room : {SIZE_MAX, SIZE_MAX - (1U << 24)}) {
      const std::string text =
          error_of([&] { const sigsafe::alternate_stack stack{room}; }, ENOMEM);
      CHILD_REQUIRE(contains(text, "sigsafe: no memory for an alternate stack"));
    }
    CHILD_REQUIRE(same(current(), before));
  });
}

BOOST_AUTO_TEST_CASE(one_that_is_made_in_a_handler_that_runs_on_another_is_an_error) {
  check_in_child([] {
    const sigsafe::alternate_stack stack;
    bool refused = false;
    const auto make_another = [&]() noexcept {
      const std::string text = error_of([] { const sigsafe::alternate_stack another; }, EPERM);
      refused = contains(text, "make alternate_stack outside of handlers");
    };
    const sigsafe::handler usr1{SIGUSR1, make_another, {.alternate_stack = true}};
    raise(SIGUSR1);
    CHILD_REQUIRE(refused);
  });
}

BOOST_AUTO_TEST_SUITE_END()
