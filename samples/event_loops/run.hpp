// The main function of each loop.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>

#include <sigsafe/backend/concept.hpp>
#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/posix.hpp>

#include "job.hpp"
#include "processes.hpp"

namespace event_loops {

struct program {
  const char* name;
  /// The loop is inside a guard: where that is held the kernel has no room for all signals, and a
  /// forked child holds it too.
  bool is_guarded = false;
};

struct arguments {
  bool lazy = false;
  bool storm = false;
  bool fork = false;
};

inline constexpr int count = 100'000;
inline constexpr int window = 1'024;

inline void print_usage(const program& which, std::FILE* to) {
  std::fprintf(to,
               "usage: %s [OPTION...]\n\n"
               "Sends %d numbers through this loop as real-time signals, from another process",
               which.name, count);
  std::fputs(which.is_guarded ? ".\n" : ", and then\nall before one turn.\n", to);
  std::fputs(
      "\n  --lazy   guards and locks hold signals off lazily, not eagerly\n"
      "  --storm  another process sends SIGCHLD all the time, for a foreign handler\n",
      to);
  if (!which.is_guarded)
    std::fputs("  --fork   half way, a forked child has a loop of its own\n", to);
}

inline arguments parse(const program& which, int argc, char** argv) {
  arguments given;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* option) { return std::strcmp(argv[i], option) == 0; };
    if (is("--lazy")) {
      given.lazy = true;
    } else if (is("--storm")) {
      given.storm = true;
    } else if (is("--fork") && !which.is_guarded) {
      given.fork = true;
    } else {
      const bool asks = is("--help") || is("-h");
      if (!asks) std::fprintf(stderr, "%s: \"%s\" is not an option\n\n", which.name, argv[i]);
      print_usage(which, asks ? stdout : stderr);
      std::exit(asks ? 0 : 2);
    }
  }
  return given;
}

/// Does one task, and prints a line. Returns whether nothing was lost.
template <sigsafe::interrupt_backend B, class Loop>
bool run_task(const program& which, const task& wanted, Loop& loop) {
  numbers_job<B> job{wanted};
  loop(job);
  const bool ended_well = job.sender_ended_well();
  const bool in_one_turn = wanted.from == source::one_turn;
  std::printf("%s: %d signals %s, ", which.name, wanted.count,
              in_one_turn ? "before one turn" : "from another process");
  if (job.lost() == 0 && job.out_of_order() == 0)
    std::printf("in order, none lost, ");
  else
    std::printf("%d lost, %d out of order, ", job.lost(), job.out_of_order());
  std::printf("%d wake-up%s\n", job.wake_ups(), job.wake_ups() == 1 ? "" : "s");
  std::fflush(stdout);
  return ended_well && job.lost() == 0 && job.out_of_order() == 0 &&
         (!in_one_turn || job.wake_ups() == 1);
}

template <sigsafe::interrupt_backend B, class Loop>
bool run_tasks(const program& which, const arguments& given, Loop& loop) {
  std::optional<storm> interrupting;
  if (given.storm) interrupting.emplace();
  std::optional<child_process> child;
  task sent{.from = source::another_process, .count = count, .window = window};
  if (given.fork)
    // In the callback of the loop, to which the child never goes back.
    sent.half_way = [&] {
      child.emplace([&](pid_t) {
        constexpr int some = count / 100;
        if (!run_task<B>(which, {.from = source::one_turn, .count = some, .window = some}, loop))
          _exit(EXIT_FAILURE);
      });
    };
  bool good = run_task<B>(which, sent, loop);
  if (child) good = child->wait() && good;
  if (!which.is_guarded)
    good = run_task<B>(which, {.from = source::one_turn, .count = count, .window = count}, loop) &&
           good;
  return good;
}

/// loop: is called with a job, and returns when that is done.
template <class Loop>
int run(const program& which, int argc, char** argv, Loop loop) {
  const arguments given = parse(which, argc, argv);
  try {
    const bool good = given.lazy ? run_tasks<sigsafe::backend::lazy>(which, given, loop)
                                 : run_tasks<sigsafe::backend::posix>(which, given, loop);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", which.name, error.what());
    return EXIT_FAILURE;
  }
}

}  // namespace event_loops
