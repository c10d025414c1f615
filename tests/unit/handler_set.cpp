// Handlers that are registered for a set of signals.
#include <boost/test/unit_test.hpp>

#include <sigsafe/handler.hpp>
#include <sigsafe/wake_signal.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/signal_set.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>

namespace {

using sigsafe::signal_set;
using test::arrived;

using noting = sigsafe::handler<test::note_arrival>;

using test::check_in_child;

bool is_default(int signal) {
  struct sigaction action;
  CHILD_REQUIRE(sigaction(signal, nullptr, &action) == 0);
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

/// From now on the kernel refuses to change what this signal does.
void refuse_sigaction(int signal) {
  const auto argument = [](unsigned index) {
    return static_cast<unsigned>(offsetof(seccomp_data, args) + index * 8);
  };
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(0)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(signal), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  CHILD_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

std::string refusal_of(signal_set signals, sigsafe::handler_options options = {}) {
  try {
    const noting refused{signals, {}, options};
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handler_set)

BOOST_AUTO_TEST_CASE(a_handler_of_a_set_gets_all_of_its_signals) {
  check_in_child([] {
    const noting handler{{SIGINT, SIGTERM, SIGRTMIN + 2}, {}};
    for (int signal : {SIGTERM, SIGRTMIN + 2, SIGINT}) raise(signal);
    CHILD_REQUIRE(arrived.are({SIGTERM, SIGRTMIN + 2, SIGINT}));
    CHILD_REQUIRE(is_default(SIGHUP));
    {
      const sigsafe::lazy::guard off;
      raise(SIGTERM);
      CHILD_REQUIRE(arrived.size() == 3);
    }
    CHILD_REQUIRE(arrived.size() == 4);
  });
}

BOOST_AUTO_TEST_CASE(its_destruction_puts_all_dispositions_back) {
  check_in_child([] {
    signal(SIGTERM, SIG_IGN);
    { const noting handler{{SIGINT, SIGTERM, SIGHUP}, {}}; }
    CHILD_REQUIRE(is_default(SIGINT) && is_default(SIGHUP));
    raise(SIGTERM);
    CHILD_REQUIRE(arrived.size() == 0);
  });
}

BOOST_AUTO_TEST_CASE(it_knows_its_signals) {
  check_in_child([] {
    const noting one{SIGTERM, {}};
    const noting several{{SIGTERM, SIGHUP, SIGINT}, {}};
    CHILD_REQUIRE(one.signals() == signal_set{SIGTERM});
    CHILD_REQUIRE((several.signals() == signal_set{SIGHUP, SIGINT, SIGTERM}));
    CHILD_REQUIRE(several.number() == SIGHUP);
  });
}

BOOST_AUTO_TEST_CASE(it_can_be_for_every_signal_that_can_be_caught) {
  check_in_child([] {
    const noting handler{signal_set::all() - signal_set{SIGKILL, SIGSTOP, sigsafe::wake_signal()},
                         {}};
    for (int signal : handler.signals()) {
      arrived.clear();
      raise(signal);
      CHILD_REQUIRE(arrived.are({signal}));
    }
  });
}

BOOST_AUTO_TEST_CASE(a_signal_that_cannot_be_caught_is_named_and_nothing_is_registered) {
  check_in_child([] {
    CHILD_REQUIRE(refusal_of({SIGINT, SIGKILL, SIGTERM})
                      .starts_with("sigsafe: cannot handle signal 9 (SIGKILL): "));
    CHILD_REQUIRE(refusal_of({SIGINT, 33}).starts_with("sigsafe: cannot handle signal 33: "));
    CHILD_REQUIRE(is_default(SIGINT) && is_default(SIGTERM));
  });
}

BOOST_AUTO_TEST_CASE(an_error_with_one_signal_undoes_the_others) {
  check_in_child([] {
    std::optional<noting> older{std::in_place, SIGHUP, test::note_arrival{}};
    refuse_sigaction(SIGTERM);
    CHILD_REQUIRE(refusal_of({SIGHUP, SIGINT, SIGTERM, SIGUSR1}) ==
                  "sigsafe: cannot handle signal 15 (SIGTERM): sigaction failed: "
                  "Operation not permitted");
    for (int signal : {SIGINT, SIGTERM, SIGUSR1}) CHILD_REQUIRE(is_default(signal));
    raise(SIGHUP);
    CHILD_REQUIRE(arrived.are({SIGHUP}));
    older.reset();
    CHILD_REQUIRE(is_default(SIGHUP));
  });
}

BOOST_AUTO_TEST_CASE(an_error_leaves_nothing_ignored) {
  check_in_child([] {
    refuse_sigaction(SIGTERM);
    CHILD_REQUIRE(refusal_of({SIGINT, SIGTERM}, {.at_end = sigsafe::at_end::ignore}) != "");
    CHILD_REQUIRE(is_default(SIGINT));
  });
}

BOOST_AUTO_TEST_CASE(an_empty_set_is_refused) {
  check_in_child([] {
    for (signal_set none : {signal_set{}, signal_set{0}, signal_set{65}})
      CHILD_REQUIRE(refusal_of(none).starts_with("sigsafe: a handler for an empty set"));
  });
}

BOOST_AUTO_TEST_SUITE_END()
