/* A small daemon's use of sigsafe.h, as a user of C writes it: it exits with 0 when all is well. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sigsafe/sigsafe.h>

#define REQUIRE(condition)                                                   \
  do                                                                         \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: %s does not hold; the last error: %s\n",       \
              __FILE__, __LINE__, #condition, sigsafe_error_text());         \
      exit(1);                                                               \
    }                                                                        \
  while (0)

static struct {
  sigsafe_mutex mutex;
  int jobs;
} shared = {SIGSAFE_MUTEX_INIT, 0};
static sigsafe_event done = SIGSAFE_EVENT_INIT;

static void on_hup(const sigsafe_signal *signal, void *data) {
  int *const reloads = data;
  (void)signal;
  ++*reloads;
  sigsafe_lazy_lock(&shared.mutex);
  ++shared.jobs;
  sigsafe_lazy_unlock(&shared.mutex);
  sigsafe_event_set(&done);
}

static void *work(void *unused) {
  (void)unused;
  kill(getpid(), SIGHUP);
  return NULL;
}

static int jobs_in_a_guard(void) {
  SIGSAFE_LAZY_GUARD; SIGSAFE_EAGER_GUARD; /* each has a name of its own, also on one line */
  raise(SIGHUP);
  return shared.jobs;
}

static void reload(void) {
  static sigsafe_handler hup = SIGSAFE_HANDLER_INIT;
  int reloads = 0;
  pthread_t thread;
  REQUIRE(sigsafe_handler_register(&hup, SIGHUP, SIGSAFE_RESTART, on_hup, &reloads) == 0);
  REQUIRE(jobs_in_a_guard() == 0 && shared.jobs == 1);
  REQUIRE(sigsafe_event_wait(&done, NULL) == 0);
  REQUIRE(sigsafe_thread_create(&thread, NULL, NULL, work, NULL) == 0);
  sigsafe_eager_enter();
  while (reloads < 2) REQUIRE(sigsafe_poll(NULL, 0, -1) == -1 && errno == EINTR);
  sigsafe_eager_leave();
  REQUIRE(pthread_join(thread, NULL) == 0);
  REQUIRE(sigsafe_handler_unregister(&hup) == 0 && sigsafe_handler_unregister(&hup) == EINVAL);
}

static void start_a_program(void) {
  char program[] = "true";
  char *const arguments[] = {program, NULL};
  sigsafe_child child = SIGSAFE_CHILD_INIT;
  sigsafe_exit_status status;
  REQUIRE(sigsafe_spawn(&child, arguments, NULL) == 0);
  REQUIRE(sigsafe_child_wait(&child, &status) == 0);
  REQUIRE(status.kind == SIGSAFE_EXITED && status.number == 0);
  sigsafe_child_destroy(&child);
}

int main(void) {
  sigsafe_crash_handler crash = SIGSAFE_CRASH_HANDLER_INIT;
  REQUIRE(sigsafe_crash_handler_begin(&crash, 2, NULL, NULL) == 0);
  reload();
  start_a_program();
  REQUIRE(sigsafe_crash_handler_end(&crash) == 0);
  return sigsafe_print(1, "%s: %d jobs\n", "c_consumer", shared.jobs);
}
