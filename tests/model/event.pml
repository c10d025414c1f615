/* event: two threads, and a handler of the thread that waits, set it. What they produced before is
 * to be seen by that thread: a lost wake-up is an invalid end state.
 *   DESCRIPTOR     it is waited for by a loop that asks the descriptor, which is made meanwhile
 *   ONCE_UNASKED   the loop may take once although the descriptor is not readable
 * The word is value, sleepers and described, and is changed whole. A statement is one instruction
 * or one system call, as in the other models. Each other #ifdef is a tempting version that is
 * wrong.                                                                                         */
#define WANTED 3
byte value, sleepers;                 /* the word */
bool described;
bool made, readable;                  /* the descriptor, and what the kernel knows of it */
bool asleep;                          /* in the futex */
byte produced, seen, counted, returned;
bool in_handler;

#define SET_LOCALS byte before, before_sleepers; bool before_described

inline announce() {
  if
  :: before == 0 && before_described && made -> readable = 1
  :: else
  fi;
  if
  :: before == 0 && before_sleepers > 0 -> asleep = 0
  :: else
  fi;
  d_step { before = 0; before_sleepers = 0; before_described = 0 }
}
inline set() {
#ifdef LOOKS_FIRST
  d_step { before_sleepers = sleepers; before_described = described };
  d_step { before = value; value++ };
#else
  d_step { before = value; before_sleepers = sleepers; before_described = described; value++ };
#endif
  announce()
}
inline produce() { produced++; set(); returned++ }

inline drain() { if :: described && made -> readable = 0 :: else fi }
inline take() {
#ifdef DRAINS_AFTERWARDS
  d_step { taken = value; value = 0 };
  drain();
#else
#ifdef READS_FIRST
  taken = value;
  drain();
  if
  :: taken > 0 -> d_step { taken = value; value = 0 }
  :: else
  fi;
#else
  drain();
  d_step { taken = value; value = 0 };
#endif
#endif
  counted = counted + taken
}
inline sleep_while_not_set() {        /* the futex; a handler interrupts it */
#ifdef SLEEPS_BLINDLY
  asleep = 1;
#else
  atomic { if :: value == 0 -> asleep = 1 :: else fi };
#endif
  (!asleep)
}
inline wait() {
#ifdef NOT_COUNTED
  skip;
#else
  sleepers++;
#endif
  do
  :: take(); if :: taken > 0 -> break :: else -> sleep_while_not_set() fi
  od;
#ifndef NOT_COUNTED
  sleepers--;
#endif
  taken = 0
}
inline make_descriptor() {
#ifdef PUBLISHES_FIRST
  d_step { was = value; described = 1 };
  made = 1;
#else
  made = 1;
#ifdef LOOKS_BEFORE_PUBLISHING
  was = value; described = 1;
#else
  d_step { was = value; described = 1 };
#endif
#endif
#ifndef PUBLISHES_BLINDLY
  if :: was > 0 -> readable = 1 :: else fi;
#endif
  was = 0
}
inline turn() {
  do
  :: if
     :: readable -> skip
#ifdef ONCE_UNASKED
     :: !was_unasked -> was_unasked = 1
#endif
     fi;
     take();
     if :: taken > 0 -> break :: else fi
  od;
  taken = 0
}

#define ON_TOP (_pid == 0 && !in_handler)
active proctype waits() provided (ON_TOP) {
  byte taken, was;
  bool was_unasked;
#ifdef DESCRIPTOR
  make_descriptor();
#endif
  do
  :: seen < WANTED ->
#ifdef LOOKS_BEFORE_TAKING
     seen = produced;
#endif
#ifdef DESCRIPTOR
     turn();
#else
     wait();
#endif
#ifndef LOOKS_BEFORE_TAKING
     seen = produced
#endif
  :: else -> break
  od;
  (returned == WANTED && !in_handler);
  assert(counted + value == WANTED && sleepers == 0)
}
active proctype handler() {
  SET_LOCALS;
  atomic { in_handler = 1; asleep = 0 };
  produce();
  in_handler = 0
}
active [2] proctype sets() { SET_LOCALS; produce() }
