// The program under test. The runner starts it for each subject, watches it and says what came out.
// It needs nothing but sigsafe, so that it runs on every instruction set that sigsafe is hosted on.
//
//   program list                              the subjects, one a line
//   program sweep DESCRIPTOR                  what the board in this descriptor's memory asks for
//   program once SUBJECT [VARIANT]            one run; somebody else injects the variant
//   program replay SUBJECT VARIANT INDEX [VARIANT INDEX]   exactly one injection, or pair
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <tests/injection/board.hpp>
#include <tests/injection/trial.hpp>
#include <tests/support/dies_with_parent.hpp>

namespace injection {
namespace {

[[noreturn]] void refuse(const char* what, const char* name) {
  std::fprintf(stderr, "there is no %s \"%s\"; `list` names them all\n", what, name);
  std::exit(2);
}

const entry& find_subject(const char* name) {
  for (const entry& each : subjects())
    if (std::strcmp(each.name, name) == 0) return each;
  refuse("subject", name);
}

const variant& find_variant(const char* name) {
  for (const variant& each : variants())
    if (std::strcmp(each.name, name) == 0) return each;
  refuse("variant", name);
}

std::uint32_t number(const char* text) {
  return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

int list() {
  std::printf("marks %#jx %#jx\n", static_cast<std::uintmax_t>(injector::begin_of_operation()),
              static_cast<std::uintmax_t>(injector::end_of_operation()));
  for (const variant& each : variants()) std::printf("variant %s\n", each.name);
  for (const entry& each : subjects())
    std::printf("subject %s%s%s%s%s\n", each.name, each.wants.core ? " core" : "",
                each.wants.sleeps ? " sleeps" : "", each.wants.forks ? " forks" : "",
                each.wants.writes_pid ? " writes_pid" : "");
  return 0;
}

/// Carries out the order on the board; after each violation the runner starts a new process.
class sweeper {
 public:
  explicit sweeper(board& shared) : board_(shared), trial_(find_subject(shared.subject)) {}

  int go() {
    if (const char* const wrong = trial_.learn()) return violated(wrong);
    board_.steps_of_first = trial_.size();
    for (std::uint32_t i = 0; i < trial_.size(); ++i) board_.trace[i] = trial_.at(i);
    board_.sleeps_at = trial_.sleeps_at();
    return board_.kind == sweep::singles ? singles() : pairs();
  }

 private:
  int singles() {
    position at = board_.from;
    for (; at.variant < variants().size(); ++at.variant, at.first = 0) {
      if ((board_.variants >> at.variant & 1) == 0) continue;
      const variant& injected = variants()[at.variant];
      const burst what = injected.what();
      const std::uint32_t end = trial_.end_for(injected);
      for (at.first = std::max(at.first, trial_.first_for(injected)); at.first < end; ++at.first) {
        // The first variant is everywhere.
        if (at.variant != 0 && board_.repeats == 0 && trial_.is_as_the_next(at.first, what))
          continue;
        begin(at, trial_.at(at.first), 0);
        if (const char* const wrong = trial_.run(at.first, what)) return violated(wrong);
      }
    }
    return finish();
  }

  int pairs() {
    const burst what = find_variant("standard").what();
    const burst then = find_variant("second").what();
    position at = board_.from;
    const bool skips = board_.repeats == 0 && board_.stride == 1;
    for (; at.first < trial_.size(); at.first += board_.stride, at.second = 0) {
      if (skips && trial_.is_as_the_next(at.first, what)) continue;
      learning(true);
      begin({0, at.first, 0}, trial_.at(at.first), 0);
      if (const char* const wrong = trial_.learn_behind(at.first, what)) return violated(wrong);
      // Each first signal begins elsewhere, so that together they come to every instruction.
      if (at.second == 0) at.second = at.first / board_.stride % board_.stride;
      for (; at.second < trial_.size_behind(); at.second += board_.stride) {
        if (skips && trial_.behind_is_as_the_next(at.second, then)) continue;
        begin(at, trial_.at(at.first), trial_.at_behind(at.second));
        learning(false);
        ++board_.pairs;
        if (const char* const wrong = trial_.run(at.first, what, at.second, then))
          return violated(wrong);
      }
    }
    return finish();
  }

  void begin(const position& at, address first_address, address second_address) noexcept {
    board_.at = at;
    board_.at_address[0] = first_address;
    board_.at_address[1] = second_address;
    __atomic_store_n(&board_.runs, board_.runs + 1, __ATOMIC_RELEASE);
  }

  // To learn takes longer than a run. It ends when the next run has begun, so that whoever watches
  // does not take its time for that of a run.
  void learning(bool is) noexcept {
    __atomic_store_n(&board_.learning, is ? 1 : 0, __ATOMIC_RELEASE);
  }

  int finish() noexcept {
    board_.finished = 1;
    return 0;
  }

  int violated(const char* wrong) noexcept {
    std::strncpy(board_.violation, wrong, sizeof(board_.violation) - 1);
    return 1;
  }

  board& board_;
  trial trial_;
};

int sweep_all(const char* descriptor) {
  void* const memory = mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED,
                            static_cast<int>(number(descriptor)), 0);
  if (memory == MAP_FAILED) {
    std::perror("the board cannot be mapped");
    return 3;
  }
  return sweeper{*static_cast<board*>(memory)}.go();
}

int report(const char* wrong) {
  if (wrong != nullptr) std::fprintf(stderr, "VIOLATION: %s\n", wrong);
  return wrong != nullptr ? 1 : 0;
}

int once(const char* subject, const char* injected) {
  trial tried{find_subject(subject)};
  if (injected == nullptr) return report(tried.run_bare(nullptr));
  const burst what = find_variant(injected).what();
  return report(tried.run_bare(&what));
}

// For a debugger: what comes next is the run that was asked for.
extern "C" [[gnu::noinline, gnu::used]] void injection_replay() { asm volatile("" ::: "memory"); }

int replay(char** arguments, int count) {
  trial tried{find_subject(arguments[0])};
  const burst first = find_variant(arguments[1]).what();
  const std::uint32_t index = number(arguments[2]);
  if (const char* const wrong = tried.learn()) return report(wrong);
  if (index >= tried.size()) return report("the operation has not so many instructions");
  if (count == 3) {
    injection_replay();
    return report(tried.run(index, first));
  }
  const burst second = find_variant(arguments[3]).what();
  const std::uint32_t then = number(arguments[4]);
  if (const char* const wrong = tried.learn_behind(index, first)) return report(wrong);
  if (then >= tried.size_behind())
    return report("behind the first signal there are not so many instructions");
  injection_replay();
  return report(tried.run(index, first, then, second));
}

int go(int count, char** arguments) {
  const auto is = [&](const char* command, int least, int most) {
    return std::strcmp(arguments[1], command) == 0 && count - 2 >= least && count - 2 <= most;
  };
  if (count >= 2) {
    if (is("list", 0, 0)) return list();
    if (is("sweep", 1, 1)) return sweep_all(arguments[2]);
    if (is("once", 1, 2)) return once(arguments[2], count == 4 ? arguments[3] : nullptr);
    if (is("replay", 3, 3) || is("replay", 5, 5)) return replay(arguments + 2, count - 2);
  }
  std::fprintf(stderr,
               "usage: %s list | sweep DESCRIPTOR | once SUBJECT [VARIANT] |\n"
               "       replay SUBJECT VARIANT INDEX [VARIANT INDEX]\n",
               arguments[0]);
  return 2;
}

}  // namespace
}  // namespace injection

int main(int count, char** arguments) {
  test::let_children_die_with_us();
  return injection::go(count, arguments);
}
