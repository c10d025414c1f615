// An event in libuv.
#include <uv.h>

#include <stdexcept>

#include "job.hpp"
#include "run.hpp"

namespace {

void check(int error) {
  if (error != 0) throw std::runtime_error(uv_strerror(error));
}

// libuv is C: no exception may leave this.
void on_readable(uv_poll_t* watcher, int, int) noexcept {
  event_loops::job& job = *static_cast<event_loops::job*>(watcher->data);
  job.arrived.reset();  // first, then look
  if (!job.look()) uv_close(reinterpret_cast<uv_handle_t*>(watcher), nullptr);
}

void loop(event_loops::job& job) {
  uv_loop_t all;
  check(uv_loop_init(&all));
  uv_poll_t watcher;
  check(uv_poll_init(&all, &watcher, job.arrived.fd()));
  watcher.data = &job;
  check(uv_poll_start(&watcher, UV_READABLE, on_readable));
  job.begin();
  uv_run(&all, UV_RUN_DEFAULT);
  check(uv_loop_close(&all));
}

}  // namespace

int main(int argc, char** argv) { return event_loops::run({.name = "uv"}, argc, argv, loop); }
