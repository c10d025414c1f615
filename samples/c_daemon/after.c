/* The daemon of before.c, with sigsafe: its handlers run in sigsafe_poll and in the read of a
 * request, and nowhere else, so they may do what they did.
 *
 *   after SOCKET CONFIGURATION
 *
 * For each connection on the socket it starts a child, which answers with the greeting. SIGHUP
 * reads the configuration again; SIGUSR2 prints statistics, from the handler; SIGTERM stops.
 * Statistics go to standard output, a log to standard error. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sigsafe/sigsafe.h>

static struct {
  long generation;
  char* greeting;
} config;

/* The children that run. */
struct job {
  struct job* next;
  pid_t pid;
};
static struct job* jobs;
static long started, ended;

static volatile sig_atomic_t reload, stopping;

static void print_statistics(const char* why) {
  const time_t now = time(NULL);
  char clock[16];
  strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
  printf("%s %s generation %ld started %ld ended %ld greeting %s\n", clock, why, config.generation,
         started, ended, config.greeting);
  fflush(stdout);
}

static void write_log(const char* what) {
  const time_t now = time(NULL);
  char clock[16];
  strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
  fprintf(stderr, "%s %s\n", clock, what);
}

/* ---- handlers */

static void on_hup(const sigsafe_signal* signal, void* data) {
  (void)signal, (void)data;
  reload = 1;
}

static void on_term(const sigsafe_signal* signal, void* data) {
  (void)signal, (void)data;
  stopping = 1;
}

static void on_usr2(const sigsafe_signal* signal, void* data) {
  (void)signal, (void)data;
  print_statistics("usr2");
}

static void end_job(pid_t pid) {
  struct job** at = &jobs;
  while (*at != NULL && (*at)->pid != pid) at = &(*at)->next;
  if (*at == NULL) return;
  struct job* gone = *at;
  *at = gone->next;
  free(gone);
  ++ended;
}

static void on_chld(const sigsafe_signal* signal, void* data) {
  (void)signal, (void)data;
  for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) end_job(pid);
}

static void handle(int signal, sigsafe_handler_function* function) {
  static sigsafe_handler handlers[4];
  static int size;
  if (sigsafe_handler_register(&handlers[size++], signal, SIGSAFE_RESTART, function, NULL) != 0) {
    fprintf(stderr, "%s\n", sigsafe_error_text());
    exit(1);
  }
}

/* ---- the loop */

static void read_config(const char* path) {
  FILE* file = fopen(path, "r");
  char line[256];
  if (file == NULL) return; /* the old one stays */
  while (fgets(line, sizeof(line), file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "generation ", 11) == 0) config.generation = strtol(line + 11, NULL, 10);
    if (strncmp(line, "greeting ", 9) == 0) {
      free(config.greeting);
      config.greeting = strdup(line + 9);
    }
  }
  fclose(file);
}

static void answer(int connection) {
  const size_t size = strlen(config.greeting);
  _exit(write(connection, config.greeting, size) == (ssize_t)size ? 0 : 1);
}

static void start_job(int connection) {
  struct job* job = malloc(sizeof(*job));
  if (job == NULL) return;
  job->pid = fork();
  if (job->pid == 0) answer(connection);
  if (job->pid < 0) {
    free(job);
    return;
  }
  ++started;
  job->next = jobs;
  jobs = job;
}

static void serve(int listening) {
  char request[64];
  const int connection = accept(listening, NULL, NULL);
  if (connection < 0) return;
  sigsafe_lazy_leave(); /* a client that is slow holds nothing up */
  const ssize_t size = read(connection, request, sizeof(request));
  sigsafe_lazy_enter();
  if (size > 0) start_job(connection);
  close(connection);
  write_log("a request was answered");
}

static int listen_on(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
  snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  if (listening < 0 || bind(listening, (struct sockaddr*)&address, sizeof(address)) != 0 ||
      listen(listening, 128) != 0) {
    perror(path);
    exit(1);
  }
  return listening;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s SOCKET CONFIGURATION\n", argv[0]);
    return 2;
  }
  sigsafe_lazy_enter(); /* from here on handlers wait, until something sleeps */
  read_config(argv[2]);
  handle(SIGHUP, on_hup);
  handle(SIGTERM, on_term);
  handle(SIGUSR2, on_usr2);
  handle(SIGCHLD, on_chld);
  struct pollfd ready = {listen_on(argv[1]), POLLIN, 0};
  print_statistics("begin");
  while (!stopping) {
    if (reload) {
      reload = 0;
      read_config(argv[2]);
      print_statistics("hup");
    }
    if (sigsafe_poll(&ready, 1, -1) == 1) serve(ready.fd);
  }
  print_statistics("term");
  return 0;
}
