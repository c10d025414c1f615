#include <tests/injection/runner/supervise.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include <sigsafe/detail/signal_name.hpp>

namespace injection {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

[[noreturn]] void fail(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

class shared_board {
 public:
  shared_board() : descriptor_(memfd_create("injection", 0)) {
    if (descriptor_ < 0) fail("memfd_create");
    if (ftruncate(descriptor_, sizeof(board)) != 0) fail("ftruncate");
    void* const memory =
        mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (memory == MAP_FAILED) fail("mmap");
    board_ = static_cast<board*>(memory);
  }
  shared_board(const shared_board&) = delete;
  shared_board& operator=(const shared_board&) = delete;
  ~shared_board() {
    munmap(board_, sizeof(board));
    close(descriptor_);
  }

  board& operator*() const noexcept { return *board_; }
  board* operator->() const noexcept { return board_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::uint32_t runs() const noexcept {
    return __atomic_load_n(&board_->runs, __ATOMIC_ACQUIRE);
  }
  [[nodiscard]] bool learns() const noexcept {
    return __atomic_load_n(&board_->learning, __ATOMIC_ACQUIRE) != 0;
  }

 private:
  int descriptor_;
  board* board_;
};

milliseconds processor_time(pid_t process) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0ms;
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds{time.tv_sec} +
                                                  std::chrono::nanoseconds{time.tv_nsec});
}

/// Whether each thread is so, by the letter that /proc says: S, asleep; R, on a processor or
/// waiting for one.
bool is_asleep(pid_t process) {
  std::error_code gone;
  for (const auto& thread :
       std::filesystem::directory_iterator{fmt::format("/proc/{}/task", process), gone}) {
    std::ifstream file{thread.path() / "stat"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 2 >= text.size()) return false;
    if (text[name_end + 2] != 'S') return false;
  }
  return !gone;
}

/// Waits until the process ends; returns false, and has killed it, when it made no progress.
bool await(pid_t process, const shared_board& shared, milliseconds patience) {
  const int watched = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  if (watched < 0) fail("pidfd_open");
  pollfd ended{watched, POLLIN, 0};
  // To start and to learn takes longer than a run.
  constexpr int longer = 50;
  std::uint32_t runs = shared.runs();
  milliseconds asleep{0};
  milliseconds used_before = processor_time(process);
  bool hung = false;
  while (!hung && poll(&ended, 1, static_cast<int>(patience.count() / 2)) == 0) {
    const bool starts = shared.runs() == 0 || shared.learns();
    const milliseconds limit = starts ? patience * longer : patience;
    if (shared.runs() != runs) {
      runs = shared.runs();
      asleep = 0ms;
      used_before = processor_time(process);
    } else {
      asleep = is_asleep(process) ? asleep + patience / 2 : 0ms;
      hung = asleep >= limit || processor_time(process) - used_before >= limit;
    }
  }
  close(watched);
  if (hung) kill(process, SIGKILL);
  return !hung;
}

std::string describe(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("the program was killed by {}",
                       sigsafe::detail::signal_name(WTERMSIG(status)));
  return fmt::format("the program ended with status {}", WEXITSTATUS(status));
}

}  // namespace

void execute(const program& tested, const std::vector<std::string>& arguments) {
  // Single steps and breakpoints find the vdso, too, at the same place in each process.
  personality(ADDR_NO_RANDOMIZE);
  std::vector<std::string> words = tested.emulator;
  words.push_back(tested.path);
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  fmt::print(stderr, "{} cannot be started: {}\n", words[0], std::strerror(errno));
  _exit(127);
}

program_list list_of(const program& tested) {
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");
  const pid_t process = fork();
  if (process < 0) fail("fork");
  if (process == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execute(tested, {"list"});
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t size; (size = read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(size));
  close(ends[0]);
  int status = 0;
  waitpid(process, &status, 0);
  if (status != 0)
    throw std::runtime_error(fmt::format("{} list: {}", tested.path, describe(status)));

  program_list list;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string kind;
    words >> kind;
    if (kind == "marks") {
      words >> std::hex >> list.begin >> list.end;
    } else if (kind == "variant") {
      words >> list.variants.emplace_back();
    } else {
      subject_entry& subject = list.subjects.emplace_back();
      words >> subject.name;
      for (std::string word; words >> word;) {
        subject.core = subject.core || word == "core";
        subject.sleeps = subject.sleeps || word == "sleeps";
        subject.forks = subject.forks || word == "forks";
        subject.writes_pid = subject.writes_pid || word == "writes_pid";
      }
    }
  }
  return list;
}

outcome carry_out(const program& tested, const order& wanted) {
  const shared_board shared;
  if (wanted.subject.size() >= sizeof(shared->subject))
    throw std::runtime_error(fmt::format("the name {} is too long", wanted.subject));
  std::strcpy(shared->subject, wanted.subject.c_str());
  shared->kind = wanted.pairs ? sweep::pairs : sweep::singles;
  shared->variants = wanted.variants;
  shared->stride = wanted.stride;
  shared->repeats = wanted.repeats ? 1 : 0;

  outcome result;
  for (;;) {
    shared->runs = 0;
    shared->finished = 0;
    shared->learning = 0;
    shared->violation[0] = '\0';
    shared->at = {};
    const pid_t runner = getpid();
    const pid_t process = fork();
    if (process < 0) fail("fork");
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != runner) _exit(0);
      execute(tested, {"sweep", std::to_string(shared.descriptor())});
    }
    const bool ended = await(process, shared, wanted.patience);
    int status = 0;
    waitpid(process, &status, 0);
    result.runs += shared->runs;
    result.instructions = shared->steps_of_first;
    if (shared->finished != 0) break;

    violation& found = result.violations.emplace_back();
    if (!ended)
      found.what = "it hangs";
    else if (shared->violation[0] != '\0')
      found.what = shared->violation;
    else
      found.what = describe(status);
    found.at = shared->at;
    found.address[0] = shared->at_address[0];
    found.address[1] = shared->at_address[1];
    // Without a single run there is nothing to go on with.
    if (shared->runs == 0 || result.violations.size() >= wanted.most_violations) break;
    shared->from = shared->at;
    if (!wanted.pairs) {
      ++shared->from.first;
    } else if (found.address[1] != 0) {
      shared->from.second += wanted.stride;
    } else {
      // It was not even known what follows the first signal.
      shared->from.first += wanted.stride;
      shared->from.second = 0;
    }
    shared->at_address[0] = shared->at_address[1] = 0;
  }
  result.pairs = shared->pairs;
  result.sleeps_at = shared->sleeps_at;
  result.trace.assign(shared->trace, shared->trace + shared->steps_of_first);
  return result;
}

}  // namespace injection
