/* sigsafe for C: share state with signal handlers.
 *
 * A signal is treated as an interrupt: code that touches what a handler touches runs with
 * interrupts disabled.
 *
 *     static struct config *config;                  // handlers read it
 *
 *     static void on_usr1(const sigsafe_signal *signal, void *data) {
 *       sigsafe_print(2, "port %d\n", config->port);
 *     }
 *
 *     static sigsafe_handler usr1 = SIGSAFE_HANDLER_INIT;
 *     int error = sigsafe_handler_register(&usr1, SIGUSR1, SIGSAFE_RESTART, on_usr1, NULL);
 *     if (error != 0) fprintf(stderr, "%s\n", sigsafe_error_text());
 *
 *     sigsafe_lazy_enter();                          // on_usr1 waits from here ...
 *     replace(&config);
 *     sigsafe_lazy_leave();                          // ... to here
 *
 * A *hold* is one enter that has not been left, or one lock. Holds may be released in any order.
 * Lazy ones cost about a nanosecond; they hold off the handlers that are registered here, and not
 * foreign handlers and default actions. Eager ones hold off every maskable signal, for two system
 * calls. Neither holds off faults, SIGABRT and handlers with SIGSAFE_NOT_DEFERRABLE.
 *
 * Functions for which "Errors" are listed return 0, or an error of <errno.h>; nothing has changed
 * then, and sigsafe_error_text() says what was wrong and what to do. They keep errno. Misuse that
 * no caller could deal with, such as a wait in a nested hold, panics: a line on standard error,
 * where it is known with the place of the call, and abort. Pointers are not null unless it says so.
 * Times are nanoseconds: SIGSAFE_SECONDS(5); deadlines are what sigsafe_now() shows then.
 *
 * Objects (sigsafe_handler, sigsafe_timer, ...) are your memory, initialised by their ..._INIT or
 * with zeros. They are not copied, moved or freed between the call that begins and the one that
 * ends them.
 *
 * "Safety" says what a function may be called in: async-signal-safe ones in handlers, too.
 *
 * A thread that is cancelled in a wait unwinds (not in one for a condition, which is no
 * cancellation point): functions of pthread_cleanup_push run, with the hold that it had. Guards
 * (SIGSAFE_LAZY_GUARD) are left then only in code compiled with -fexceptions. A hold ends with its
 * thread; a mutex stays locked.
 *
 * docs/how-to/port-a-c-daemon.md ports a daemon step by step, and says which part of the C++
 * interface is which function here.
 */
#ifndef SIGSAFE_SIGSAFE_H
#define SIGSAFE_SIGSAFE_H

#if !defined(__cplusplus) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L)
#error "sigsafe.h needs C11: compile with -std=c11, -std=gnu11 or newer"
#endif
#if defined(__cplusplus) && __cplusplus < 201103L
#error "sigsafe.h needs C++11: compile with -std=c++11 or newer"
#endif

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sigsafe/version.h>

#ifndef SA_SIGINFO
#error "sigsafe.h needs POSIX: compile with -std=gnu11, or define _POSIX_C_SOURCE as 200809L"
#endif

