// Clang's thread-safety annotations (-Wthread-safety); other compilers see nothing.
#pragma once

#if defined(__clang__)
#define SIGSAFE_ANNOTATION(x) __attribute__((x))
#else
#define SIGSAFE_ANNOTATION(x)
#endif

#define SIGSAFE_CAPABILITY SIGSAFE_ANNOTATION(capability("mutex"))
#define SIGSAFE_ACQUIRE(...) SIGSAFE_ANNOTATION(acquire_capability(__VA_ARGS__))
#define SIGSAFE_ACQUIRE_SHARED(...) SIGSAFE_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define SIGSAFE_TRY_ACQUIRE(...) SIGSAFE_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define SIGSAFE_TRY_ACQUIRE_SHARED(...) \
  SIGSAFE_ANNOTATION(try_acquire_shared_capability(__VA_ARGS__))
#define SIGSAFE_RELEASE(...) SIGSAFE_ANNOTATION(release_capability(__VA_ARGS__))
#define SIGSAFE_RELEASE_SHARED(...) SIGSAFE_ANNOTATION(release_shared_capability(__VA_ARGS__))
#define SIGSAFE_EXCLUDES(...) SIGSAFE_ANNOTATION(locks_excluded(__VA_ARGS__))
#define SIGSAFE_NO_ANALYSIS SIGSAFE_ANNOTATION(no_thread_safety_analysis)
