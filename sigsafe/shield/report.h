/* What the shield counts, in a file that its processes share. The launcher makes the file, the
 * preload library adds to it, and both must be of one version. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "sigshld" and the version of this layout. */
#define SIGSAFE_SHIELD_REPORT_MAGIC UINT64_C(0x73696773686c6401)

/* What the thread was in when a signal came. */
enum sigsafe_shield_region {
  sigsafe_shield_malloc,
  sigsafe_shield_fork,
  sigsafe_shield_time,
  sigsafe_shield_environment,
  sigsafe_shield_syslog,
  sigsafe_shield_stdio,
  sigsafe_shield_regions /* how many there are */
};

enum { sigsafe_shield_most_handlers = 256, sigsafe_shield_longest_path = 240 };

/* A handler of a signal. Who adds one sets state from 0 to 1, and to 2 when the rest is there; an
 * entry that has 1 is skipped. */
struct sigsafe_shield_counts {
  uint32_t state;
  int32_t signal;
  char module[sigsafe_shield_longest_path];  /* program or library; of a longer path the end */
  uint64_t offset;                           /* of the handler, from where its module begins */
  uint64_t deferred[sigsafe_shield_regions]; /* how often it did not start at once */
  uint64_t called;                           /* of these, called, not queued again */
  uint64_t let_in;                           /* it waited for syslog, for a second, and came in */
};

struct sigsafe_shield_report {
  uint64_t magic;
  uint64_t unshielded; /* handlers beyond the stubs, which run as without the shield */
  uint64_t uncounted;  /* deferrals of handlers for which there was no entry */
  struct sigsafe_shield_counts handlers[sigsafe_shield_most_handlers];
};

#ifdef __cplusplus
}
#endif