#ifdef __cplusplus
extern "C" {
#define SIGSAFE_C_NOEXCEPT noexcept
#else
#define SIGSAFE_C_NOEXCEPT
#endif

#define SIGSAFE_C_API __attribute__((visibility("default")))

#define SIGSAFE_MICROSECONDS(n) ((n) * INT64_C(1000))
#define SIGSAFE_MILLISECONDS(n) ((n) * INT64_C(1000000))
#define SIGSAFE_SECONDS(n) ((n) * INT64_C(1000000000))
/* A time that never comes. */
#define SIGSAFE_FOREVER INT64_MAX

/* ---- errors */

/* What was wrong with the last function that failed on this thread, and what to do: one sentence,
 * valid until the next one fails, which may be in a handler. Never null. It names options as the
 * C++ interface does: .once is SIGSAFE_ONCE.
 * Safety:   async-signal-safe, thread-safe */
SIGSAFE_C_API const char* sigsafe_error_text(void) SIGSAFE_C_NOEXCEPT;

/* Replaces what a panic calls; null puts the default back, which writes a line to standard error.
 * When it returns the process is aborted. `file` is null when the place is not known.
 * Safety:   async-signal-safe, thread-safe; the function must be async-signal-safe */
typedef void sigsafe_panic_function(const char* what, const char* file, unsigned line);
SIGSAFE_C_API void sigsafe_set_panic_function(sigsafe_panic_function* function) SIGSAFE_C_NOEXCEPT;

/* ---- holds */

/* Begins and ends a hold; handlers of signals that arrive meanwhile run before leave returns.
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Pre:      leave: this thread has entered, once for each leave; compiled with -DSIGSAFE_CHECKED=1
 *           it panics otherwise. A handler leaves what it has entered before it returns
 * Cost:     lazy: together about a nanosecond; two system calls when a signal was deferred.
 *           eager: a system call each for the outermost, none for others
 * Source:   POSIX.1-2024 pthread_sigmask */
static inline void sigsafe_lazy_enter(void) SIGSAFE_C_NOEXCEPT;
static inline void sigsafe_lazy_leave(void) SIGSAFE_C_NOEXCEPT;
static inline void sigsafe_eager_enter(void) SIGSAFE_C_NOEXCEPT;
static inline void sigsafe_eager_leave(void) SIGSAFE_C_NOEXCEPT;

/* As a declaration: enters, and leaves at the end of the block, however that is left (return,
 * break, goto; not longjmp). It must not be skipped: no `case` label behind it in its block, and no
 * goto past it; gcc does not refuse that, and a checked build panics at the end of the block.
 *
 *     { SIGSAFE_LAZY_GUARD; if (config == NULL) return; use(config); }
 *
 * Safety, Cost: as enter and leave */
#define SIGSAFE_LAZY_GUARD SIGSAFE_C_GUARD(lazy)
#define SIGSAFE_EAGER_GUARD SIGSAFE_C_GUARD(eager)

/* Would a handler run now? False while this thread holds anything, and in handlers.
 * Safety:   async-signal-safe, thread-safe
 * Cost:     two loads */
static inline bool sigsafe_enabled(void) SIGSAFE_C_NOEXCEPT;

/* Blocks the maskable signals of a set only, by the kernel's mask, until leave is called with the
 * same set. A signal stays blocked until everything that holds it off is released.
 * Signals that are not maskable (faults, SIGABRT, SIGKILL, SIGSTOP) are left alone.
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Pre:      leave: this thread has entered with this set
 * Errors:   none; panics when 65,536 of one thread name a signal at once
 * Cost:     a system call each
 * Source:   POSIX.1-2024 pthread_sigmask */
SIGSAFE_C_API void sigsafe_subset_enter(const sigset_t* signals) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_subset_leave(const sigset_t* signals) SIGSAFE_C_NOEXCEPT;

/* For libraries: a SIGPIPE (or SIGXFSZ) that a call causes on this thread meanwhile is dropped, and
 * the call fails with EPIPE (or EFBIG). The program's disposition is left alone. One that was
 * pending before, or comes from another process, is not dropped.
 * Pre:      `signal` is SIGPIPE or SIGXFSZ, else it panics; leave: this thread has entered with it
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Cost:     three system calls
 * Source:   POSIX.1-2024 write, sigtimedwait */
SIGSAFE_C_API void sigsafe_discard_enter(int signal) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_discard_leave(int signal) SIGSAFE_C_NOEXCEPT;

/* ---- a mutex that threads and handlers share */

/* Locking holds, and then locks: so a handler of this thread does not find its own thread's lock.
 * A lock is released as it was taken: lazy or eager; different calls may take it differently. Who
 * waits for it waits without the hold, so that handlers run.
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Pre:      lock: this thread does not hold the mutex. unlock: it does; compiled with
 *           -DSIGSAFE_CHECKED=1 it panics when nobody does
 * Cost:     an atomic operation each beside the hold; a system call when threads contend; 4 bytes
 * Source:   ISO C11 mtx_lock */
typedef struct sigsafe_mutex {
  uint32_t state;
} sigsafe_mutex;
#define SIGSAFE_MUTEX_INIT {0}

static inline void sigsafe_lazy_lock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
static inline bool sigsafe_lazy_trylock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
static inline void sigsafe_lazy_unlock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
static inline void sigsafe_eager_lock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
static inline bool sigsafe_eager_trylock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
static inline void sigsafe_eager_unlock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;

/* Until a deadline; false when it has passed. One that has passed already only tries.
 * Safety, Pre: as lock */
SIGSAFE_C_API bool sigsafe_lazy_lock_until(sigsafe_mutex* mutex,
                                           int64_t deadline) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API bool sigsafe_eager_lock_until(sigsafe_mutex* mutex,
                                            int64_t deadline) SIGSAFE_C_NOEXCEPT;

/* Waiting, with such a mutex, for what a handler or another thread makes true. It may return for
 * nothing: wait in a loop that looks. Notify with the mutex locked or not.
 * Safety:   notify_one and notify_all are async-signal-safe; all of it is thread-safe
 * Pre:      wait: this thread has locked the mutex, lazily or eagerly as the function says, holds
 *           nothing else, and no handler runs on it; else it panics
 * Post:     wait: the mutex is locked. until: false when the time was up
 * Cost:     8 bytes; a notification is an atomic operation and, when somebody waits, a system call
 * Source:   ISO C11 cnd_wait */
typedef struct sigsafe_condition {
  uint32_t changes;
  uint32_t waiters;
} sigsafe_condition;
#define SIGSAFE_CONDITION_INIT {0, 0}

SIGSAFE_C_API void sigsafe_condition_notify_one(sigsafe_condition* condition) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_condition_notify_all(sigsafe_condition* condition) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_lazy_condition_wait(sigsafe_condition* condition, sigsafe_mutex* mutex);
SIGSAFE_C_API void sigsafe_eager_condition_wait(sigsafe_condition* condition, sigsafe_mutex* mutex);
SIGSAFE_C_API bool sigsafe_lazy_condition_wait_until(sigsafe_condition* condition,
                                                     sigsafe_mutex* mutex, int64_t deadline);
SIGSAFE_C_API bool sigsafe_eager_condition_wait_until(sigsafe_condition* condition,
                                                      sigsafe_mutex* mutex, int64_t deadline);

/* ---- waiting for handlers */

/* CLOCK_MONOTONIC, in nanoseconds: deadlines are times of this clock.
 * Safety:   async-signal-safe, thread-safe
 * Source:   POSIX.1-2024 clock_gettime */
SIGSAFE_C_API int64_t sigsafe_now(void) SIGSAFE_C_NOEXCEPT;

/* Sleeps with this thread's one hold released, and comes back, with the hold, when a handler has
 * run: on whichever thread, since this thread's last wait. So what is checked in the hold is not
 * missed:
 *
 *     sigsafe_lazy_enter();
 *     while (!stop) sigsafe_wait();
 *     sigsafe_lazy_leave();
 *
 * It may return for nothing.
 * Safety:   not async-signal-safe; thread-safe; a cancellation point
 * Pre:      this thread has one hold, and no handler runs on it; else it panics
 * Errors:   ENOMEM in the first wait of a thread; EBUSY: other code has a handler for
 *           sigsafe_wake_signal()
 * Cost:     three system calls with a lazy hold; two with an eager one, or three when standard
 *           signals have handlers
 * Source:   POSIX.1-2024 sigsuspend, ppoll */
SIGSAFE_C_API int sigsafe_wait_at(const char* file, unsigned line);
#define sigsafe_wait() sigsafe_wait_at(__FILE__, __LINE__)
/* The same, until a deadline: ETIMEDOUT when it has passed and no handler has run. It is late by
 * the time for which the process is stopped (SIGSTOP) in the sleep, unless SIGCONT has a handler;
 * so is poll. */
SIGSAFE_C_API int sigsafe_wait_until_at(int64_t deadline, const char* file, unsigned line);
#define sigsafe_wait_until(deadline) sigsafe_wait_until_at((deadline), __FILE__, __LINE__)

/* As poll(2), and used in its place, in a hold: it returns how many descriptors have events, 0 when
 * the time was up, or -1 with errno. It returns -1 with EINTR when a handler has run since this
 * thread's last wait, before or in the sleep: nothing is lost between a check and the sleep. A
 * descriptor that is always ready does not starve the handlers. `timeout` is in milliseconds;
 * negative is for ever. poll_until ends at a deadline, however many handlers run before.
 * Safety, Pre, Cost: as sigsafe_wait
 * Errors:   in errno: EINTR; those of poll: the next call tells of handlers that have run; those of
 *           sigsafe_wait
 * Source:   POSIX.1-2024 poll */
SIGSAFE_C_API int sigsafe_poll_at(struct pollfd* fds, nfds_t size, int timeout, const char* file,
                                  unsigned line);
#define sigsafe_poll(fds, size, timeout) \
  sigsafe_poll_at((fds), (size), (timeout), __FILE__, __LINE__)
SIGSAFE_C_API int sigsafe_poll_until_at(struct pollfd* fds, nfds_t size, int64_t deadline,
                                        const char* file, unsigned line);
#define sigsafe_poll_until(fds, size, deadline) \
  sigsafe_poll_until_at((fds), (size), (deadline), __FILE__, __LINE__)

/* Calls a function that blocks (epoll_pwait2, pselect, ppoll) and passes it the mask that enables
 * interrupts while it sleeps; it is called with them blocked: a wait in another hold in it would
 * let nothing in. What the call returns the function keeps in `data`, and errno stays as it leaves
 * it.
 *
 *     static void sleep_in_epoll(void *data, const sigset_t *mask) {
 *       struct loop *loop = data;
 *       loop->ready = epoll_pwait2(loop->fd, loop->events, 16, NULL, mask);
 *     }
 *
 * Safety, Pre: as sigsafe_wait
 * Errors:   EINTR: a handler has run since this thread's last wait; those of sigsafe_wait. It is
 *           not called then
 * Cost:     two to four system calls beside the function's */
typedef void sigsafe_blocking_function(void* data, const sigset_t* mask);
SIGSAFE_C_API int sigsafe_open_at(sigsafe_blocking_function* function, void* data, const char* file,
                                  unsigned line);
#define sigsafe_open(function, data) sigsafe_open_at((function), (data), __FILE__, __LINE__)

/* The real-time signal that ends a sleep when a handler has run on another thread: SIGRTMAX - 3
 * unless it was set before the first wait. It cannot be handled.
 * Safety:   wake_signal: async-signal-safe, thread-safe. set: thread-safe, not async-signal-safe
 * Errors:   set: EINVAL when it is no real-time signal, EBUSY when it is in use or it is too late
 * Cost:     wake_signal: a load */
SIGSAFE_C_API int sigsafe_wake_signal(void) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_set_wake_signal(int signal) SIGSAFE_C_NOEXCEPT;

/* ---- handlers */

/* What a handler is told. It lasts as long as the handler runs. */
typedef struct sigsafe_signal {
  int number;
  const siginfo_t* info;
  void* context; /* a ucontext_t; null when the signal was deferred */
} sigsafe_signal;
typedef void sigsafe_handler_function(const sigsafe_signal* signal, void* data);

/* How a handler wants to be called; docs/explanation/handlers.md explains each. */
enum sigsafe_handler_option {
  SIGSAFE_ALTERNATE_STACK = 1 << 0, /* on the thread's alternate stack */
  SIGSAFE_CHAIN = 1 << 1,           /* what stood there before is called behind it */
  SIGSAFE_IGNORE_AT_END = 1 << 2,   /* later signals are dropped, instead of doing what they did */
  SIGSAFE_NOT_DEFERRABLE = 1 << 3,  /* also in holds: for handlers that touch only atomics */
  SIGSAFE_NOT_IN_CHILD = 1 << 4,    /* forked children have what stood there before */
  SIGSAFE_ONCE = 1 << 5,            /* unregistered after its first call */
  SIGSAFE_RESPECT_IGNORED = 1 << 6, /* not for a signal that is ignored, as by nohup */
  SIGSAFE_RESTART = 1 << 7,         /* system calls go on instead of failing with EINTR */
  SIGSAFE_THIS_THREAD = 1 << 8,     /* runs on the thread that registers it */
  SIGSAFE_EVEN_IGNORED = 1 << 9     /* of sigsafe_stop: also signals that are ignored */
};

/* "SIGHUP", "SIGRTMIN+3"; "" for a number that is no signal. Never null.
 * Safety:   async-signal-safe, thread-safe */
SIGSAFE_C_API const char* sigsafe_signal_name(int signal) SIGSAFE_C_NOEXCEPT;

typedef struct sigsafe_handler {
  uint64_t opaque[40] __attribute__((aligned(8)));
} sigsafe_handler;
#define SIGSAFE_HANDLER_INIT {{0}}

/* Calls a function for every arrival of a signal until it is unregistered. Any number may be
 * registered for a signal; they run newest first, with every maskable signal blocked. `options` are
 * bits of sigsafe_handler_option.
 * Safety:   thread-safe, not async-signal-safe. The function runs in a signal handler: it may call
 *           what is async-signal-safe, must leave the mask as it found it and must not longjmp out
 * Pre:      `handler` was initialised, by SIGSAFE_HANDLER_INIT or with zeros
 * Errors:   EINVAL: no such signal, one that cannot be caught, unknown or contradicting options, a
 *           null function; EBUSY: `handler` is registered already, or other handlers of the signal
 *           disagree about an option; ENOMEM. Nothing has changed then
 * Cost:     the first of a signal four system calls; a call 4 atomic operations beside the signal
 * Source:   POSIX.1-2024 sigaction */
SIGSAFE_C_API int sigsafe_handler_register_at(sigsafe_handler* handler, int signal,
                                              unsigned options, sigsafe_handler_function* function,
                                              void* data, const char* file,
                                              unsigned line) SIGSAFE_C_NOEXCEPT;
#define sigsafe_handler_register(handler, signal, options, function, data)                  \
  sigsafe_handler_register_at((handler), (signal), (options), (function), (data), __FILE__, \
                              __LINE__)
/* The same for all signals of a set, or, with an error, for none. An empty set is an error. */
SIGSAFE_C_API int sigsafe_handler_register_set_at(sigsafe_handler* handler, const sigset_t* signals,
                                                  unsigned options,
                                                  sigsafe_handler_function* function, void* data,
                                                  const char* file,
                                                  unsigned line) SIGSAFE_C_NOEXCEPT;
#define sigsafe_handler_register_set(handler, signals, options, function, data)                  \
  sigsafe_handler_register_set_at((handler), (signals), (options), (function), (data), __FILE__, \
                                  __LINE__)

/* Takes it out, and waits until no other thread is inside. The last one of a signal puts back what
 * stood there before, unless other code has replaced sigsafe's: then that stays.
 * Safety:   thread-safe, not async-signal-safe
 * Pre:      not inside the function, else it panics; exit(3) inside is allowed
 * Post:     no thread is inside the function, nor ever will be; it can be registered again
 * Errors:   EINVAL: it is not registered, as at a second call */
SIGSAFE_C_API int sigsafe_handler_unregister(sigsafe_handler* handler) SIGSAFE_C_NOEXCEPT;

/* Whether signals still come to it: not after the call of one with SIGSAFE_ONCE, and not when
 * SIGSAFE_RESPECT_IGNORED has found its signals ignored. in_force: whether the kernel calls sigsafe
 * for its signals: false when a library has replaced that; reinstall takes them back.
 * Safety:   active and in_force are async-signal-safe; all are thread-safe
 * Errors:   reinstall: EINVAL when it is not registered, and those of sigaction
 * Cost:     active: two loads; in_force: a system call for each signal */
SIGSAFE_C_API bool sigsafe_handler_active(const sigsafe_handler* handler) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API bool sigsafe_handler_in_force(const sigsafe_handler* handler) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_handler_reinstall(sigsafe_handler* handler) SIGSAFE_C_NOEXCEPT;

/* Lets the signal do now what it does to a program without a handler: for a second Ctrl-C.
 * Safety:   async-signal-safe
 * Pre:      inside a handler of this signal
 * Post:     it returns when the signal has only stopped the process, and continued, or is ignored
 *           by default, and in the first process of a PID namespace */
SIGSAFE_C_API void sigsafe_take_default(const sigsafe_signal* signal) SIGSAFE_C_NOEXCEPT;

/* ---- events */

/* Set by handlers, on whichever thread they run, and by threads; waited for by threads, or by an
 * event loop through a descriptor. Many sets before one wait are one wake-up, and none is lost.
 *
 *     static sigsafe_event hung_up = SIGSAFE_EVENT_INIT;
 *     sigsafe_event_set(&hung_up);                                   // in a handler
 *     sigsafe_event_wait(&hung_up, NULL);                            // in a thread
 *
 * The members belong to sigsafe. */
typedef struct sigsafe_event {
  uint64_t word __attribute__((aligned(8)));
  uint64_t descriptor __attribute__((aligned(8)));
  uint32_t waited_in;
  bool keeps;
  bool counts;
} sigsafe_event;
/* One set lets one thread go on. */
#define SIGSAFE_EVENT_INIT {0, 0, 0, false, false}
/* It stays set, for everybody, until it is reset. */
#define SIGSAFE_EVENT_MANUAL_INIT {0, 0, 0, true, false}
/* It keeps how often it was set. */
#define SIGSAFE_EVENT_COUNTING_INIT {0, 0, 0, false, true}

/* reset makes it "not set", and its descriptor not readable; it returns how often it was set: 0, 1,
 * or, of a counting event, more. Reset it before you look at what the handlers have left.
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Cost:     an atomic operation; a system call more when a thread sleeps or a descriptor is out */
SIGSAFE_C_API void sigsafe_event_set(sigsafe_event* event) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API bool sigsafe_event_is_set(const sigsafe_event* event) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API uint32_t sigsafe_event_reset(sigsafe_event* event) SIGSAFE_C_NOEXCEPT;

/* Sleeps until it is set. `times`, if it is not null, becomes how often that was.
 * Safety:   not async-signal-safe; thread-safe. Not a cancellation point
 * Pre:      this thread holds nothing, and no handler runs on it; else it panics
 * Errors:   until: ETIMEDOUT. ENOMEM in the first wait of a process
 * Cost:     none when it is set, else a system call for each sleep */
SIGSAFE_C_API int sigsafe_event_wait_at(sigsafe_event* event, uint32_t* times, const char* file,
                                        unsigned line) SIGSAFE_C_NOEXCEPT;
#define sigsafe_event_wait(event, times) sigsafe_event_wait_at((event), (times), __FILE__, __LINE__)
SIGSAFE_C_API int sigsafe_event_wait_until_at(sigsafe_event* event, int64_t deadline,
                                              uint32_t* times, const char* file,
                                              unsigned line) SIGSAFE_C_NOEXCEPT;
#define sigsafe_event_wait_until(event, deadline, times) \
  sigsafe_event_wait_until_at((event), (deadline), (times), __FILE__, __LINE__)

/* A descriptor that is readable while the event is set, for poll, epoll and event loops. It belongs
 * to the event: neither close nor read nor write it. A forked child gets one of its own.
 * Safety:   thread-safe, not async-signal-safe
 * Errors:   EMFILE, ENFILE, ENOMEM
 * Cost:     the first call one or two system calls
 * Source:   Linux eventfd */
SIGSAFE_C_API int sigsafe_event_fd(sigsafe_event* event, int* fd) SIGSAFE_C_NOEXCEPT;

/* For an event that does not live as long as the program: closes its descriptor. It is as it was
 * initialised then.
 * Safety:   not async-signal-safe
 * Pre:      nobody waits, else it panics, and nobody sets it any more */
SIGSAFE_C_API void sigsafe_event_destroy(sigsafe_event* event) SIGSAFE_C_NOEXCEPT;

/* ---- processes */

/* The signals that the program itself blocks on this thread: the kernel's mask without what holds
 * have added. For posix_spawn, pthread_attr_setsigmask_np and others that would pass on the mask of
 * a hold.
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Cost:     a system call
 * Source:   POSIX.1-2024 pthread_sigmask */
SIGSAFE_C_API void sigsafe_program_mask(sigset_t* mask) SIGSAFE_C_NOEXCEPT;

enum sigsafe_exit_kind {
  SIGSAFE_RUNNING, /* it has not ended */
  SIGSAFE_EXITED,  /* number is the exit status */
  SIGSAFE_KILLED,  /* number is the signal */
  SIGSAFE_DUMPED,  /* the same, and it left a core */
  SIGSAFE_UNKNOWN  /* it has ended, and somebody else took its status */
};
typedef struct sigsafe_exit_status {
  enum sigsafe_exit_kind kind;
  int number;
} sigsafe_exit_status;

/* What a child gets as its descriptor `number`: this process's `from`, or /dev/null if that is
 * SIGSAFE_NULL_DEVICE. */
typedef struct sigsafe_passed_descriptor {
  int number;
  int from;
} sigsafe_passed_descriptor;
#define SIGSAFE_NULL_DEVICE (-1)

#define SIGSAFE_NEW_PROCESS_GROUP (-1)

/* How a program is started; zeros are the defaults. */
typedef struct sigsafe_spawn_options {
  const sigset_t* blocked; /* the child's mask; null: the program mask */
  bool clear_environment;  /* begins empty instead of with that of this process */
  const sigsafe_passed_descriptor* descriptors; /* 0, 1, 2 are as here unless they are named */
  size_t descriptors_size;
  const char* directory;        /* its working directory */
  char* const* environment;     /* "NAME=value", or "NAME" to take one away; ends with null */
  const sigset_t* ignored;      /* what it ignores; all others have their default action */
  bool inherit_descriptors;     /* those that are not close-on-exec, too */
  const sigset_t* keep_ignored; /* those of these that are ignored here stay ignored */
  int parent_death_signal; /* what it gets when the thread that starts it ends, such as SIGKILL */
  pid_t process_group; /* 0: that of this process; SIGSAFE_NEW_PROCESS_GROUP; one of this session */
  const char* program; /* the file, where it is not the first argument */
  bool no_search_path; /* a name without a slash is a file in its directory */
  bool session;        /* it begins a session */
} sigsafe_spawn_options;

/* A child process. It waits for this one only, and takes no status of other children away; nor does
 * it hang when other code has taken this one's (SIGSAFE_UNKNOWN). */
typedef struct sigsafe_child {
  void* opaque;
} sigsafe_child;
#define SIGSAFE_CHILD_INIT {NULL}

/* Starts a program, with the program mask, default actions, and only the descriptors that it was
 * promised. It returns when the program runs: one that is missing is an error here, not an exit
 * status. `arguments` ends with null; `options` may be null.
 * Safety:   thread-safe, not async-signal-safe
 * Pre:      `child` is initialised and has no process; no handler runs on this thread, else it
 *           panics; holds are allowed
 * Errors:   those of execve; EAGAIN, EMFILE, ENOMEM: no room for a process; EINVAL, EBADF: what the
 *           options say; EBUSY: `child` has a process. No process is left then
 * Cost:     a vfork and an execve; a descriptor for each child
 * Source:   POSIX.1-2024 posix_spawn; Linux clone(2) */
SIGSAFE_C_API int sigsafe_spawn(sigsafe_child* child, char* const arguments[],
                                const sigsafe_spawn_options* options) SIGSAFE_C_NOEXCEPT;

/* pid is -1 and fd is -1 when it has no process. fd is a pidfd, readable when it has ended. kill
 * never meets another process that has got the number.
 * Safety:   async-signal-safe, thread-safe
 * Errors:   kill: ESRCH: it has ended, and its status was taken; EINVAL: no signal, or no process;
 *           EPERM
 * Source:   Linux pidfd_open(2), pidfd_send_signal(2) */
SIGSAFE_C_API pid_t sigsafe_child_pid(const sigsafe_child* child) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_child_fd(const sigsafe_child* child) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_child_kill(const sigsafe_child* child, int signal) SIGSAFE_C_NOEXCEPT;

/* Whether it has ended, and how. look does not sleep, and is allowed in a hold; wait sleeps until
 * it has ended, wait_until also until a deadline (ETIMEDOUT). `status` may be null.
 * Safety:   thread-safe, not async-signal-safe; wait and wait_until are cancellation points
 * Pre:      wait: this thread holds nothing, and no handler runs on it; else it panics
 * Errors:   EINVAL: it has no process
 * Cost:     look: a system call; wait: three
 * Source:   POSIX.1-2024 waitid */
SIGSAFE_C_API int sigsafe_child_look(sigsafe_child* child,
                                     sigsafe_exit_status* status) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_child_wait(sigsafe_child* child, sigsafe_exit_status* status);
SIGSAFE_C_API int sigsafe_child_wait_until(sigsafe_child* child, int64_t deadline,
                                           sigsafe_exit_status* status);

/* Calls a function, once, on the thread that finds out that it has ended: in look, wait and the
 * reap functions; at once when it has been found out already. No handler calls it. Several
 * functions are called in their order; after destroy no more.
 * Safety:   thread-safe, not async-signal-safe
 * Errors:   ENOMEM; EINVAL: it has no process, or the function is null */
typedef void sigsafe_exit_function(sigsafe_exit_status status, void* data);
SIGSAFE_C_API int sigsafe_child_on_exit(sigsafe_child* child, sigsafe_exit_function* function,
                                        void* data) SIGSAFE_C_NOEXCEPT;

/* destroy kills it (SIGKILL) if it runs, and takes its status; detach lets it go on. Both leave
 * `child` without a process, and do nothing to one that has none. Who has been detached is reaped
 * by a later spawn or reap function.
 * Safety:   not async-signal-safe; no other thread uses `child` */
SIGSAFE_C_API void sigsafe_child_destroy(sigsafe_child* child) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_child_detach(sigsafe_child* child) SIGSAFE_C_NOEXCEPT;

/* For a loop, after each SIGCHLD: takes the status of those children of sigsafe_spawn that have
 * ended, and returns how many. reap_all, for PID 1 and subreapers, takes those of all children, and
 * tells the function about those that are no sigsafe_child. It takes what libraries wait for, too.
 * `function` and `reaped` may be null. Neither sleeps, so both are allowed in a hold.
 * Safety:   thread-safe, not async-signal-safe
 * Errors:   reap_all: ENOMEM
 * Cost:     a system call for each child that runs; reap_all: three for each that has ended
 * Source:   POSIX.1-2024 waitid */
SIGSAFE_C_API size_t sigsafe_reap_children(void) SIGSAFE_C_NOEXCEPT;
typedef void sigsafe_reap_function(pid_t pid, sigsafe_exit_status status, void* data);
SIGSAFE_C_API int sigsafe_reap_all(sigsafe_reap_function* function, void* data,
                                   size_t* reaped) SIGSAFE_C_NOEXCEPT;

/* Before an exec in a child of one's own fork: default actions, the program mask, and nothing
 * pending of the parent's is lost. `ignored` may be null.
 * Safety:   async-signal-safe
 * Pre:      a process that fork, not vfork, has made, with no other thread
 * Post:     handlers do not run any more in this process
 * Cost:     a system call for each signal
 * Source:   POSIX.1-2024 execve, sigaction */
SIGSAFE_C_API void sigsafe_prepare_exec(const sigset_t* ignored) SIGSAFE_C_NOEXCEPT;

/* The children of descendants that have ended are given to this process, as to PID 1, for reap_all.
 * Safety:   async-signal-safe, thread-safe
 * Errors:   EINVAL: the kernel knows no subreapers
 * Cost:     a system call
 * Source:   Linux prctl(2), PR_SET_CHILD_SUBREAPER */
SIGSAFE_C_API int sigsafe_become_subreaper(void) SIGSAFE_C_NOEXCEPT;

/* Ends this process as a child has ended, so that its parent sees that: exits with the status, or
 * takes the default action of the signal, whatever handles or blocks it, without a core file; where
 * that does not end the process, or there is no such signal, it exits with 128 + the number. Others
 * are exit(1).
 * Safety:   as exit; of a signal: async-signal-safe, thread-safe
 * Source:   POSIX.1-2024 exit, raise */
SIGSAFE_C_API void sigsafe_end_as(sigsafe_exit_status end) SIGSAFE_C_NOEXCEPT
    __attribute__((noreturn));

/* As pthread_create, but the thread is born with every maskable signal blocked, whatever this one
 * holds; those of `receives` (may be null) are open.
 * Safety:   thread-safe, not async-signal-safe
 * Errors:   those of pthread_create; ENOMEM; EINVAL: the function is null
 * Cost:     three system calls beside those of pthread_create
 * Source:   POSIX.1-2024 pthread_create */
SIGSAFE_C_API int sigsafe_thread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                        const sigset_t* receives, void* (*function)(void*),
                                        void* argument) SIGSAFE_C_NOEXCEPT;

