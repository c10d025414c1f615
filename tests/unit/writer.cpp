// writer.hpp
#include <boost/test/unit_test.hpp>

#include <sigsafe/writer.hpp>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <tests/support/child.hpp>
#include <tests/support/syscalls.hpp>
#include <tests/support/writes.hpp>

namespace {

using strings = std::vector<std::string>;
using test::scripted_writes;

constexpr int any_fd = 9999;

class pipe_ends {
 public:
  explicit pipe_ends(int flags = 0) { BOOST_REQUIRE(pipe2(ends_, flags) == 0); }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close(ends_[0]);
    close(ends_[1]);
  }
  [[nodiscard]] int in() const { return ends_[1]; }
  std::string take() {
    char text[8192];
    const ssize_t size = read(ends_[0], text, sizeof(text));
    return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

 private:
  int ends_[2] = {-1, -1};
};

BOOST_AUTO_TEST_SUITE(writer)

BOOST_AUTO_TEST_CASE(a_print_is_one_system_call) {
  pipe_ends pipe;
  const auto print = [&](int number) {
    sigsafe::print(pipe.in(), "{} and {}\n", number, "two");
    return number;
  };
  // A sanitizer makes calls of its own in the first one.
  const long calls = test::count_system_calls([&] { return print(1); }, print);
  BOOST_TEST(calls == 1);
  BOOST_TEST(pipe.take() == "1 and two\n1 and two\n");
}

BOOST_AUTO_TEST_CASE(a_line_is_one_write_however_it_was_made) {
  scripted_writes writes;
  sigsafe::writer<> out{any_fd};
  for (int i = 0; i < 3; ++i) out.print("{}", i);
  out.print("\n");
  BOOST_TEST(writes.calls().empty());
  BOOST_TEST(out.flush() == 0);
  BOOST_TEST(writes.calls() == strings{"012\n"});
}

BOOST_AUTO_TEST_CASE(lines_are_not_divided_when_the_buffer_is_full) {
  scripted_writes writes;
  std::string all;
  {
    sigsafe::writer<100> out{any_fd};
    for (int i = 0; i < 50; ++i) {
      out.print("line {}", i);
      out.print(" goes on\n");
      all += "line " + std::to_string(i) + " goes on\n";
    }
  }
  BOOST_TEST(writes.taken() == all);
  BOOST_TEST(writes.calls().size() > 5);
  for (const std::string& call : writes.calls()) BOOST_TEST(call.back() == '\n');
}

BOOST_AUTO_TEST_CASE(the_destructor_writes_what_is_left) {
  scripted_writes writes;
  { sigsafe::writer<>{any_fd}.print("left"); }
  BOOST_TEST(writes.taken() == "left");
}

BOOST_AUTO_TEST_CASE(a_flush_of_nothing_writes_nothing) {
  scripted_writes writes;
  sigsafe::writer<> out{any_fd};
  BOOST_TEST(out.flush() == 0);
  out.print("x");
  out.flush();
  out.flush();
  BOOST_TEST(writes.calls() == strings{"x"});
}

BOOST_AUTO_TEST_CASE(what_a_write_leaves_is_written_by_the_next_one) {
  scripted_writes writes{{3, 1}};
  BOOST_TEST(sigsafe::print(any_fd, "0123456789\n") == 0);
  BOOST_TEST(writes.calls() == (strings{"0123456789\n", "3456789\n", "456789\n"}));
  BOOST_TEST(writes.taken() == "0123456789\n");
}

BOOST_AUTO_TEST_CASE(an_interrupted_write_is_made_again) {
  scripted_writes writes{{-EINTR, 4, -EINTR, -EINTR}};
  BOOST_TEST(sigsafe::print(any_fd, "0123456789\n") == 0);
  BOOST_TEST(writes.taken() == "0123456789\n");
  BOOST_TEST(writes.calls().size() == 5);
}

BOOST_AUTO_TEST_CASE(a_write_of_nothing_is_an_error) {
  scripted_writes writes{{0}};
  BOOST_TEST(sigsafe::print(any_fd, "text") == EIO);
}

BOOST_AUTO_TEST_CASE(after_an_error_nothing_is_written_and_flush_tells_it) {
  scripted_writes writes{{2, -ENOSPC}};
  sigsafe::writer<64> out{any_fd};
  BOOST_TEST(out.print("0123456789\n") == 0);
  BOOST_TEST(out.flush() == ENOSPC);
  BOOST_TEST(out.error() == ENOSPC);
  BOOST_TEST(out.print("more\n") == ENOSPC);
  BOOST_TEST(out.flush() == ENOSPC);
  BOOST_TEST(writes.taken() == "01");
  BOOST_TEST(writes.calls().size() == 2);
}

BOOST_AUTO_TEST_CASE(an_error_when_the_buffer_is_full_is_told_by_print) {
  scripted_writes writes{{-EIO}};
  sigsafe::writer<64> out{any_fd};
  BOOST_TEST(out.print("{:50}\n", 1) == 0);
  BOOST_TEST(out.print("{:50}\n", 2) == EIO);
}

BOOST_AUTO_TEST_CASE(errno_is_kept) {
  errno = 1234;
  BOOST_TEST(sigsafe::print(-1, "text") == EBADF);
  BOOST_TEST(errno == 1234);
  sigsafe::writer<64> out{-1};
  out.print("{:50}\n", 1);
  BOOST_TEST(out.print("{:50}\n", 2) == EBADF);
  BOOST_TEST(errno == 1234);
  BOOST_TEST(out.flush() == EBADF);
  BOOST_TEST(errno == 1234);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error) {
  const int full = open("/dev/full", O_WRONLY);
  BOOST_TEST(sigsafe::print(full, "text") == ENOSPC);
  close(full);
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_grow_takes_what_it_may) {
  const test::child_end end = test::in_child([] {
    char name[] = "/tmp/sigsafe-writer-XXXXXX";
    const int fd = mkstemp(name);
    unlink(name);
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    CHILD_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_REQUIRE(sigsafe::print(fd, "{:90}", 1) == 0);
    CHILD_REQUIRE(sigsafe::print(fd, "{:90}", 1) == EFBIG);
    CHILD_REQUIRE(lseek(fd, 0, SEEK_END) == 100);
  });
  BOOST_TEST(end.succeeded(), end);
}

BOOST_AUTO_TEST_CASE(a_pipe_that_does_not_block_and_has_no_room_is_an_error) {
  pipe_ends pipe{O_NONBLOCK};
  int error = 0;
  int lines = 0;
  for (; error == 0; ++lines) error = sigsafe::print(pipe.in(), "line {}\n", lines);
  BOOST_TEST(error == EAGAIN);
  BOOST_TEST(pipe.take().substr(0, 14) == "line 0\nline 1\n");
}

/// A blocked write is interrupted by a handler without SA_RESTART, again and again.
BOOST_AUTO_TEST_CASE(signals_do_not_tear_a_line) {
  pipe_ends pipe;
  BOOST_REQUIRE(fcntl(pipe.in(), F_SETPIPE_SZ, 4096) == 4096);
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, &before);
  std::string expected;
  for (int i = 0; i < 2000; ++i) expected += "line " + std::to_string(i) + "\n";

