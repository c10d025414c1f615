// panic.hpp
#include <boost/test/unit_test.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/panic.hpp>

#include <tests/support/backends.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>

namespace {

using sigsafe::panic_info;
using test::child_end;
using test::in_child;

/// What each write(2) to standard error carried: a socket keeps their boundaries.
template <class F>
std::vector<std::string> writes_of(F&& function) {
  int ends[2];
  BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
  const child_end end = in_child([&] {
    dup2(ends[1], STDERR_FILENO);
    function();
  });
  BOOST_TEST(end.killed_by(SIGABRT), end);
  close(ends[1]);
  std::vector<std::string> writes;
  char buffer[4096];
  for (ssize_t size; (size = recv(ends[0], buffer, sizeof(buffer), 0)) > 0;)
    writes.emplace_back(buffer, static_cast<std::size_t>(size));
  close(ends[0]);
  return writes;
}

bool same_text(const char* a, const char* b) { return std::strcmp(a, b) == 0; }

void returns(const panic_info&) noexcept { dprintf(STDERR_FILENO, "replaced"); }

void checks_and_exits(const panic_info& info) noexcept {
  CHILD_REQUIRE(same_text(info.what, "what"));
  CHILD_REQUIRE(same_text(info.where.file, "file"));
  CHILD_REQUIRE(info.where.line == 12);
  CHILD_REQUIRE(same_text(info.other_label, "label"));
  CHILD_REQUIRE(same_text(info.other.file, "other"));
  CHILD_REQUIRE(info.other.line == 34);
  _exit(0);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(panic, test::clean_thread)

BOOST_AUTO_TEST_CASE(it_writes_one_line_with_one_write_and_aborts) {
  const auto writes = writes_of([] { sigsafe::panic("something is wrong", {"file.cpp", 12}); });
  BOOST_REQUIRE(writes.size() == 1U);
  BOOST_TEST(writes[0] == "sigsafe: file.cpp:12: something is wrong\n");
}

BOOST_AUTO_TEST_CASE(it_writes_both_places) {
  const auto writes = writes_of(
      [] { sigsafe::panic({"what", {"a.cpp", 1}, "the other one is at", {"b.cpp", 4294967295}}); });
  BOOST_REQUIRE(writes.size() == 1U);
  BOOST_TEST(writes[0] == "sigsafe: a.cpp:1: what; the other one is at b.cpp:4294967295\n");
}

BOOST_AUTO_TEST_CASE(a_place_that_is_not_known_is_left_out) {
  const auto writes = writes_of([] { sigsafe::panic("what", {nullptr, 0}); });
  BOOST_REQUIRE(writes.size() == 1U);
  BOOST_TEST(writes[0] == "sigsafe: what\n");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_and_still_one_line) {
  const std::string text(5000, 'x');
  for (const unsigned line : {7U, 4294967295U}) {
    const auto writes = writes_of([&] {
      sigsafe::panic({text.c_str(), {"file", line}, text.c_str(), {text.c_str(), line}});
    });
    BOOST_REQUIRE(writes.size() == 1U);
    BOOST_TEST(writes[0].size() == 1024U);
    BOOST_TEST(writes[0].rfind("sigsafe: file:" + std::to_string(line) + ": xxx", 0) == 0U);
    BOOST_TEST(writes[0].find('\n') == 1023U);
  }
}

BOOST_AUTO_TEST_CASE(a_replaced_function_gets_what_was_found) {
  const child_end end = in_child([] {
    sigsafe::set_panic_function(checks_and_exits);
    sigsafe::panic({"what", {"file", 12}, "label", {"other", 34}});
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(one_place_comes_without_a_second) {
  const child_end end = in_child([] {
    sigsafe::set_panic_function([](const panic_info& info) noexcept {
      CHILD_REQUIRE(info.other_label == nullptr);
      CHILD_REQUIRE(info.other.file == nullptr);
      _exit(0);
    });
    sigsafe::panic("what", sigsafe::location::current());
  });
  BOOST_TEST(test::holds(end));
}

BOOST_AUTO_TEST_CASE(a_replaced_function_that_returns_is_followed_by_abort) {
  const child_end end = in_child([] {
    sigsafe::set_panic_function(returns);
    sigsafe::panic("what", {"file", 1});
  });
  BOOST_TEST(test::killed(end, SIGABRT, "replaced"));
}

BOOST_AUTO_TEST_CASE(replacing_returns_the_function_before_and_null_puts_the_default_back) {
  const child_end end = in_child([] {
    const sigsafe::panic_function standard = sigsafe::set_panic_function(returns);
    CHILD_REQUIRE(standard != nullptr && standard != returns);
    CHILD_REQUIRE(sigsafe::set_panic_function(checks_and_exits) == returns);
    CHILD_REQUIRE(sigsafe::set_panic_function(nullptr) == checks_and_exits);
    CHILD_REQUIRE(sigsafe::set_panic_function(nullptr) == standard);
    sigsafe::panic("the default again", {"file", 1});
  });
  BOOST_TEST(test::killed(end, SIGABRT, "sigsafe: file:1: the default again\n"));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_heard_inside_a_guard_and_inside_a_handler, B,
                              test::hosted_backends) {
  const child_end guarded = in_child([] {
    const sigsafe::basic_guard<B> off;
    sigsafe::panic("guarded", {"file", 1});
  });
  BOOST_TEST(test::killed(guarded, SIGABRT, "sigsafe: file:1: guarded\n"));
  const child_end handled = in_child([] {
    const sigsafe::handler usr1{SIGUSR1, []() noexcept { sigsafe::panic("handled", {"file", 2}); }};
    const sigsafe::basic_guard<B> off;
    raise(SIGUSR1);
    dprintf(STDERR_FILENO, "inside ");
  });
  BOOST_TEST(test::killed(handled, SIGABRT, "inside sigsafe: file:2: handled\n"));
}

BOOST_AUTO_TEST_CASE(a_cancelled_thread_panics_with_its_line) {
  const child_end end = in_child([] {
    pthread_cancel(pthread_self());
    sigsafe::panic("what", {"file", 1});
  });
  BOOST_TEST(test::killed(end, SIGABRT, "sigsafe: file:1: what\n"));
}

BOOST_AUTO_TEST_CASE(a_handler_of_sigabrt_still_runs) {
  const child_end end = in_child([] {
    const sigsafe::handler abort{SIGABRT, []() noexcept { dprintf(STDERR_FILENO, "last words"); }};
    const sigsafe::guard off;
    sigsafe::panic("what", {"file", 1});
  });
  BOOST_TEST(test::killed(end, SIGABRT, "sigsafe: file:1: what\nlast words"));
}

BOOST_AUTO_TEST_CASE(a_handler_of_sigabrt_that_panics_ends_the_process) {
  const test::child_end end = test::in_child(
      [] {
        const sigsafe::handler abrt{
            SIGABRT, []() noexcept { sigsafe::panic("in the handler", {nullptr, 0}); }};
        sigsafe::panic("first", {nullptr, 0});
      },
      10);
  BOOST_TEST(test::killed(end, SIGABRT, "sigsafe: first\nsigsafe: in the handler\n"));
}

BOOST_AUTO_TEST_SUITE_END()