/* ---- stopping */

/* The first of these signals asks the program to stop: requested returns its number, which is 0
 * until then; every wait and poll returns; and `event`, which may be null, is set. The second one
 * takes its default action at once, also while the program hangs in a hold; so does the end of
 * `grace` after the first (SIGSAFE_FOREVER: never). `options` are SIGSAFE_IGNORE_AT_END and
 * SIGSAFE_RESTART, as of handlers, and SIGSAFE_EVEN_IGNORED. Without that, signals that are ignored
 * when it begins, as by nohup, stay so.
 * Safety:   begin and end: thread-safe, not async-signal-safe; requested: async-signal-safe,
 *           thread-safe
 * Pre:      a program that becomes a daemon has forked: a child has no such thread
 * Post:     end: the thread has ended, and the dispositions are as before, or ignored
 * Errors:   EINVAL: a signal that cannot be handled, a fault, SIGABRT, a stop, SIGCONT, an empty or
 *           null set, another option, a negative grace; EBUSY: another has one of these, or `stop`
 *           has begun; EAGAIN, ENOMEM: no room for its thread. end: EINVAL: it has not begun
 * Cost:     a thread with a stack of 256 KiB; requested: a load
 * Source:   POSIX.1-2024 sigaction, pthread_create */
typedef struct sigsafe_stop {
  uint64_t opaque[8] __attribute__((aligned(8)));
} sigsafe_stop;
#define SIGSAFE_STOP_INIT {{0}}
SIGSAFE_C_API int sigsafe_stop_begin(sigsafe_stop* stop, const sigset_t* signals, unsigned options,
                                     int64_t grace, sigsafe_event* event) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_stop_requested(const sigsafe_stop* stop) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_stop_end(sigsafe_stop* stop) SIGSAFE_C_NOEXCEPT;

