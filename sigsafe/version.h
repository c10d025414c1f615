/* The version, for C and C++. */
#ifndef SIGSAFE_VERSION_H
#define SIGSAFE_VERSION_H

#define SIGSAFE_VERSION_MAJOR 0
#define SIGSAFE_VERSION_MINOR 1
#define SIGSAFE_VERSION_PATCH 0
/* Two decimal digits each for minor and patch: 1.2.3 is 10203. */
#define SIGSAFE_VERSION \
  (SIGSAFE_VERSION_MAJOR * 10000 + SIGSAFE_VERSION_MINOR * 100 + SIGSAFE_VERSION_PATCH)

#endif