  std::atomic<bool> done{false};
  int error = -1;
  std::thread writing{[&] {
    sigsafe::writer<16384> out{pipe.in()};
    for (int i = 0; i < 2000; ++i) out.print("line {}\n", i);
    error = out.flush();
    done = true;
    sigsafe::print(pipe.in(), "end");
  }};
  const pthread_t thread = writing.native_handle();
  std::string all;
  while (all.size() < expected.size() + 3) {
    for (int i = 0; i < 20 && !done; ++i) pthread_kill(thread, SIGUSR1);
    all += pipe.take();
  }
  writing.join();
  sigaction(SIGUSR1, &before, nullptr);
  BOOST_TEST(error == 0);
  BOOST_TEST((all == expected + "end"));
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_cut_with_a_mark) {
  scripted_writes writes;
  sigsafe::writer<64> out{any_fd};
  out.print("{:x>100}\n", "");
  out.print("next\n");
  out.flush();
  BOOST_TEST(writes.taken() == std::string(57, 'x') + " [cut]\nnext\n");
}

BOOST_AUTO_TEST_CASE(the_longest_line_that_fits_is_not_cut) {
  scripted_writes writes;
  sigsafe::writer<64> out{any_fd};
  out.print("{:x>56}\n", "");
  out.flush();
  out.print("{:y>57}\n", "");
  out.flush();
  BOOST_TEST(writes.taken() == std::string(56, 'x') + "\n" + std::string(57, 'y') + " [cut]\n");
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_line_that_was_cut_is_dropped) {
  scripted_writes writes;
  sigsafe::writer<64> out{any_fd};
  out.print("first\n");
  out.print("{:x>100}", "");
  out.print("dropped");
  out.print("{:z>100}", "");
  out.print("too\nsecond {}\n", 2);
  out.flush();
  BOOST_TEST(writes.taken() == "first\n" + std::string(57, 'x') + " [cut]\nsecond 2\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_was_cut_may_end_with_an_argument) {
  scripted_writes writes;
  sigsafe::writer<64> out{any_fd};
  out.print("{}", std::string(70, 'x') + "\n");
  out.print("second\n");
  out.print("{:x>100}\n{}", "", "a line of its own");
  out.print(" goes on\n");
  out.print("last\n");
  out.flush();
  const std::string cut = std::string(57, 'x') + " [cut]\n";
  BOOST_TEST(writes.taken() == cut + "second\n" + cut + "last\n");
}

BOOST_AUTO_TEST_CASE(a_line_made_of_pieces_is_cut_as_a_whole) {
  scripted_writes writes;
  sigsafe::writer<64> out{any_fd};
  for (int i = 0; i < 100; ++i) out.print("{:2} ", i);
  out.print("\nnext\n");
  out.flush();
  std::string expected;
  for (int i = 0; i < 19; ++i) expected += (i < 10 ? " " : "") + std::to_string(i) + " ";
  BOOST_TEST(writes.taken() == expected + " [cut]\nnext\n");
}

BOOST_AUTO_TEST_CASE(a_print_that_is_too_long_is_cut) {
  scripted_writes writes;
  BOOST_TEST(sigsafe::print(any_fd, "{}\n", std::string(5000, 'x')) == 0);
  BOOST_TEST(writes.calls() == strings{std::string(1017, 'x') + " [cut]\n"});
}

BOOST_AUTO_TEST_CASE(no_character_is_cut_in_two) {
  for (const std::string character : {"ä", "€", "😀"}) {
    for (int before = 50; before < 60; ++before) {
      scripted_writes writes;
      sigsafe::writer<64> out{any_fd};
      std::string text(static_cast<std::size_t>(before), 'x');
      for (int i = 0; i < 20; ++i) text += character;
      out.print("{}\n", text);
      out.flush();
      const std::string made = writes.taken().substr(0, writes.taken().find(" [cut]"));
      const std::size_t whole = 57 - (57 - static_cast<std::size_t>(before)) % character.size();
      BOOST_TEST(made == text.substr(0, before < 57 ? whole : 57));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_utf8_is_cut_somewhere) {
  scripted_writes writes;
  BOOST_TEST(sigsafe::print(any_fd, "{}", std::string(5000, '\x80')) == 0);
  BOOST_TEST(writes.taken() == std::string(1017, '\x80') + " [cut]\n");
}

BOOST_AUTO_TEST_CASE(it_is_no_cancellation_point) {
  pipe_ends pipe;
  bool went_on = false;
  std::thread cancelled{[&] {
    pthread_cancel(pthread_self());
    sigsafe::print(pipe.in(), "written\n");
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    went_on = state == PTHREAD_CANCEL_ENABLE;
  }};
  cancelled.join();
  BOOST_TEST(went_on);
  BOOST_TEST(pipe.take() == "written\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