/* ---- timers */

enum sigsafe_timer_clock {
  SIGSAFE_MONOTONIC,   /* CLOCK_MONOTONIC */
  SIGSAFE_BOOTTIME,    /* the same, and the time that the system was suspended */
  SIGSAFE_REALTIME,    /* the time of day, which may be set: without an interval only */
  SIGSAFE_PROCESS_CPU, /* what the process has computed; looked at with each tick of the kernel */
  SIGSAFE_THREAD_CPU   /* what the thread that creates the timer has computed */
};

/* How a timer measures time, and where its signal goes; zeros are the defaults. */
typedef struct sigsafe_timer_options {
  enum sigsafe_timer_clock clock;
  bool interrupts;  /* system calls that it interrupts fail with EINTR instead of going on */
  int signal;       /* not a fault; better a real-time one. 0: sigsafe_timer_signal() */
  bool this_thread; /* the function runs on the thread that creates it */
} sigsafe_timer_options;

/* Calls a function as a signal handler: when `first` is over, and then at every interval (0:
 * once). `elapsed` is how many intervals are over since the call before: 1, or more when holds or
 * the load have held the signal off; none is lost or counted twice. A start begins anew, and drops
 * what was on its way. start_until begins at a time of the timer's clock, such as one of
 * clock_gettime(CLOCK_REALTIME). remaining is the time until the next call; 0 when none will come.
 * `options` may be null. A forked child has no timers, until it starts one anew. An interval of
 * less than a few microseconds leaves the program no time for anything else.
 * Safety:   create and destroy: thread-safe, not async-signal-safe; the others: async-signal-safe,
 *           thread-safe, also in the function
 * Pre:      destroy: not inside the function, else it panics
 * Post:     destroy: no thread is inside the function, nor ever will be; what is pending is dropped
 * Errors:   create: EAGAIN: no room for a timer (RLIMIT_SIGPENDING); EBUSY: it exists, or the
 *           program has a handler for sigsafe_timer_signal(); EINVAL: a null function, no such
 *           clock, a signal that cannot be handled. start: EINVAL: a negative time, an interval
 *           of SIGSAFE_REALTIME. All but create: EINVAL: it does not exist
 * Cost:     three system calls to create one, as to start and to stop one
 * Source:   POSIX.1-2024 timer_create, timer_settime */
