// replace_file.hpp
#include <boost/test/unit_test.hpp>

#include <sigsafe/replace_file.hpp>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

#include <sigsafe/handler.hpp>

#include <tests/support/child.hpp>

namespace {

namespace files = std::filesystem;
using sigsafe::replace_file;

class folder {
 public:
  folder() {
    std::string name = files::temp_directory_path() / "sigsafe-replace-XXXXXX";
    BOOST_REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { files::remove_all(path_); }

  [[nodiscard]] std::string file(const std::string& name = "file") const { return path_ / name; }
  /// How many files there are: none of those that were to become "file" may be left.
  [[nodiscard]] long count() const {
    return std::distance(files::directory_iterator{path_}, files::directory_iterator{});
  }

 private:
  files::path path_;
};

std::string content(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream{name}.rdbuf();
  return text.str();
}

constexpr auto writes_new = [](auto& out) noexcept { out.print("new {}\n", 1); };

BOOST_AUTO_TEST_SUITE(replace_file_)

BOOST_AUTO_TEST_CASE(makes_a_file_with_this_mode) {
  const folder in;
  const mode_t mask = umask(022);
  errno = 1234;
  BOOST_TEST(replace_file(in.file().c_str(), 0664, writes_new) == 0);
  BOOST_TEST(errno == 1234);
  umask(mask);
  BOOST_TEST(content(in.file()) == "new 1\n");
  struct stat status{};
  BOOST_REQUIRE(stat(in.file().c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777) == 0644U);
  BOOST_TEST(in.count() == 1);
}

BOOST_AUTO_TEST_CASE(replaces_the_old_file_when_the_new_one_is_whole) {
  const folder in;
  std::ofstream{in.file()} << "old";
  std::string meanwhile;
  const int error = replace_file(in.file().c_str(), 0644, [&](auto& out) noexcept {
    for (int i = 0; i < 5000; ++i) out.print("line {}\n", i);
    meanwhile = content(in.file());
  });
  BOOST_TEST(error == 0);
  BOOST_TEST(meanwhile == "old");
  BOOST_TEST(content(in.file()).substr(0, 14) == "line 0\nline 1\n");
  BOOST_TEST(content(in.file()).ends_with("line 4999\n"));
  BOOST_TEST(in.count() == 1);
}

void check_that_nothing_changes(int expected, auto&& write) {
  const folder in;
  std::ofstream{in.file()} << "old";
  errno = 1234;
  BOOST_TEST(replace_file(in.file().c_str(), 0644, write) == expected);
  BOOST_TEST(errno == 1234);
  BOOST_TEST(content(in.file()) == "old");
  BOOST_TEST(in.count() == 1);
}

BOOST_AUTO_TEST_CASE(nothing_changes_when_the_function_gives_up) {
  check_that_nothing_changes(ECANCELED, [](auto& out) noexcept -> int {
    out.print("text\n");
    return ECANCELED;
  });
}

BOOST_AUTO_TEST_CASE(nothing_changes_when_the_descriptor_is_closed) {
  check_that_nothing_changes(EBADF, [](auto& out) noexcept {
    out.print("text\n");
    close(out.fd());
  });
}

BOOST_AUTO_TEST_CASE(nothing_changes_when_the_disk_is_full) {
  const test::child_end end = test::in_child([] {
    signal(SIGXFSZ, SIG_IGN);
    const folder in;
    std::ofstream{in.file()} << "old";
    const rlimit limit{5000, 5000};
    CHILD_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const int error = replace_file(in.file().c_str(), 0644, [](auto& out) noexcept {
      for (int i = 0; i < 5000; ++i) out.print("line {}\n", i);
    });
    CHILD_REQUIRE(error == EFBIG);
    CHILD_REQUIRE(content(in.file()) == "old");
    CHILD_REQUIRE(in.count() == 1);
  });
  BOOST_TEST(end.succeeded(), end);
}

BOOST_AUTO_TEST_CASE(nothing_changes_when_there_is_no_descriptor) {
  const test::child_end end = test::in_child([] {
    const folder in;
    std::ofstream{in.file()} << "old";
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit none{0, limit.rlim_max};
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const int error = replace_file(in.file().c_str(), 0644, writes_new);
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHILD_REQUIRE(error == EMFILE);
    CHILD_REQUIRE(content(in.file()) == "old");
    CHILD_REQUIRE(in.count() == 1);
  });
  BOOST_TEST(end.succeeded(), end);
}

BOOST_AUTO_TEST_CASE(a_folder_is_not_replaced) {
  const folder in;
  files::create_directory(in.file());
  BOOST_TEST(replace_file(in.file().c_str(), 0644, writes_new) == EISDIR);
  BOOST_TEST(in.count() == 1);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_missing_is_an_error) {
  const folder in;
  bool called = false;
  const int error =
      replace_file(in.file("none/file").c_str(), 0644, [&](auto&) noexcept { called = true; });
  BOOST_TEST(error == ENOENT);
  BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_too_long_is_an_error) {
  const folder in;
  BOOST_TEST(replace_file(in.file(std::string(250, 'x')).c_str(), 0644, writes_new) ==
             ENAMETOOLONG);
  BOOST_TEST(replace_file(std::string(PATH_MAX - 2, 'x').c_str(), 0644, writes_new) ==
             ENAMETOOLONG);
  BOOST_TEST(replace_file(std::string(2 * PATH_MAX, 'x').c_str(), 0644, writes_new) ==
             ENAMETOOLONG);
  BOOST_TEST(in.count() == 0);
}

BOOST_AUTO_TEST_CASE(a_link_is_replaced_and_not_what_it_names) {
  const folder in;
  std::ofstream{in.file("target")} << "old";
  files::create_symlink(in.file("target"), in.file());
  BOOST_TEST(replace_file(in.file().c_str(), 0644, writes_new) == 0);
  BOOST_TEST(!files::is_symlink(in.file()));
  BOOST_TEST(content(in.file("target")) == "old");
}

BOOST_AUTO_TEST_CASE(a_handler_replaces_the_file_that_it_has_interrupted) {
  const folder in;
  const std::string name = in.file();
  int inner = -1;
  const sigsafe::handler on_usr1{
      SIGUSR1, [&]() noexcept { inner = replace_file(name.c_str(), 0644, writes_new); }};
  std::string meanwhile;
  const int outer = replace_file(name.c_str(), 0644, [&](auto& out) noexcept {
    out.print("outer\n");
    raise(SIGUSR1);
    meanwhile = content(name);
  });
  BOOST_TEST(inner == 0);
  BOOST_TEST(outer == 0);
  BOOST_TEST(meanwhile == "new 1\n");
  BOOST_TEST(content(name) == "outer\n");
  BOOST_TEST(in.count() == 1);
}

BOOST_AUTO_TEST_CASE(what_a_dead_process_has_left_is_in_nobodys_way) {
  const folder in;
  for (int n = 0; n < 3; ++n)
    std::ofstream{in.file("file." + std::to_string(getpid()) + "-" + std::to_string(n) + ".new")}
        << "left";
  BOOST_TEST(replace_file(in.file().c_str(), 0644, writes_new) == 0);
  BOOST_TEST(content(in.file()) == "new 1\n");
  BOOST_TEST(in.count() == 4);
}

BOOST_AUTO_TEST_CASE(it_is_no_cancellation_point) {
  const folder in;
  int error = -1;
  std::thread cancelled{[&] {
    pthread_cancel(pthread_self());
    error = replace_file(in.file().c_str(), 0644, [](auto& out) noexcept {
      out.print("text\n");
      pthread_testcancel();
    });
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  }};
  cancelled.join();
  BOOST_TEST(error == 0);
  BOOST_TEST(content(in.file()) == "text\n");
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left_open) {
  const folder in;
  const int before = dup(0);
  close(before);
  replace_file(in.file().c_str(), 0644, writes_new);
  replace_file(in.file().c_str(), 0644, [](auto&) noexcept -> int { return EIO; });
  files::create_directory(in.file("folder"));
  replace_file(in.file("folder").c_str(), 0644, writes_new);
  const int after = dup(0);
  close(after);
  BOOST_TEST(after == before);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
