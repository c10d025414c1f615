/* Puts a daemon of this folder under load, and says whether it kept its promises:
 *
 *   load [--fails] [--patience N] [--seconds N] DAEMON
 *
 * Connections all the time, from a process of their own; SIGUSR2, each when the one before has been
 * answered; a new configuration and SIGHUP with every eighth. Then, without connections, SIGHUP
 * after SIGHUP, each when the one before has been obeyed. Then SIGTERM. What must hold: each signal
 * is answered in N seconds (5), by a line that is whole, with a greeting and a generation of the
 * same configuration; each child is accounted for; the daemon ends by itself, with status 0.
 *
 * The status is 0 when all of it holds; with --fails, when something did not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/c_daemon.XXXXXX";
static char socket_path[64], config_path[64], new_config_path[72];
static const char* name;
static pid_t daemon_pid = -1, client = -1;
static FILE* lines; /* what the daemon prints */
static long generation, usr2s, hups;
static bool must_fail;
static double patience = 5; /* in seconds */
static struct timespec begun;

/* What the client counts. */
static struct {
  long asked, answered, wrong;
  bool stop;
}* seen;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - begun.tv_sec) + (double)(now.tv_nsec - begun.tv_nsec) / 1e9;
}

static void clean_up(void) {
  if (client > 0) kill(client, SIGKILL);
  if (daemon_pid > 0) kill(daemon_pid, SIGKILL);
  while (wait(NULL) > 0) {}
  unlink(socket_path);
  unlink(config_path);
  unlink(new_config_path);
  rmdir(folder);
}

static void end(bool failed, const char* what) {
  printf("%s: %s after %.1f s: %ld SIGUSR2, %ld SIGHUP, %ld requests\n", name, what, seconds(),
         usr2s, hups, seen->asked);
  clean_up();
  exit(failed == must_fail ? 0 : 1);
}

static void fail(const char* format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char* format, ...) {
  char what[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof(what), format, arguments);
  va_end(arguments);
  end(true, what);
  abort();
}

static void require(bool holds, const char* call) {
  if (holds) return;
  perror(call);
  clean_up();
  exit(2);
}

/* ---- the daemon */

static void write_config(void) {
  FILE* file = fopen(new_config_path, "w");
  require(file != NULL, new_config_path);
  ++generation;
  fprintf(file, "generation %ld\ngreeting hello-%ld\n", generation, generation);
  require(fclose(file) == 0 && rename(new_config_path, config_path) == 0, config_path);
}

static void start_daemon(const char* path) {
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  daemon_pid = fork();
  require(daemon_pid >= 0, "fork");
  if (daemon_pid == 0) {
    const int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(ends[0]);
    execl(path, path, socket_path, config_path, (char*)NULL);
    _exit(127);
  }
  close(ends[1]);
  lines = fdopen(ends[0], "r");
  require(lines != NULL, "fdopen");
  setvbuf(lines, NULL, _IONBF, 0); /* or poll would not see what is there */
}

static void describe_end(int status) {
  if (WIFSIGNALED(status))
    fail("died by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  fail("ended with status %d", WEXITSTATUS(status));
}

/* ---- what it prints */

struct line {
  char why[16];
  long generation, started, ended;
};

static void read_line(char* text, size_t size, const char* waiting_for) {
  struct pollfd readable = {fileno(lines), POLLIN, 0};
  int ready;
  do ready = poll(&readable, 1, (int)(patience * 1000));
  while (ready < 0 && errno == EINTR);
  if (ready == 0) fail("hangs: no answer to %s for %.0f s", waiting_for, patience);
  if (fgets(text, (int)size, lines) != NULL) return;
  int status = 0;
  require(waitpid(daemon_pid, &status, 0) == daemon_pid, "waitpid");
  daemon_pid = -1;
  describe_end(status);
}

static struct line next_line(const char* waiting_for) {
  struct line line;
  char text[512], greeting[64], expected[64], rest;
  read_line(text, sizeof(text), waiting_for);
  if (sscanf(text, "%*d:%*d:%*d %15s generation %ld started %ld ended %ld greeting %63s%c",
             line.why, &line.generation, &line.started, &line.ended, greeting, &rest) != 6 ||
      rest != '\n')
    fail("printed a broken line, \"%.*s\"", (int)strcspn(text, "\n"), text);
  snprintf(expected, sizeof(expected), "hello-%ld", line.generation);
  if (strcmp(greeting, expected) != 0)
    fail("used a torn configuration, generation %ld with %s", line.generation, greeting);
  return line;
}

/* Lines about something else may come before. */
static struct line await(const char* why, const char* waiting_for) {
  for (;;) {
    const struct line line = next_line(waiting_for);
    if (strcmp(line.why, why) == 0) return line;
  }
}

static struct line ask_for_statistics(void) {
  kill(daemon_pid, SIGUSR2);
  const struct line line = await("usr2", "SIGUSR2");
  ++usr2s;
  return line;
}

/* ---- connections */

static bool ask(char* reply, size_t size) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
  const int connection = socket(AF_UNIX, SOCK_STREAM, 0);
  size_t received = 0;
  ssize_t got = -1;
  if (connection >= 0 && connect(connection, (struct sockaddr*)&address, sizeof(address)) == 0 &&
      write(connection, "hello\n", 6) == 6)
    while ((got = read(connection, reply + received, size - 1 - received)) > 0)
      received += (size_t)got;
  reply[received] = '\0';
  close(connection);
  return got == 0;
}

