// What a program begins with, and what happens when it cannot begin.
#include <boost/test/unit_test.hpp>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/subset_guard.hpp>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <tests/support/backends.hpp>
#include <tests/support/child.hpp>
#include <tests/support/holds.hpp>
#include <tests/support/programs.hpp>

namespace {

using sigsafe::signal_set;
using test::check_in_child;
using test::output_of;
using test::signals_in;

const sigsafe::string_list print_status{"cat", "/proc/self/status"};

/// The error of spawn, with nothing left behind.
std::system_error error_of(const sigsafe::string_list& arguments,
                           const sigsafe::spawn_options& options = {}) {
  const int before = test::open_descriptors();
  try {
    const sigsafe::child started = sigsafe::spawn(arguments, options);
  } catch (const std::system_error& error) {
    CHILD_REQUIRE(!test::has_children());
    CHILD_REQUIRE(test::open_descriptors() == before);
    CHILD_REQUIRE(sigsafe::reap_children() == 0);
    return error;
  }
  test::fail_child(__FILE__, __LINE__, "spawn has succeeded");
}

bool says(const std::system_error& error, int number, const std::string& text) {
  if (error.code().value() == number && std::string{error.what()}.find(text) != std::string::npos)
    return true;
  dprintf(STDERR_FILENO, "%d: %s\n", error.code().value(), error.what());
  return false;
}

/// What a filter does from now on when the process makes this system call.
void filter_system_call(long number, unsigned action) {
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, action),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{4, program};
  CHILD_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

/// A system call fails from now on.
void refuse_system_call(long number, int error) {
  filter_system_call(number, SECCOMP_RET_ERRNO | static_cast<unsigned>(error));
}

/// A container that has room for one process.
class full_container {
 public:
  full_container() {
    for (const char* const groups : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
      folder_ = std::string{groups} + "/sigsafe-unit-" + std::to_string(getpid());
      if (mkdir(folder_.c_str(), 0755) != 0) continue;
      if (set("pids.max", "1")) return;
      rmdir(folder_.c_str());
    }
    folder_.clear();
  }
  full_container(const full_container&) = delete;
  full_container& operator=(const full_container&) = delete;
  ~full_container() {
    if (exists()) rmdir(folder_.c_str());
  }

  bool exists() const noexcept { return !folder_.empty(); }
  bool enter() const { return set("cgroup.procs", "0"); }

 private:
  bool set(const char* file, const char* value) const {
    const int fd = open((folder_ + '/' + file).c_str(), O_WRONLY | O_CLOEXEC);
    const bool done = fd >= 0 && write(fd, value, 1) == 1;
    close(fd);
    return done;
  }

