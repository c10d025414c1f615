// Handlers of sigsafe and of a library that come and go in crossed order: each signal must reach
// those who are there, and what stood there before them, exactly once.
#include <boost/test/unit_test.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/signals.hpp>

namespace {

using test::child_end;
using test::in_resting_child;
using test::send;

/// Who was called, one letter each: A and B are sigsafe's, L and M libraries', d stood there first.
struct {
  char letters[64];
  int size;
  void add(char letter) noexcept { letters[size++] = letter; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {letters, static_cast<std::size_t>(size)};
  }
} called;

struct noting {
  char letter;
  void operator()() const noexcept { called.add(letter); }
};

/// A library that saves what it finds, calls it, and puts it back.
template <char Letter>
struct library {
  static inline struct sigaction found;

  // A handler that signal() has put back is called as what it is not.
  __attribute__((no_sanitize("undefined"))) static void handle(int signal, siginfo_t* info,
                                                               void* context) {
    called.add(Letter);
    if ((found.sa_flags & SA_SIGINFO) != 0)
      found.sa_sigaction(signal, info, context);
    else if (found.sa_handler != SIG_DFL && found.sa_handler != SIG_IGN)
      found.sa_handler(signal);
  }
  static void install() {
    struct sigaction action{};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    CHILD_REQUIRE(sigaction(SIGUSR1, &action, &found) == 0);
  }
  static void put_back(bool by_signal) {
    if (by_signal)
      signal(SIGUSR1, found.sa_handler);
    else
      sigaction(SIGUSR1, &found, nullptr);
  }
};

/// A capital letter comes, a small one goes; ! is a signal.
class stage {
 public:
  explicit stage(sigsafe::handler_options options, bool by_signal = false)
      : options_(options), by_signal_(by_signal) {}

  void play(std::string_view steps) {
    for (const char step : steps) switch (step) {
        case 'A': a_.emplace(both, noting{'A'}, options_); break;
        case 'a': a_.reset(); break;
        case 'B': b_.emplace(both, noting{'B'}, options_); break;
        case 'b': b_.reset(); break;
        case 'L': library<'L'>::install(); break;
        case 'l': library<'L'>::put_back(by_signal_); break;
        case 'M': library<'M'>::install(); break;
        case 'm': library<'M'>::put_back(by_signal_); break;
        case '!': send(SIGUSR1); break;
        default: CHILD_REQUIRE(false);
      }
  }

