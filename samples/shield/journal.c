/* A daemon with the classic bug. It keeps the last lines that it has read, and once in a while a
 * signal handler says how far it is. That handler allocates, and asks for the local time: when the
 * signal comes while the main loop is inside the allocator, both are there at once. Nothing in
 * here knows of sigsafe. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kept = 1000 };
static char *lines[kept];
static unsigned long count;
static unsigned long reports;

/* What happens here is wrong in a handler: malloc, localtime, free. */
static void report(int signal) {
  (void)signal;
  char *text = malloc(2000 + count % 3000);
  if (text == NULL) return;
  const time_t now = time(NULL);
  const struct tm *local = localtime(&now);
  const size_t size = strftime(text, 200, "%H:%M:%S still reading\n", local);
  if (reports++ % 1000 == 0 && write(STDERR_FILENO, text, size) < 0) _exit(1);
  free(text);
}

/* With room for notes, which differs. */
static void keep(const char *line) {
  char **const place = &lines[count++ % kept];
  free(*place);
  *place = malloc(strlen(line) + 1500 + count * 131 % 3000);
  if (*place != NULL) strcpy(*place, line);
}

int main(void) {
  const struct sigaction action = {.sa_handler = report, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) keep(line);
  setitimer(ITIMER_REAL, &never, NULL);
  free(line);
  printf("%lu lines, %lu reports\n", count, reports);
  return 0;
}