typedef void sigsafe_timer_function(uint64_t elapsed, void* data);
typedef struct sigsafe_timer {
  uint64_t opaque[64] __attribute__((aligned(8)));
} sigsafe_timer;
#define SIGSAFE_TIMER_INIT {{0}}
SIGSAFE_C_API int sigsafe_timer_create(sigsafe_timer* timer, const sigsafe_timer_options* options,
                                       sigsafe_timer_function* function,
                                       void* data) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_timer_start(sigsafe_timer* timer, int64_t first,
                                      int64_t interval) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_timer_start_until(sigsafe_timer* timer, int64_t time,
                                            int64_t interval) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_timer_stop(sigsafe_timer* timer) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int64_t sigsafe_timer_remaining(const sigsafe_timer* timer) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_timer_destroy(sigsafe_timer* timer) SIGSAFE_C_NOEXCEPT;

/* The signal of timers that do not name another: SIGRTMAX - 4.
 * Safety:   async-signal-safe, thread-safe */
SIGSAFE_C_API int sigsafe_timer_signal(void) SIGSAFE_C_NOEXCEPT;

/* ---- crashes */

/* Reports a crash (a fault that no handler deals with, SIGABRT) by one line on a descriptor, or by
 * a function, if that is not null, and lets the program end as it would have ended. It makes an
 * alternate stack for this thread, so that a stack overflow is reported; other threads make their
 * own. in_force: whether the kernel calls sigsafe for these signals: false when a library has
 * replaced that; reinstall takes them back.
 * Safety:   thread-safe, not async-signal-safe, but for in_force, which is both. The function runs
 *           in a signal handler
 * Pre:      end: on the thread that began it, not in the function
 * Post:     end: no thread is inside the function; the dispositions before are back
 * Errors:   ENOMEM; EBUSY: it has begun. end, reinstall: EINVAL: it has not begun
 * Cost:     17 system calls; nothing until a crash
 * Source:   POSIX.1-2024 sigaction, sigaltstack */