static void start_client(void) {
  client = fork();
  require(client >= 0, "fork");
  if (client != 0) return;
  signal(SIGPIPE, SIG_IGN);
  while (!__atomic_load_n(&seen->stop, __ATOMIC_ACQUIRE)) {
    char reply[64];
    ++seen->asked;
    if (!ask(reply, sizeof(reply))) _exit(1); /* the daemon is gone: the others tell why */
    if (strncmp(reply, "hello-", 6) == 0)
      ++seen->answered;
    else
      ++seen->wrong;
  }
  _exit(0);
}

static void stop_client(void) {
  __atomic_store_n(&seen->stop, true, __ATOMIC_RELEASE);
  int status = 0;
  pid_t ended = 0;
  for (const double until = seconds() + patience; ended == 0;) {
    const struct timespec moment = {0, 1000000};
    ended = waitpid(client, &status, WNOHANG);
    if (ended == 0 && seconds() > until) fail("hangs: no answer to a request for %.0f s", patience);
    nanosleep(&moment, NULL);
  }
  client = -1;
  if (status != 0) fail("closed its socket");
  if (seen->wrong != 0) fail("answered %ld requests with something else", seen->wrong);
}

/* ---- the load */

static void storm(double how_long) {
  const double until = seconds() + how_long;
  for (long turn = 0; seconds() < until; ++turn) {
    if (turn % 8 == 0) {
      write_config();
      kill(daemon_pid, SIGHUP);
      ++hups;
    }
    ask_for_statistics();
  }
}

static void check_children(void) {
  struct line line;
  const double until = seconds() + patience;
  do line = ask_for_statistics();
  while (line.ended != line.started && seconds() < until);
  if (line.ended != line.started)
    fail("lost %ld children: started %ld, ended %ld", line.started - line.ended, line.started,
         line.ended);
  if (line.started != seen->answered)
    fail("counts %ld children for %ld requests", line.started, seen->answered);
}

static void reload_again_and_again(double how_long) {
  const double until = seconds() + how_long;
  while (seconds() < until) {
    write_config();
    kill(daemon_pid, SIGHUP);
    while (await("hup", "SIGHUP").generation != generation) {}
    ++hups;
  }
}

static void stop_daemon(void) {
  int status = 0;
  kill(daemon_pid, SIGTERM);
  await("term", "SIGTERM");
  require(waitpid(daemon_pid, &status, 0) == daemon_pid, "waitpid");
  daemon_pid = -1;
  if (status != 0) describe_end(status);
}

static int usage(void) {
  fprintf(stderr, "usage: load [--fails] [--patience N] [--seconds N] DAEMON\n");
  return 2;
}

int main(int argc, char** argv) {
  double how_long = 3;
  int at = 1;
  for (; at < argc && argv[at][0] == '-'; ++at) {
    if (strcmp(argv[at], "--fails") == 0)
      must_fail = true;
    else if (strcmp(argv[at], "--patience") == 0 && at + 1 < argc)
      patience = strtod(argv[++at], NULL);
    else if (strcmp(argv[at], "--seconds") == 0 && at + 1 < argc)
      how_long = strtod(argv[++at], NULL);
    else
      return usage();
  }
  if (at + 1 != argc || !(how_long > 0 && patience > 0)) return usage();
  name = strrchr(argv[at], '/') != NULL ? strrchr(argv[at], '/') + 1 : argv[at];
  require(mkdtemp(folder) != NULL, folder);
  snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
  snprintf(config_path, sizeof(config_path), "%s/config", folder);
  snprintf(new_config_path, sizeof(new_config_path), "%s.new", config_path);
  seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(seen != MAP_FAILED, "mmap");
  clock_gettime(CLOCK_MONOTONIC, &begun);
  write_config();
  start_daemon(argv[at]);
  await("begin", "its start");
  start_client();
  storm(how_long * 2 / 3);
  stop_client();
  check_children();
  reload_again_and_again(how_long / 3);
  stop_daemon();
  end(false, "kept its promises");
}
