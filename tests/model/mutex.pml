/* Rule 9: lazy (or, with EAGER, eager) locks of THREADS threads. Each thread is a program, the
 * trampoline, and the function of its handler. A word is 0 free, 1 locked, 2 locked and somebody
 * may sleep. NSIG signals with a sigsafe handler come, at any step.
 *   STORY 0   each thread locks and unlocks the word 0, REPEAT times; so does the handler, on
 *             whichever thread it runs
 *   STORY 1   A locks 0; C locks 1 and in it 0; B locks 0; a handler that runs on B locks 1
 *   STORY 2   A holds 0 until a handler that runs on B has run; B locks 0
 *   TIMED     B may give up whenever it has not got the lock, also in its sleep
 * Checked: nobody locks what is locked; a handler never runs while its thread is held or has a
 * lock; nobody sleeps for ever (an invalid end state); at the end everything is as it was.
 * Each #ifdef is a tempting version that is wrong.                                               */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef NSIG
#define NSIG 1
#endif
#ifndef STORY
#define STORY 0
#endif
#ifndef REPEAT
#define REPEAT 1
#endif
#define NT 3
#define FRAMES 3
#define BODY 2
#define M 1
#define WHEN_INTERRUPTED ; asleep[T * FRAMES + interrupted] = 0 /* EINTR */
#include "protocol.inc"

byte word[2];
byte asleep[NT * FRAMES];             /* 0, or 1 + the word it sleeps on */
byte owner[2];                        /* what the checks know: 1 + the frame that has the lock */
byte to_process, to_thread[NT], handled;
byte caller[NT];
#define MUTEX_LOCALS LOCALS, seen; bool slept, taken, gave_up
#ifdef EAGER
#define HOLD eager_begin()
#define RELEASE eager_end()
#else
#define HOLD lazy_begin()
#define RELEASE lazy_end()
#endif
#define B_PROGRAM (T == 1 && FRAME == 0)

inline queue_again() { to_thread[T]++ }
inline call_handlers() {              /* a frame of its own: inlines cannot call themselves */
  d_step { assert(!in_user[T]); in_user[T] = 1; caller[T] = FRAME; top[T] = BODY };
  skip
}
inline mark_taken(i) { taken = 1; assert(owner[i] == 0); owner[i] = _pid + 1 }
inline try_lock(i) {
  if
#ifdef WAKE_ONE
  :: d_step { word[i] == 0 -> word[i] = (slept -> 2 : 1); mark_taken(i) }
#else
  :: d_step { word[i] == 0 -> word[i] = 1; mark_taken(i) }
#endif
  :: else -> skip
  fi
}
inline sleep_while(i, value) {        /* the futex */
  atomic { if :: word[i] == value -> asleep[_pid] = i + 1 :: else fi };
  slept = 1;
#ifdef TIMED
  if
  :: !asleep[_pid]
  :: d_step { B_PROGRAM && asleep[_pid] -> asleep[_pid] = 0; gave_up = 1 }
  fi
#else
  (!asleep[_pid])
#endif
}
inline until_free(i) {                /* without taking it */
  do
  :: seen = word[i];
     if
     :: seen == 0 -> break
     :: else ->
#ifdef NO_MARK
        sleep_while(i, seen)
#else
#ifdef PLAIN_STORE_OF_2
        word[i] = 2; sleep_while(i, 2)
#else
        if
        :: seen == 1 ->
           d_step { if :: word[i] == 1 -> word[i] = 2; seen = 2 :: else -> seen = 0 fi }
        :: else
        fi;
        if :: seen == 2 -> sleep_while(i, 2) :: else fi
#endif
#endif
#ifdef TIMED
        ; if :: gave_up -> break :: B_PROGRAM -> gave_up = 1; break :: else fi
#endif
     fi
  od;
  seen = 0
}
inline take_in_the_sleep(i) {         /* as locks do that need no handlers */
  do
  :: d_step {
       seen = word[i]; word[i] = 2;
       if :: seen == 0 -> mark_taken(i) :: else fi
     };
     if :: taken -> break :: else -> sleep_while(i, 2) fi
  od;
  seen = 0
}
inline lock(i) {
  do
  :: skip;
#ifdef TRY_BEFORE_HOLD
     try_lock(i);
     if :: taken -> HOLD; break :: else fi;
     until_free(i)
#else
     HOLD;
     try_lock(i);
     if :: taken -> break :: else fi;
#ifdef TIMED
     if :: gave_up -> RELEASE; break :: else fi;
#endif
#ifdef SLEEP_IN_HOLD
     until_free(i); RELEASE
#else
     RELEASE;
#ifdef TAKE_IN_THE_SLEEP
     take_in_the_sleep(i); HOLD; break
#else
     until_free(i)
#endif
#endif
#endif
  od;
  slept = 0
}
inline wake(i) {
#ifdef WAKE_ONE
  atomic {
    if
    :: asleep[0] == i + 1 -> asleep[0] = 0 :: asleep[1] == i + 1 -> asleep[1] = 0
    :: asleep[2] == i + 1 -> asleep[2] = 0 :: asleep[3] == i + 1 -> asleep[3] = 0
    :: asleep[4] == i + 1 -> asleep[4] = 0 :: asleep[5] == i + 1 -> asleep[5] = 0
    :: asleep[6] == i + 1 -> asleep[6] = 0 :: asleep[7] == i + 1 -> asleep[7] = 0
    :: asleep[8] == i + 1 -> asleep[8] = 0 :: else
    fi
  }
#else
  d_step {
    for (seen : 0 .. NT * FRAMES - 1) {
      if :: asleep[seen] == i + 1 -> asleep[seen] = 0 :: else fi
    }
    seen = 0
  }
#endif
}
inline unlock(i) {
#ifdef RELEASE_BEFORE_UNLOCK
  RELEASE;
#endif
  d_step { assert(owner[i] == _pid + 1); owner[i] = 0; seen = word[i]; word[i] = 0 };
  if :: seen == 2 -> wake(i) :: else fi;
  seen = 0; taken = 0;
#ifndef RELEASE_BEFORE_UNLOCK
  RELEASE
#endif
}
inline rest() {
  (to_process == 0 && to_thread[T] == 0 && handled == NSIG);
  d_step {
    assert(mask[T] == 0 && added[T] == 0 && !deferred[T]);
    assert(held[T] == 0 && eager[T] == 0 && resumed[T] == 0)
  }
}
#define SIGNALS_COME \
  end: do \
  :: atomic { \
       !on_stack[_pid] && T < THREADS && !mask[T] && (to_process > 0 || to_thread[T] > 0) -> \
       if :: to_process > 0 -> to_process-- :: to_thread[T] > 0 -> to_thread[T]-- fi; \
       push(M) \
     }; \
     trampoline(); \
     pop() \
  od