typedef struct sigsafe_crash sigsafe_crash; /* what the function is told */
typedef void sigsafe_crash_function(const sigsafe_crash* crash, void* data);
typedef struct sigsafe_crash_handler {
  uint64_t opaque[80] __attribute__((aligned(8)));
} sigsafe_crash_handler;
#define SIGSAFE_CRASH_HANDLER_INIT {{0}}
SIGSAFE_C_API int sigsafe_crash_handler_begin(sigsafe_crash_handler* handler, int fd,
                                              sigsafe_crash_function* function,
                                              void* data) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_crash_handler_end(sigsafe_crash_handler* handler) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API bool sigsafe_crash_handler_in_force(const sigsafe_crash_handler* handler)
    SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_crash_handler_reinstall(sigsafe_crash_handler* handler)
    SIGSAFE_C_NOEXCEPT;

/* In the function: the signal; the line that is written without a function (false when it could not
 * be written at once), or its text, of which at most `size` bytes are stored, without an end; the
 * instruction (0 when it is not known); where the functions return to that
 * called the one that crashed, innermost first, by frame pointers: how many there are, at most
 * `size`.
 * Safety:   async-signal-safe
 * Cost:     write: some ten system calls, 3 KiB of stack; return addresses: a system call each */
SIGSAFE_C_API sigsafe_signal sigsafe_crash_signal(const sigsafe_crash* crash) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API bool sigsafe_crash_write(const sigsafe_crash* crash, int fd) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API size_t sigsafe_crash_text(const sigsafe_crash* crash, char* to,
                                        size_t size) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API uintptr_t sigsafe_crash_program_counter(const sigsafe_crash* crash)
    SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API size_t sigsafe_crash_return_addresses(const sigsafe_crash* crash, uintptr_t* to,
                                                    size_t size) SIGSAFE_C_NOEXCEPT;

