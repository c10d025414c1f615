// An event in epoll.
#include <sys/epoll.h>
#include <unistd.h>

#include "job.hpp"
#include "processes.hpp"
#include "run.hpp"

namespace {

void loop(event_loops::job& job) {
  const int descriptor = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = job.arrived.fd();
  if (epoll_ctl(descriptor, EPOLL_CTL_ADD, job.arrived.fd(), &wanted) != 0)
    event_loops::fail("epoll_ctl");

  job.begin();
  for (bool more = true; more;) {
    epoll_event ready;
    if (epoll_wait(descriptor, &ready, 1, -1) != 1) continue;  // a handler has interrupted it
    job.arrived.reset();                                       // first, then look
    more = job.look();
  }
  close(descriptor);
}

}  // namespace

int main(int argc, char** argv) { return event_loops::run({.name = "epoll"}, argc, argv, loop); }