  std::string folder_;
};

/// A file in a folder of its own.
class script {
 public:
  script(const std::string& text, mode_t mode) {
    char name[] = "/tmp/sigsafe-unit-XXXXXX";
    CHILD_REQUIRE(mkdtemp(name) != nullptr);
    folder_ = name;
    const int fd = open(path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    CHILD_REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    close(fd);
    CHILD_REQUIRE(chmod(folder_.c_str(), 0755) == 0);
  }
  script(const script&) = delete;
  script& operator=(const script&) = delete;
  ~script() {
    unlink(path().c_str());
    rmdir(folder_.c_str());
  }
  [[nodiscard]] std::string path() const { return folder_ + "/program"; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(spawn)

BOOST_AUTO_TEST_CASE(a_plain_program_starts_children) {
  check_in_child([] {
    sigsafe::child program = sigsafe::spawn({"sh", "-c", "exit 7"});
    CHILD_REQUIRE(program.valid() && program.pid() > 0 && program.fd() >= 0);
    const sigsafe::exit_status end = program.wait();
    CHILD_REQUIRE(end && end.exited() && end.code() == 7 && !end.success());
    CHILD_REQUIRE(!test::has_children());
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_child_has_the_program_mask, Backend, test::hosted_backends) {
  check_in_child([] {
    const sigset_t of_program = signal_set{SIGUSR2}.native();
    sigprocmask(SIG_BLOCK, &of_program, nullptr);
    const sigsafe::handler handler{SIGUSR1, []() noexcept {}};
    const sigsafe::basic_guard<Backend> held;
    raise(SIGUSR1);  // with a lazy guard this blocks everything
    CHILD_REQUIRE(signals_in(output_of(print_status), "SigBlk") == signal_set{SIGUSR2});
    CHILD_REQUIRE(signals_in(output_of(print_status), "SigPnd").empty());
  });
}

BOOST_AUTO_TEST_CASE(a_child_blocks_what_was_asked_for) {
  check_in_child([] {
    const sigsafe::guard held;
    const std::string status = output_of(print_status, {.blocked = {SIGHUP, SIGTERM}});
    CHILD_REQUIRE(signals_in(status, "SigBlk") == signal_set{SIGHUP, SIGTERM});
  });
}

BOOST_AUTO_TEST_CASE(the_mask_here_is_what_it_was) {
  check_in_child([] {
    const sigsafe::subset_guard named{{SIGUSR1}};
    const signal_set before = signal_set::blocked();
    CHILD_REQUIRE(!output_of(print_status).empty());
    CHILD_REQUIRE(signal_set::blocked() == before);
    error_of({"/nowhere"});
    CHILD_REQUIRE(signal_set::blocked() == before);
  });
}

BOOST_AUTO_TEST_CASE(a_child_has_default_dispositions) {
  check_in_child([] {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGRTMIN + 1, SIG_IGN);
    const sigsafe::handler handler{SIGUSR1, []() noexcept {}};
    const std::string status = output_of(print_status);
    CHILD_REQUIRE(signals_in(status, "SigIgn").empty());
    CHILD_REQUIRE(signals_in(status, "SigCgt").empty());
  });
}

BOOST_AUTO_TEST_CASE(a_child_ignores_what_was_asked_for) {
  check_in_child([] {
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    const std::string status =
        output_of(print_status, {.ignored = {SIGUSR1}, .keep_ignored = {SIGHUP, SIGINT}});
    CHILD_REQUIRE(signals_in(status, "SigIgn") == (signal_set{SIGUSR1, SIGHUP}));
  });
}

BOOST_AUTO_TEST_CASE(a_signal_for_the_child_before_its_program_runs_no_handler_of_ours) {
  check_in_child([] {
    // Sent to the group by another process, again and again while children start.
    setpgid(0, 0);
    std::atomic<int> foreign{0};
    static thread_local pid_t here = getpid();
    static std::atomic<int>* in_children = &foreign;
    const sigsafe::handler handler{SIGUSR1, []() noexcept {
                                     if (getpid() != here) ++*in_children;
                                   }};
    const pid_t group = getpid();
    const pid_t sender = fork();
    if (sender == 0) {
      setpgid(0, getppid());
      signal(SIGUSR1, SIG_IGN);
      for (;;) kill(-group, SIGUSR1);
    }
    for (int i = 0; i < 30; ++i) {
      sigsafe::child program = sigsafe::spawn({"/bin/true"});
      const sigsafe::exit_status end = program.wait();
      CHILD_REQUIRE(end.success() || end.signal() == SIGUSR1);
    }
    kill(sender, SIGKILL);
    test::status_of(sender);
    CHILD_REQUIRE(foreign == 0);
  });
}

BOOST_AUTO_TEST_CASE(a_child_has_no_descriptor_that_it_was_not_promised) {
  check_in_child([] {
    const int leaked = fcntl(0, F_DUPFD, 7);  // not close-on-exec
    const int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHILD_REQUIRE(leaked >= 7 && kept > 2);
    const std::string test =
        "for fd in 3 4 5 6 7 8 9 10 11 12 13 20; do [ -e /proc/$$/fd/$fd ] && echo $fd; done";
    CHILD_REQUIRE(output_of({"bash", "-c", test.c_str()}).empty());
    CHILD_REQUIRE(output_of({"bash", "-c", test.c_str()},
                            {.descriptors = {{4, kept}, {20, kept}}}) == "4\n20\n");
    const std::string all = output_of({"bash", "-c", test.c_str()}, {.inherit_descriptors = true});
    CHILD_REQUIRE(("\n" + all).find("\n" + std::to_string(leaked) + "\n") != std::string::npos);
  });
}

BOOST_AUTO_TEST_CASE(descriptors_are_closed_one_by_one_where_the_kernel_has_no_close_range) {
  check_in_child([] {
    CHILD_REQUIRE(fcntl(0, F_DUPFD, 9) == 9);
    refuse_system_call(SYS_close_range, ENOSYS);
    CHILD_REQUIRE(output_of({"bash", "-c", "[ -e /proc/$$/fd/9 ] && echo 9"}).empty());
  });
}

BOOST_AUTO_TEST_CASE(descriptors_may_change_places) {
  check_in_child([] {
    test::cloexec_pipe a, b;
    CHILD_REQUIRE(dup2(a.reader(), 20) == 20 && dup2(b.reader(), 21) == 21);
    CHILD_REQUIRE(write(a.writer(), "a", 1) == 1 && write(b.writer(), "b", 1) == 1);
    a.close_writer();
    b.close_writer();
    CHILD_REQUIRE(output_of({"bash", "-c", "cat <&20; echo -; cat <&21"},
                            {.descriptors = {{20, 21}, {21, 20}}}) == "b-\na");
  });
}

BOOST_AUTO_TEST_CASE(standard_streams_are_redirected) {
  check_in_child([] {
    test::cloexec_pipe in, out;
    CHILD_REQUIRE(write(in.writer(), "text", 4) == 4);
    in.close_writer();
    {
      const sigsafe::child program =
          sigsafe::spawn({"sh", "-c", "cat; echo error >&2"},
                         {.error = out.writer(), .input = in.reader(), .output = out.writer()});
      CHILD_REQUIRE(out.read_all() == "texterror\n");
    }
    CHILD_REQUIRE(output_of({"cat"}, {.input = sigsafe::descriptor_source::null_device()}) == "");
  });
}

BOOST_AUTO_TEST_CASE(the_environment_is_changed) {
  check_in_child([] {
    setenv("KEPT", "1", 1);
    setenv("CHANGED", "1", 1);
    setenv("TAKEN", "1", 1);
    const std::string changed =
        output_of({"env"}, {.environment = {"CHANGED=2", "NEW=3", "TAKEN"}});
    CHILD_REQUIRE(changed.find("KEPT=1\n") != std::string::npos);
    CHILD_REQUIRE(changed.find("CHANGED=2\n") != std::string::npos);
    CHILD_REQUIRE(changed.find("CHANGED=1") == std::string::npos);
    CHILD_REQUIRE(changed.find("NEW=3\n") != std::string::npos);
    CHILD_REQUIRE(changed.find("TAKEN") == std::string::npos);
    CHILD_REQUIRE(output_of({"env"}, {.clear_environment = true, .environment = {"A=b"}}) ==
                  "A=b\n");
    CHILD_REQUIRE(std::string{getenv("CHANGED")} == "1");
  });
}

BOOST_AUTO_TEST_CASE(a_child_starts_in_its_directory) {
  check_in_child([] { CHILD_REQUIRE(output_of({"pwd"}, {.directory = "/usr"}) == "/usr\n"); });
}

BOOST_AUTO_TEST_CASE(a_child_has_its_process_group_and_session) {
  check_in_child([] {
    const std::string fields =
        "read -r pid name state parent group session rest </proc/self/stat; "
        "echo $(( pid == group )) $(( pid == session ))";
    CHILD_REQUIRE(output_of({"bash", "-c", fields.c_str()}) == "0 0\n");
    CHILD_REQUIRE(output_of({"bash", "-c", fields.c_str()}, {.process_group = 0}) == "1 0\n");
    CHILD_REQUIRE(output_of({"bash", "-c", fields.c_str()}, {.session = true}) == "1 1\n");
  });
}

BOOST_AUTO_TEST_CASE(a_child_dies_with_its_parent) {
  check_in_child([] {
    test::cloexec_pipe in, out;
    const pid_t parent = fork();
    if (parent == 0) {
      sigsafe::spawn({"cat"},
                     {.input = in.reader(), .output = out.writer(), .parent_death_signal = SIGKILL})
          .detach();
      _exit(0);
    }
    CHILD_REQUIRE(test::status_of(parent) == 0);
    CHILD_REQUIRE(out.read_all() == "");  // nobody can write any more
  });
}

// The tracer stops the child at its first instruction, and kills the parent, which stands still.
BOOST_AUTO_TEST_CASE(a_child_dies_with_a_parent_that_was_gone_before) {
  check_in_child([] {
    const pid_t parent = fork();
    if (parent == 0) {
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      raise(SIGSTOP);
      sigsafe::spawn({"cat"}, {.parent_death_signal = SIGKILL}).detach();
      _exit(0);
    }
    CHILD_REQUIRE(WIFSTOPPED(test::status_of(parent)));
    ptrace(PTRACE_SETOPTIONS, parent, nullptr,
           PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
    ptrace(PTRACE_CONT, parent, nullptr, nullptr);
    CHILD_REQUIRE(test::status_of(parent) >> 8 == (SIGTRAP | (PTRACE_EVENT_VFORK << 8)));
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, parent, nullptr, &message);
    const auto child = static_cast<pid_t>(message);
    CHILD_REQUIRE(WIFSTOPPED(test::status_of(child, __WALL)));
    kill(parent, SIGKILL);
    CHILD_REQUIRE(WIFSIGNALED(test::status_of(parent)));
    ptrace(PTRACE_CONT, child, nullptr, nullptr);
    const int end = test::status_of(child, __WALL);
    CHILD_REQUIRE(WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL);
  });
}

BOOST_AUTO_TEST_CASE(a_program_is_looked_for_in_path_or_not) {
  check_in_child([] {
    const script program{"#!/bin/sh\necho $1\n", 0755};
    setenv("PATH", ("/nowhere:" + program.folder()).c_str(), 1);
    CHILD_REQUIRE(output_of({"program", "found"}) == "found\n");
    CHILD_REQUIRE(says(error_of({"program"}, {.search_path = false}), ENOENT, "program"));
    CHILD_REQUIRE(output_of({"program", "here"}, {.directory = program.folder().c_str(),
                                                  .search_path = false}) == "here\n");
    CHILD_REQUIRE(output_of({"other name", "x"}, {.program = "program"}) == "x\n");
  });
}

BOOST_AUTO_TEST_CASE(arguments_are_strings_of_any_kinds) {
  check_in_child([] {
    const std::string command = "echo $0 $1 $2";
    const std::string_view name = "a name";
    CHILD_REQUIRE(output_of({"sh", "-c", command, name.substr(0, 1), std::string{"b"}, "c"}) ==
                  "a b c\n");
    CHILD_REQUIRE(output_of({std::string{"echo"}, command.substr(0, 4)}) == "echo\n");
    CHILD_REQUIRE(output_of({std::string{"pwd"}}, {.directory = "/usr"}) == "/usr\n");
  });
}

BOOST_AUTO_TEST_CASE(arguments_come_from_any_range) {
  check_in_child([] {
    CHILD_REQUIRE(output_of(std::vector<std::string>{"echo", "a b"}) == "a b\n");
    CHILD_REQUIRE(output_of(std::vector<const char*>{"echo", "c"}) == "c\n");
    const char* const argv[] = {"echo", "d", nullptr};
    CHILD_REQUIRE(output_of(argv) == "d\n");
    try {
      sigsafe::string_list{}.push_back(std::string{"a\0b", 3});
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(says(error, EINVAL, "has a zero in it"));
    }
  });
}

BOOST_AUTO_TEST_CASE(what_cannot_be_executed_is_an_error_with_the_path) {
  check_in_child([] {
    CHILD_REQUIRE(says(error_of({"/nowhere/program"}), ENOENT, "cannot run /nowhere/program"));
    CHILD_REQUIRE(says(error_of({"no-such-program"}), ENOENT,
                       "cannot run no-such-program: no folder of PATH has such a program"));
    CHILD_REQUIRE(says(error_of({""}), ENOENT, "cannot run"));
    const script without_permission{"#!/bin/sh\n", 0644};
    CHILD_REQUIRE(
        says(error_of({without_permission.path().c_str()}), EACCES, without_permission.path()));
    const script without_format{"no magic number", 0755};
    CHILD_REQUIRE(
        says(error_of({without_format.path().c_str()}), ENOEXEC, "does not know its format"));
    const script without_interpreter{"#!/nowhere/sh\n", 0755};
    CHILD_REQUIRE(
        says(error_of({without_interpreter.path().c_str()}), ENOENT, without_interpreter.path()));
  });
}

BOOST_AUTO_TEST_CASE(the_first_that_may_not_be_executed_is_named) {
  check_in_child([] {
    const script forbidden{"#!/bin/sh\n", 0644};
    setenv("PATH", ("/nowhere:" + forbidden.folder() + ":/nowhere").c_str(), 1);
    CHILD_REQUIRE(says(error_of({"program"}), EACCES, forbidden.path()));
  });
}

BOOST_AUTO_TEST_CASE(what_the_child_cannot_have_is_an_error) {
  check_in_child([] {
    CHILD_REQUIRE(says(error_of({"true"}, {.directory = "/nowhere"}), ENOENT, "/nowhere"));
    CHILD_REQUIRE(says(error_of({"true"}, {.input = 999}), EBADF, "its descriptor 0"));
    CHILD_REQUIRE(says(error_of({"true"}, {.input = -1}), EBADF, "its descriptor 0"));
    CHILD_REQUIRE(says(error_of({"true"}, {.descriptors = {{-1, 0}}}), EBADF, "-1 is no number"));
    CHILD_REQUIRE(
        says(error_of({"true"}, {.descriptors = {{0, 1}}, .input = 1}), EINVAL, "named twice"));
    CHILD_REQUIRE(says(error_of({"true"}, {.process_group = getppid()}), EPERM, "group"));
    CHILD_REQUIRE(says(error_of(sigsafe::string_list{}), EINVAL, "no arguments"));
    CHILD_REQUIRE(says(error_of({"true"}, {.parent_death_signal = 99}), EINVAL,
                       "cannot start true: its .parent_death_signal is no signal"));
  });
}

BOOST_AUTO_TEST_CASE(a_full_process_table_is_an_error) {
  check_in_child([] {
    // root, and who may do everything, has no limit.
    if (getuid() == 0) CHILD_REQUIRE(setresuid(65534, 65534, 65534) == 0);
    constexpr rlimit none{0, 0};
    CHILD_REQUIRE(setrlimit(RLIMIT_NPROC, &none) == 0);
    CHILD_REQUIRE(says(error_of({"/bin/true"}), EAGAIN, "raise RLIMIT_NPROC"));
  });
}

BOOST_AUTO_TEST_CASE(no_descriptor_left_is_an_error) {
  check_in_child([] {
    rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    CHILD_REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    // UBSan looks at the type of an object of the standard library once, and needs a pipe for it.
    CHILD_REQUIRE(says(error_of({"/nowhere"}), ENOENT, "cannot run"));
    std::vector<int> taken;
    for (int fd; (fd = dup(0)) >= 0;) taken.push_back(fd);
    try {
      const sigsafe::child started = sigsafe::spawn({"/bin/true"});
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(says(error, EMFILE, "raise RLIMIT_NOFILE"));
    }
    CHILD_REQUIRE(!test::has_children());
    close(taken.back());
    CHILD_REQUIRE(sigsafe::spawn({"/bin/true"}).wait().success());
  });
}

// There the kernel refuses after it has written the descriptor, which has another owner then.
BOOST_AUTO_TEST_CASE(a_limit_of_the_container_closes_no_descriptor_of_others) {
  const full_container container;
  if (!container.exists()) {
    BOOST_TEST_MESSAGE("skipped: no group with a limit of processes can be made here");
    return;
  }
  check_in_child([&] {
    CHILD_REQUIRE(container.enter());
    CHILD_REQUIRE(says(error_of({"/bin/true"}), EAGAIN, "the limit of the container"));
    filter_system_call(SYS_close, SECCOMP_RET_KILL_PROCESS);
    try {
      const sigsafe::child started = sigsafe::spawn({"/bin/true"});
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(says(error, EAGAIN, "the limit of the container"));
    }
  });
}

BOOST_AUTO_TEST_CASE(a_child_that_no_signal_can_be_sent_to_is_let_go) {
  check_in_child([] {
    for (const int error : {EPERM, ENOSYS}) {
      test::cloexec_pipe in;
      {
        const sigsafe::child program = sigsafe::spawn({"cat"}, {.input = in.reader()});
        refuse_system_call(SYS_pidfd_send_signal, error);
      }
      CHILD_REQUIRE(sigsafe::reap_children() == 0);
      in.close_writer();
      while (sigsafe::reap_children() == 0) sched_yield();
    }
  });
}

BOOST_AUTO_TEST_CASE(a_kernel_without_pidfds_is_an_error) {
  check_in_child([] {
    refuse_system_call(SYS_waitid, EINVAL);
    try {
      const sigsafe::child started = sigsafe::spawn({"/bin/true"});
      CHILD_REQUIRE(false);
    } catch (const std::system_error& error) {
      CHILD_REQUIRE(says(error, ENOSYS, "Linux 5.4"));
    }
  });
}

BOOST_AUTO_TEST_CASE(a_filter_without_clone3_changes_nothing_and_one_without_clone_is_an_error) {
  check_in_child([] {
    refuse_system_call(SYS_clone3, ENOSYS);
    CHILD_REQUIRE(sigsafe::spawn({"/bin/true"}).wait().success());
    refuse_system_call(SYS_clone, EPERM);
    CHILD_REQUIRE(says(error_of({"/bin/true"}), EPERM, "seccomp"));
  });
}

BOOST_AUTO_TEST_CASE(spawn_in_a_handler_panics) {
  const test::child_end end = test::in_child([] {
    const sigsafe::handler handler{
        SIGUSR1, []() noexcept { const sigsafe::child never = sigsafe::spawn({"true"}); }};
    raise(SIGUSR1);
  });
  BOOST_TEST(test::panics(end, "spawn inside a handler"));
}

BOOST_AUTO_TEST_CASE(threads_spawn_at_once_while_others_fork) {
  check_in_child([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([i] {
        for (int round = 0; round < 8; ++round) {
          if (i == 0) {
            const pid_t forked = fork();
            if (forked == 0) _exit(0);
            test::status_of(forked);
          } else {
            CHILD_REQUIRE(sigsafe::spawn({"/bin/true"}).wait().success());
          }
        }
      });
    for (std::thread& each : threads) each.join();
    CHILD_REQUIRE(!test::has_children());
  });
}

BOOST_AUTO_TEST_SUITE_END()