/* An alternate stack for the handlers of this thread, with a guard page; `room` in bytes beside the
 * kernel's frame, 0 for 64 KiB. They nest, and end in any order.
 * Safety:   not async-signal-safe: it maps memory; each thread has its own
 * Pre:      end: on the same thread, and no handler runs on it; else it panics
 * Post:     end: the thread has the alternate stack, or none, that it had before
 * Errors:   ENOMEM; EPERM in a handler on an alternate stack; EBUSY: it has begun. end: EINVAL: it
 *           has not begun
 * Cost:     three system calls, and two at the end
 * Source:   POSIX.1-2024 sigaltstack */
typedef struct sigsafe_alternate_stack {
  uint64_t opaque[16] __attribute__((aligned(8)));
} sigsafe_alternate_stack;
#define SIGSAFE_ALTERNATE_STACK_INIT {{0}}
SIGSAFE_C_API int sigsafe_alternate_stack_begin(sigsafe_alternate_stack* stack,
                                                size_t room) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API int sigsafe_alternate_stack_end(sigsafe_alternate_stack* stack) SIGSAFE_C_NOEXCEPT;

/* ---- printing in handlers */

/* Writes a line (or less, or more) by one write(2), of at most 1,024 bytes; what is longer is cut,
 * and ends with "...". What a pipe or socket does not take at once is tried again. Conversions: %d
 * %i %u %x %X %o %c %s %p %%, with hh, h, l, ll, z, j, t, the flags - 0 + space #, width and, for
 * strings, precision, also as *. No floating-point numbers, no %n.
 * Safety:   async-signal-safe, thread-safe; errno is kept
 * Errors:   those of write; EINVAL: a conversion that it does not know (nothing is written then)
 * Cost:     1 KiB of stack, a system call */
SIGSAFE_C_API int sigsafe_print(int fd, const char* format, ...) SIGSAFE_C_NOEXCEPT
    __attribute__((format(printf, 2, 3)));
SIGSAFE_C_API int sigsafe_vprint(int fd, const char* format, va_list arguments) SIGSAFE_C_NOEXCEPT
    __attribute__((format(printf, 2, 0)));

/* ---- what is inlined; nothing here is meant to be used by itself */

/* The beginning of what sigsafe knows about a thread; docs/explanation/abi.md. */
struct sigsafe_abi1_thread {
  uint32_t held;
  uint32_t eager;
  uint32_t deferred;
  uint32_t resumed;
};
extern __thread struct sigsafe_abi1_thread sigsafe_abi1_this_thread
    __attribute__((visibility("default"), tls_model("initial-exec")));

