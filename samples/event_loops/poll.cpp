// A loop of one's own: it holds a guard all the time but in poll, so handlers run there and nowhere
// else. The event has no descriptor, and setting it costs no system call.
#include <poll.h>

#include <span>

#include <sigsafe/guard.hpp>

#include "run.hpp"

namespace {

template <class Job>
void loop(Job& job) {
  sigsafe::basic_guard<typename Job::backend> off;
  job.begin();
  for (bool more = true; more;) {
    const std::span<pollfd> descriptors;  // … those of the program
    off.poll(descriptors, [&] { return job.arrived.is_set(); });
    if (job.arrived.reset()) more = job.look();
  }
}

}  // namespace

int main(int argc, char** argv) {
  return event_loops::run({.name = "poll", .is_guarded = true}, argc, argv,
                          [](auto& job) { loop(job); });
}
