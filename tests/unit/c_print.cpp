// sigsafe.h: sigsafe_print, against the C library's.
#include <boost/test/unit_test.hpp>

#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>

#include <tests/support/allocations.hpp>
#include <tests/support/clean_thread.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/signals.hpp>
#include <tests/support/sleeping.hpp>

namespace {

/// What was written to it.
class sink {
 public:
  sink() { BOOST_REQUIRE(pipe(ends_) == 0); }
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;
  ~sink() {
    close(ends_[0]);
    close(ends_[1]);
  }

  [[nodiscard]] int fd() const noexcept { return ends_[1]; }
  std::string take() const {
    char buffer[4096];
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    const ssize_t size = read(ends_[0], buffer, sizeof(buffer));
    return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
  }

 private:
  int ends_[2];
};

template <class... Arguments>
std::string printed(const char* format, Arguments... arguments) {
  const sink to;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  BOOST_TEST(sigsafe_print(to.fd(), format, arguments...) == 0);
#pragma GCC diagnostic pop
  return to.take();
}

template <class... Arguments>
std::string expected(const char* format, Arguments... arguments) {
  char buffer[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  std::snprintf(buffer, sizeof(buffer), format, arguments...);
#pragma GCC diagnostic pop
  return buffer;
}

/// As the C library prints it.
template <class... Arguments>
void check_as_printf(const char* format, Arguments... arguments) {
  BOOST_TEST(printed(format, arguments...) == expected(format, arguments...));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_print, test::clean_thread)

BOOST_AUTO_TEST_CASE(numbers_are_printed_as_printf_does) {
  for (const char* format : {"%d", "%5d|", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%8.3d",
                             "%-8.3d|", "%+06d", "%.0d|", "%i"})
    for (const int number : {0, 7, -7, 12345, INT_MAX, INT_MIN}) check_as_printf(format, number);
  for (const char* format : {"%u", "%x", "%X", "%#x", "%#X", "%o", "%#o", "%#.0o", "%#.4o", "%#08o",
                             "%08x", "%#010x", "%-10x|"})
    for (const unsigned number : {0U, 9U, 255U, UINT_MAX}) check_as_printf(format, number);
  check_as_printf("%hhd %hd", 300, 70000);
  check_as_printf("%hhu %hu", 300U, 70000U);
  check_as_printf("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
  check_as_printf("%lld %llu", LLONG_MIN, ULLONG_MAX);
  check_as_printf("%zu %zd", SIZE_MAX, static_cast<ssize_t>(-1));
  check_as_printf("%jd %ju %td", INTMAX_MIN, UINTMAX_MAX, PTRDIFF_MIN);
  for (const char* format : {"%tu", "%tx", "%to"})
    check_as_printf(format, static_cast<std::ptrdiff_t>(-9));
  check_as_printf("%*d|%-*d|%.*d", 6, 42, 6, 42, 4, 42);
  check_as_printf("%*d|", -6, 42);
}

BOOST_AUTO_TEST_CASE(text_is_printed_as_printf_does) {
  check_as_printf("plain\n");
  check_as_printf("100%% %c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
  for (const char* format : {"%s|", "%10s|", "%-10s|", "%.2s|", "%10.2s|"})
    for (const char* string : {"", "text", "longer than ten"}) check_as_printf(format, string);
  check_as_printf("%.*s|", 3, "abcdef");
  check_as_printf("%p", static_cast<const void*>("x"));
  BOOST_TEST(printed("%s", static_cast<const char*>(nullptr)) == "(null)");
  BOOST_TEST(printed("%p", static_cast<const void*>(nullptr)) == "0x0");
}

BOOST_AUTO_TEST_CASE(a_string_that_is_not_terminated_is_read_as_far_as_its_precision) {
  const char two[] = {'a', 'b'};
  BOOST_TEST(printed("%.2s", two) == "ab");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_with_a_mark_and_keeps_its_end_of_line) {
  const std::string large(2000, 'x');
  const std::string line = printed("%s\n", large.c_str());
  BOOST_TEST(line.size() == 1024U);
  BOOST_TEST(line.substr(1020) == "...\n");
  const std::string part = printed("%s", large.c_str());
  BOOST_TEST(part.size() == 1024U);
  BOOST_TEST(part.substr(1021) == "...");
  const std::string fits(1023, 'x');
  BOOST_TEST(printed("%s\n", fits.c_str()) == fits + "\n");
  BOOST_TEST(printed("%2000d\n", 1).substr(1020) == "...\n");
  BOOST_TEST(printed("%.2000d\n", 1).size() <= 1024U);
  BOOST_TEST(printed("%99999999999999999999d\n", 1).substr(1020) == "...\n");
}

BOOST_AUTO_TEST_CASE(a_conversion_that_is_not_known_writes_nothing) {
  const sink to;
  for (const char* format :
       {"%f", "%n", "%", "%l", "%y", "%5", "%ls", "%hs", "%lc", "%zp", "%l%"}) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    BOOST_TEST(sigsafe_print(to.fd(), format) == EINVAL, format);
#pragma GCC diagnostic pop
    BOOST_TEST(to.take() == "");
  }
}

BOOST_AUTO_TEST_CASE(errors_of_write_are_returned_and_errno_is_kept) {
  errno = ENOTTY;
  BOOST_TEST(sigsafe_print(-1, "x") == EBADF);
  BOOST_TEST(errno == ENOTTY);
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  errno = ENOTTY;
  BOOST_TEST(sigsafe_print(full, "x") == ENOSPC);
  BOOST_TEST(errno == ENOTTY);
  close(full);
}

// A pipe of one page, that takes the end of a line only when somebody reads.
BOOST_AUTO_TEST_CASE(what_a_pipe_does_not_take_at_once_is_tried_again) {
  test::check_in_child([] {
    int ends[2];
    CHILD_REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
    std::size_t written = 0;
    for (char byte = 'x'; write(ends[1], &byte, 1) == 1;) ++written;
    std::atomic<bool> returned{false};
    std::thread reader{[&, printing = test::own_thread()] {
      test::await_sleep(printing, [&] { return returned.load(); });
      const std::string line(1000, 'y');
      std::string rest;
      char buffer[4096];
      while (rest.size() < written + line.size()) {
        const ssize_t size = read(ends[0], buffer, sizeof(buffer));
        if (size > 0) rest.append(buffer, static_cast<std::size_t>(size));
      }
      CHILD_REQUIRE(rest.substr(written) == line);
    }};
    CHILD_REQUIRE(sigsafe_print(ends[1], "%s", std::string(1000, 'y').c_str()) == 0);
    returned = true;
    reader.join();
  });
}

BOOST_AUTO_TEST_CASE(it_allocates_nothing) {
  const sink to;
  const long before = test::allocations;
  sigsafe_print(to.fd(), "%d %s %p %08x\n", 42, "text", static_cast<const void*>(&to), 7U);
  BOOST_TEST(test::allocations == before);
  BOOST_TEST(to.take().find("42 text 0x") == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