 private:
  static constexpr sigsafe::signal_set both{SIGUSR1, SIGUSR2};
  sigsafe::handler_options options_;
  bool by_signal_;
  std::optional<sigsafe::handler<noting>> a_;
  std::optional<sigsafe::handler<noting>> b_;
};

/// What a signal calls after these steps. The last column: in a child for which the handlers are
/// not.
struct crossing {
  const char* steps;
  const char* plain;
  const char* chaining;
  const char* in_child;
};
constexpr crossing crossings[]{
    {"A", "A", "Ad", "d"},
    {"Aa", "d", "d", "d"},
    {"AL", "LA", "LAd", "Ld"},
    {"ALa", "Ld", "Ld", "Ld"},
    {"ALal", "d", "d", "d"},
    {"ALalL", "Ld", "Ld", "Ld"},
    {"ALl", "A", "Ad", "d"},
    {"ALla", "d", "d", "d"},
    // sigsafe, a library, sigsafe again
    {"ALaB", "B", "BLd", "Ld"},
    {"ALaBb", "Ld", "Ld", "Ld"},
    {"ALaBbl", "d", "d", "d"},
    {"ALaBblA", "A", "Ad", "d"},
    {"ALaBblAa", "d", "d", "d"},
    {"ALalBb", "d", "d", "d"},
    {"ALB", "BA", "BALd", "Ld"},
    {"ALBa", "B", "BLd", "Ld"},
    {"ALBb", "A", "ALd", "Ld"},
    {"ALBab", "Ld", "Ld", "Ld"},
    {"ALBba", "Ld", "Ld", "Ld"},
    {"ALBbal", "d", "d", "d"},
    // two libraries
    {"ALMa", "MLd", "MLd", "MLd"},
    {"ALMam", "Ld", "Ld", "Ld"},
    {"ALMaml", "d", "d", "d"},
    {"ALaBMb", "MLd", "MLd", "MLd"},
    {"ALaBMbm", "Ld", "Ld", "Ld"},
    {"ALaBMbm!l", "d", "d", "d"},
    // a library goes beneath sigsafe, and takes its handler away
    {"LA", "A", "ALd", "Ld"},
    {"LAa", "Ld", "Ld", "Ld"},
    {"LAl", "d", "d", "d"},
    {"LAla", "d", "d", "d"},
    {"LAlaB", "B", "Bd", "d"},
    {"LAlaBb", "d", "d", "d"},
};

enum class hold { none, lazy, eager };

void send_in(hold kind) {
  std::optional<sigsafe::lazy::guard> lazy;
  std::optional<sigsafe::guard> eager;
  if (kind == hold::lazy) lazy.emplace(sigsafe::location::current());
  if (kind == hold::eager) eager.emplace(sigsafe::location::current());
  send(SIGUSR1);
}

/// Twice: what the first signal leaves must be as good.
void check_called(const char* expected, hold kind) {
  for (int i = 0; i < 2; ++i) {
    called.size = 0;
    send_in(kind);
    if (called.text() == expected) continue;
    called.add('\0');
    dprintf(STDERR_FILENO, "%s were called, not %s\n", called.letters, expected);
    CHILD_REQUIRE(called.text() == expected);
  }
}

void stood_first(int) { called.add('d'); }

template <class Check>
void for_all(Check check) {
  for (const crossing& one : crossings)
    for (const hold kind : {hold::none, hold::lazy, hold::eager})
      BOOST_TEST_CONTEXT(one.steps << ", hold " << static_cast<int>(kind)) check(one, kind);
}

constexpr sigsafe::handler_options chaining{.chain = true};
constexpr sigsafe::handler_options not_for_children{.in_child = false};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(crossed_order, test::clean_thread)

BOOST_AUTO_TEST_CASE(each_is_called_once_and_what_stood_there_first_is_not_lost) {
  for_all([](const crossing& one, hold kind) {
    for (const bool chains : {false, true})
      for (const bool by_signal : {false, true}) {
        if (by_signal && kind != hold::none) continue;
        BOOST_TEST_CONTEXT("chaining " << chains << ", put back by signal() " << by_signal)
        BOOST_TEST(test::holds(in_resting_child([&] {
          signal(SIGUSR1, stood_first);
          stage all{chains ? chaining : sigsafe::handler_options{}, by_signal};
          all.play(one.steps);
          check_called(chains ? one.chaining : one.plain, kind);
        })));
      }
  });
}

BOOST_AUTO_TEST_CASE(what_was_ignored_first_is_ignored) {
  for_all([](const crossing& one, hold kind) {
    BOOST_TEST(test::holds(in_resting_child([&] {
      signal(SIGUSR1, SIG_IGN);
      stage all{chaining};
      all.play(one.steps);
      std::string expected = one.chaining;
      std::erase(expected, 'd');
      check_called(expected.c_str(), kind);
    })));
  });
}

BOOST_AUTO_TEST_CASE(a_default_action_that_stood_there_first_is_taken) {
  for_all([](const crossing& one, hold kind) {
    const child_end end = test::in_child([&] {
      stage all{{}};
      all.play(one.steps);
      send_in(kind);
    });
    // A library that came first has found no function, and calls none.
    const bool kills = std::string_view{one.plain} == "d" ||
                       (one.steps[0] == 'A' && std::strchr(one.plain, 'd') != nullptr);
    BOOST_TEST((kills ? end.killed_by(SIGUSR1) : end.succeeded()), end);
  });
}

BOOST_AUTO_TEST_CASE(in_a_child_for_which_they_are_not) {
  for_all([](const crossing& one, hold kind) {
    BOOST_TEST(test::holds(in_resting_child([&] {
      signal(SIGUSR1, stood_first);
      stage all{not_for_children};
      all.play(one.steps);
      const child_end end = test::in_child([&] { check_called(one.in_child, kind); });
      if (!end.succeeded()) dprintf(STDERR_FILENO, "%s", end.errors.c_str());
      CHILD_REQUIRE(end.succeeded());
    })));
  });
}

BOOST_AUTO_TEST_CASE(a_handler_that_does_not_chain_stops_the_chain_beneath_a_library_too) {
  BOOST_TEST(test::holds(in_resting_child([] {
    signal(SIGUSR1, stood_first);
    const sigsafe::handler lower{SIGUSR1, noting{'A'}};
    stage all{chaining};
    all.play("LB");
    check_called("BAL", hold::none);
  })));
}

BOOST_AUTO_TEST_CASE(another_signal_of_the_same_handlers_is_not_touched) {
  BOOST_TEST(test::holds(in_resting_child([] {
    signal(SIGUSR1, stood_first);
    signal(SIGUSR2, stood_first);
    stage all{chaining};
    for (const auto& [steps, expected] : {std::pair{"AL", "Ad"},
                                          {"a", "d"},
                                          {"B", "Bd"},
                                          {"b", "d"},
                                          {"l", "d"},
                                          {"A", "Ad"},
                                          {"a", "d"}}) {
      all.play(steps);
      called.size = 0;
      send(SIGUSR2);
      CHILD_REQUIRE(called.text() == expected);
    }
  })));
}

// Behind a deferral, where a library's call is noted, and its handlers go before the release.
BOOST_AUTO_TEST_CASE(handlers_that_go_before_the_release_leave_a_call_to_what_stood_there_first) {
  for (const bool behind : {false, true})
    BOOST_TEST(test::holds(in_resting_child([=] {
      signal(SIGUSR1, stood_first);
      const sigsafe::handler hup{SIGHUP, noting{'h'}};
      stage all{{}};
      all.play("AL");
      {
        const sigsafe::lazy::guard off;
        if (behind) {
          send(SIGHUP);
          test::unblock({SIGUSR1});
        }
        send(SIGUSR1);
        CHILD_REQUIRE(called.text() == "L");
        all.play("a");
      }
      CHILD_REQUIRE(called.text() == (behind ? "Lhd" : "Ld"));
    })));
}

// With its stack and its mask, and for a program that is executed.
BOOST_AUTO_TEST_CASE(the_first_signal_that_meets_nobody_puts_the_disposition_back) {
  BOOST_TEST(test::holds(in_resting_child([] {
    signal(SIGUSR1, stood_first);
    stage all{{}};
    all.play("ALal");
    send(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, nullptr, &now);
    CHILD_REQUIRE(now.sa_handler == stood_first || test::under_thread_sanitizer);
  })));
}

BOOST_AUTO_TEST_SUITE_END()