SIGSAFE_C_API void sigsafe_abi1_dispatch(void) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_abi1_begin_first_eager(void) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_abi1_release_last_eager(void) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_abi1_await_unlock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_abi1_wake(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_abi1_refuse_leave(void) SIGSAFE_C_NOEXCEPT;
SIGSAFE_C_API void sigsafe_abi1_refuse_unlock(void) SIGSAFE_C_NOEXCEPT;

#define SIGSAFE_C_LOAD(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define SIGSAFE_C_STORE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)
/* Orders the accesses of this thread against a handler on it. */
#define SIGSAFE_C_FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define SIGSAFE_C_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* What C++ guards cannot get wrong is found in checked builds. */
#if defined(SIGSAFE_CHECKED) && SIGSAFE_CHECKED
#define SIGSAFE_C_REQUIRE(condition, refuse) \
  do                                         \
    if (!(condition)) refuse();              \
  while (0)
#else
#define SIGSAFE_C_REQUIRE(condition, refuse) ((void)0)
#endif

/* Returns how many holds it found. */
static inline uint32_t sigsafe_abi1_lazy_guard_begin(void) SIGSAFE_C_NOEXCEPT {
  struct sigsafe_abi1_thread* thread = &sigsafe_abi1_this_thread;
  uint32_t held = SIGSAFE_C_LOAD(thread->held);
  if (SIGSAFE_C_UNLIKELY(SIGSAFE_C_LOAD(thread->deferred) != 0) && held == 0 &&
      SIGSAFE_C_LOAD(thread->eager) == 0)
    SIGSAFE_C_STORE(thread->resumed, SIGSAFE_C_LOAD(thread->resumed) + 1);
  SIGSAFE_C_STORE(thread->held, held + 1);
  SIGSAFE_C_FENCE();
  return held;
}
static inline void sigsafe_lazy_enter(void) SIGSAFE_C_NOEXCEPT {
  (void)sigsafe_abi1_lazy_guard_begin();
}

static inline void sigsafe_lazy_leave(void) SIGSAFE_C_NOEXCEPT {
  struct sigsafe_abi1_thread* thread = &sigsafe_abi1_this_thread;
  SIGSAFE_C_REQUIRE(SIGSAFE_C_LOAD(thread->held) != 0, sigsafe_abi1_refuse_leave);
  SIGSAFE_C_FENCE();
  SIGSAFE_C_STORE(thread->held, SIGSAFE_C_LOAD(thread->held) - 1);
  SIGSAFE_C_FENCE();
  if (SIGSAFE_C_UNLIKELY(SIGSAFE_C_LOAD(thread->deferred) != 0)) sigsafe_abi1_dispatch();
}

/* A guard knows what it found. Nearly always that is one below what is there now, and the store
 * need not wait for the load; any other order of release decrements. */
static inline void sigsafe_abi1_lazy_guard_end(const uint32_t* found) SIGSAFE_C_NOEXCEPT {
  struct sigsafe_abi1_thread* thread = &sigsafe_abi1_this_thread;
  uint32_t held;
  SIGSAFE_C_REQUIRE(SIGSAFE_C_LOAD(thread->held) != 0, sigsafe_abi1_refuse_leave);
  SIGSAFE_C_FENCE();
  held = SIGSAFE_C_LOAD(thread->held);
  if (!SIGSAFE_C_UNLIKELY(held != *found + 1))
    SIGSAFE_C_STORE(thread->held, *found);
  else
    SIGSAFE_C_STORE(thread->held, held - 1);
  SIGSAFE_C_FENCE();
  if (SIGSAFE_C_UNLIKELY(SIGSAFE_C_LOAD(thread->deferred) != 0)) sigsafe_abi1_dispatch();
}

static inline void sigsafe_eager_enter(void) SIGSAFE_C_NOEXCEPT {
  struct sigsafe_abi1_thread* thread = &sigsafe_abi1_this_thread;
  uint32_t eager = SIGSAFE_C_LOAD(thread->eager);
  if (eager == 0)
    sigsafe_abi1_begin_first_eager();
  else
    SIGSAFE_C_STORE(thread->eager, eager + 1);
  SIGSAFE_C_STORE(thread->held, SIGSAFE_C_LOAD(thread->held) + 1);
  SIGSAFE_C_FENCE();
}

static inline void sigsafe_eager_leave(void) SIGSAFE_C_NOEXCEPT {
  struct sigsafe_abi1_thread* thread = &sigsafe_abi1_this_thread;
  uint32_t eager;
  SIGSAFE_C_REQUIRE(SIGSAFE_C_LOAD(thread->eager) != 0, sigsafe_abi1_refuse_leave);
  SIGSAFE_C_FENCE();
  SIGSAFE_C_STORE(thread->held, SIGSAFE_C_LOAD(thread->held) - 1);
  eager = SIGSAFE_C_LOAD(thread->eager);
  if (eager > 1)
    SIGSAFE_C_STORE(thread->eager, eager - 1);
  else
    sigsafe_abi1_release_last_eager();
}

static inline uint32_t sigsafe_abi1_eager_guard_begin(void) SIGSAFE_C_NOEXCEPT {
  sigsafe_eager_enter();
  return 0;
}
static inline void sigsafe_abi1_eager_guard_end(const uint32_t* unused) SIGSAFE_C_NOEXCEPT {
  (void)unused;
  sigsafe_eager_leave();
}

static inline bool sigsafe_enabled(void) SIGSAFE_C_NOEXCEPT {
  struct sigsafe_abi1_thread* thread = &sigsafe_abi1_this_thread;
  return SIGSAFE_C_LOAD(thread->held) == 0 && SIGSAFE_C_LOAD(thread->eager) == 0;
}

/* 0 is free, 1 locked, 2 locked and somebody may sleep. */
static inline bool sigsafe_abi1_take(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT {
  uint32_t state = 0;
  return __atomic_compare_exchange_n(&mutex->state, &state, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}
static inline void sigsafe_abi1_give_back(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT {
  uint32_t state = __atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE);
  SIGSAFE_C_REQUIRE(state != 0, sigsafe_abi1_refuse_unlock);
  if (SIGSAFE_C_UNLIKELY(state == 2)) sigsafe_abi1_wake(mutex);
}

#define SIGSAFE_C_LOCKS(kind)                                                                      \
  static inline bool sigsafe_##kind##_trylock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT {           \
    sigsafe_##kind##_enter();                                                                      \
    if (sigsafe_abi1_take(mutex)) return true;                                                     \
    sigsafe_##kind##_leave();                                                                      \
    return false;                                                                                  \
  }                                                                                                \
  static inline void sigsafe_##kind##_lock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT {              \
    while (SIGSAFE_C_UNLIKELY(!sigsafe_##kind##_trylock(mutex))) sigsafe_abi1_await_unlock(mutex); \
  }                                                                                                \
  static inline void sigsafe_##kind##_unlock(sigsafe_mutex* mutex) SIGSAFE_C_NOEXCEPT {            \
    sigsafe_abi1_give_back(mutex);                                                                 \
    sigsafe_##kind##_leave();                                                                      \
  }
SIGSAFE_C_LOCKS(lazy)
SIGSAFE_C_LOCKS(eager)
#undef SIGSAFE_C_LOCKS

#define SIGSAFE_C_JOIN_(a, b) a##b
#define SIGSAFE_C_JOIN(a, b) SIGSAFE_C_JOIN_(a, b)
#define SIGSAFE_C_GUARD(kind)                                             \
  uint32_t SIGSAFE_C_JOIN(sigsafe_guard_, __COUNTER__)                    \
      __attribute__((cleanup(sigsafe_abi1_##kind##_guard_end), unused)) = \
          sigsafe_abi1_##kind##_guard_begin()

#ifdef __cplusplus
}
#endif

#endif
