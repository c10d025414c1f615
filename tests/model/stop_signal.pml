/* stop_signal, and rule 2's passing on: P is the program, H the thread of the stop_signal, and Q,
 * in STORY 2, another thread of the program. Signals of two numbers come to the process; each is
 * taken by any thread that has not blocked it. When the process is killed nothing else matters.
 *   STORY 1   P hangs; a second signal comes when the first one has been seen
 *   STORY 2   P destroys the stop_signal while Q is in a lazy hold; one signal comes, at any time;
 *             what stood there before is a foreign handler
 *   HANGS     P hangs 1 in a lazy hold, which another signal may close at any time, 2 in an eager
 *             hold or a handler, 3 in a lock without a hold of its own
 *   AT_ONCE   the second signal, of the other number, does not wait for the first
 *   DEADLINE  no second signal comes; the deadline may be over at any time
 * Checked: in STORY 1 the process is killed, in STORY 2 the signal is handled; else somebody waits
 * for ever (an invalid end state). Each other #ifdef takes a step away, or exchanges two.        */
#ifndef STORY
#define STORY 1
#endif
#ifndef HANGS
#define HANGS 1
#endif
#define WAITING 0
#define STOPPING 1
#define ENDED 2
bool to_process[2], to_helper[2];     /* pending; standard signals are merged */
byte first;                           /* 1 + the number of the first signal */
byte word = WAITING;                  /* a futex */
bool due, asleep, killed;
bool registered = 1, claimed = 1;
byte passing, inside;                 /* inside: threads in the handler of the stop_signal */
bool helper_handles, helper_blocks, helper_over;
byte sent, foreign;

#define TAKE_FROM(where) \
  if :: where[0] -> where[0] = 0; s = 0 :: where[1] -> where[1] = 0; s = 1 fi
#define PENDING(where) (where[0] || where[1])

inline wake() { asleep = 0 }
inline arrive(s) {
#ifdef LOADS_AND_STORES
  before = first;
  if :: before == 0 -> first = s + 1 :: else fi;
#else
  d_step { before = first; if :: before == 0 -> first = s + 1 :: else fi };
#endif
  if
  :: before != 0 -> killed = 1
  :: else ->
#ifdef TELLS_BEFORE_IT_IS_DUE
     word = STOPPING; wake(); due = 1
#else
     due = 1;
     word = STOPPING;
#ifndef DOES_NOT_WAKE
     wake()
#endif
#endif
  fi;
  before = 0
}
/* A trampoline that is not held. */
inline run_handlers(s) {
  d_step { found = registered; if :: found -> inside++ :: else fi };
  if
  :: found -> arrive(s); inside--
  :: else -> foreign++
  fi;
  found = 0
}
/* Rule 2, in a trampoline that is held and has nothing deferred. */
inline pass_on(s) {
#ifdef DOES_NOT_PASS_ON
  passed = 0
#else
#ifdef LOOKS_BEFORE_IT_COUNTS
  found = claimed;
  passing++;
#else
  passing++;
  found = claimed;
#endif
  d_step {                            /* to a thread that has gone the kernel sends nothing */
    passed = found && !helper_over;
    if :: passed -> to_helper[s] = 1 :: else fi
  };
  passing--;
  found = 0
#endif
}

active proctype sender() {
  atomic { to_process[0] = 1; sent = 1 };
#if STORY == 1
#ifndef DEADLINE
#ifdef AT_ONCE
  atomic { to_process[1] = 1; sent = 2 }
#else
  (first != 0);
  if :: to_process[0] = 1 :: to_process[1] = 1 fi;
  sent = 2
#endif
#endif
#endif
}
active proctype H() provided (!helper_handles) {
  byte known, s;
  do
  :: known = word;
     if
     :: known == ENDED -> break
     :: known == WAITING || known == STOPPING && !due ->
#ifdef SLEEPS_BLINDLY
        asleep = 1;
#else
        atomic { if :: word == known -> asleep = 1 :: else fi };
#endif
        (!asleep)
     :: else ->
        atomic { if :: word == known -> asleep = 1 :: else fi };
        if
        :: !asleep
#ifdef DEADLINE
        :: asleep -> asleep = 0; killed = 1
#endif
        fi
     fi
  od;
  helper_blocks = 1;
#ifndef GIVES_NOTHING_BACK
  do                                  /* to the process, which merges it with what waits there */
  :: d_step { PENDING(to_helper) -> TAKE_FROM(to_helper); to_process[s] = 1 }
  :: else -> break
  od;
#endif
  helper_over = 1
}
active proctype H_handler() {
  byte s, before;
  bool found;
end:
  do
  :: atomic {
       !helper_handles && !helper_blocks && !helper_over &&
#ifdef HELPER_IS_DEAF
       PENDING(to_helper) -> TAKE_FROM(to_helper);
#else
       (PENDING(to_helper) || PENDING(to_process)) ->
       if
       :: PENDING(to_helper) -> TAKE_FROM(to_helper)
       :: PENDING(to_process) -> TAKE_FROM(to_process)
       fi;
#endif
       helper_handles = 1; asleep = 0 /* EINTR */
     };
     run_handlers(s);
     d_step { helper_handles = 0; s = 0 }
  od
}
/* Whoever is killed waits for nobody. */
active proctype end_of_process() {
  bit turn;
end:
  (killed);
  do :: turn = 1 - turn od
}
#if STORY == 1
active proctype P() {
  byte s, before;
  bool found, passed, closed;
  do
#if HANGS == 1
  :: closed = 1; (0)                  /* another signal is deferred */
  :: atomic { PENDING(to_process) -> TAKE_FROM(to_process) };
     pass_on(s);
     if :: !passed -> closed = 1; (0) :: else fi
#elif HANGS == 2
  :: (0)
#else
  :: atomic { PENDING(to_process) -> TAKE_FROM(to_process) };
     run_handlers(s)
#endif
  od
}
#else
active proctype P() {
  byte s, before;
  bool found;
  registered = 0;
  (inside == 0);
#ifdef ENDS_BEFORE_IT_UNCLAIMS
  word = ENDED; wake();
#endif
  claimed = 0;
#ifndef DOES_NOT_WAIT
  (passing == 0);
#endif
#ifndef ENDS_BEFORE_IT_UNCLAIMS
  word = ENDED; wake();
#endif
  (helper_over);
  do                                  /* nothing is blocked: a signal is taken whenever it comes */
  :: first != 0 || foreign != 0 -> break
  :: atomic { PENDING(to_process) -> TAKE_FROM(to_process) }; run_handlers(s)
  od
}
active proctype Q() {
  byte s, before;
  bool found, passed, deferred, held = 1;
  do
  :: atomic { !deferred && PENDING(to_process) -> TAKE_FROM(to_process) };
     pass_on(s);
     deferred = !passed
  :: held = 0;
     if
     :: !deferred -> skip
     :: else ->
        d_step { found = registered; if :: found -> inside++ :: else fi };
        if
        :: found -> arrive(s); inside--
        :: else -> to_process[s] = 1  /* no handler any more: the disposition gets it */
        fi
     fi;
     break
  od
}
#endif
