// An event in GLib.
#include <glib-unix.h>
#include <glib.h>

#include "job.hpp"
#include "run.hpp"

namespace {

struct watched {
  event_loops::job& job;
  GMainLoop* loop;
};

// GLib is C: no exception may leave this.
gboolean on_readable(gint, GIOCondition, gpointer data) noexcept {
  const watched& here = *static_cast<watched*>(data);
  here.job.arrived.reset();  // first, then look
  if (here.job.look()) return G_SOURCE_CONTINUE;
  g_main_loop_quit(here.loop);
  return G_SOURCE_REMOVE;
}

void loop(event_loops::job& job) {
  watched here{job, g_main_loop_new(nullptr, FALSE)};
  g_unix_fd_add(job.arrived.fd(), G_IO_IN, on_readable, &here);
  job.begin();
  g_main_loop_run(here.loop);
  g_main_loop_unref(here.loop);
}

}  // namespace

int main(int argc, char** argv) { return event_loops::run({.name = "glib"}, argc, argv, loop); }