#define OWN(i) (owner[i] != 0 && (owner[i] - 1) / FRAMES == T)
#if STORY == 0
#define USER lock(0); unlock(0)
#elif STORY == 1
#define USER lock(1); unlock(1)
#else
#define USER skip
#endif
#define HANDLER_RUNS \
  end: do \
  :: d_step { in_user[T] -> assert(holds[T] == 0 && !OWN(0) && !OWN(1)) }; \
     USER; \
     d_step { handled++; in_user[T] = 0; top[T] = caller[T]; caller[T] = 0 } \
  od

active proctype A() provided (top[T] == FRAME) {
  MUTEX_LOCALS;
  byte r;
#if STORY == 0
  to_process = NSIG;
#else
  to_thread[1] = NSIG;
#endif
  for (r : 1 .. REPEAT) {
    lock(0);
#if STORY == 2
    (handled > 0);
#endif
    unlock(0)
  }
  rest()
}
active proctype A_trampoline() provided (ON_TOP) { LOCALS; SIGNALS_COME }
active proctype A_body() provided (top[T] == FRAME) { MUTEX_LOCALS; HANDLER_RUNS }
active proctype B() provided (top[T] == FRAME) {
  MUTEX_LOCALS;
  byte r;
  for (r : 1 .. REPEAT) { lock(0); if :: taken -> unlock(0) :: else fi }
  rest()
}
active proctype B_trampoline() provided (ON_TOP) { LOCALS; SIGNALS_COME }
active proctype B_body() provided (top[T] == FRAME) { MUTEX_LOCALS; HANDLER_RUNS }
#if THREADS > 2
active proctype C() provided (top[T] == FRAME) {
  MUTEX_LOCALS;
  byte r;
#if STORY == 1
  lock(1); taken = 0; lock(0); unlock(0); unlock(1);
#else
  for (r : 1 .. REPEAT) { lock(0); unlock(0) }
#endif
  rest()
}
active proctype C_trampoline() provided (ON_TOP) { LOCALS; SIGNALS_COME }
active proctype C_body() provided (top[T] == FRAME) { MUTEX_LOCALS; HANDLER_RUNS }
#endif
