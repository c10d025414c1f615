/* condition_variable: W waits, with a mutex, until N and a handler of W have each made a change; so
 * does V, which has no handler. The word of the mutex is 0 free, 1 locked, 2 locked and somebody
 * may sleep; its unlock wakes all. Nobody sleeps for ever (an invalid end state).
 *   MOVES       N notifies while it has the mutex, and moves the sleepers to its word
 *   LOCK_FREE   N makes its change without the mutex
 * Each other #ifdef is a tempting version that is wrong.                                         */
#define FRAMES 4                      /* W, its handler, V, N */
#define WANTED 2
byte word, changes, waiters, made;
byte asleep[FRAMES];                  /* 0, 1 on the mutex, 2 on the condition */
bool has_lock[FRAMES];
bool in_handler;
#define ON_TOP (_pid != 0 || !in_handler)

inline wake(which) {
  d_step {
    if :: asleep[0] == which -> asleep[0] = 0 :: else fi;
    if :: asleep[1] == which -> asleep[1] = 0 :: else fi;
    if :: asleep[2] == which -> asleep[2] = 0 :: else fi;
    if :: asleep[3] == which -> asleep[3] = 0 :: else fi
  }
}
inline wake_one(which) {
  d_step {
    if
    :: asleep[0] == which -> asleep[0] = 0 :: asleep[1] == which -> asleep[1] = 0
    :: asleep[2] == which -> asleep[2] = 0 :: asleep[3] == which -> asleep[3] = 0
    :: else
    fi
  }
}
inline lock() {
  do
  :: d_step {
       seen = word;
       if :: seen == 0 -> word = 1; has_lock[_pid] = 1 :: seen == 1 -> word = 2 :: else fi
     };
     if
     :: seen == 0 -> break
     :: else ->
        atomic { if :: word == 2 -> asleep[_pid] = 1 :: else fi };
        asleep[_pid] == 0
     fi
  od;
  seen = 0
}
inline unlock() {
  d_step { seen = word; word = 0; has_lock[_pid] = 0 };
#ifdef WAKES_ONE_AT_THE_LOCK
  if :: seen == 2 -> wake_one(1) :: else fi;
#else
  if :: seen == 2 -> wake(1) :: else fi;
#endif
  seen = 0
}
inline advance() {
#ifdef DOES_NOT_ADVANCE
  skip
#else
  changes++
#endif
}
inline notify_all() {
  advance();
  if :: waiters > 0 -> wake(2) :: else fi
}
inline notify_and_move() {
#ifndef DOES_NOT_MARK
  d_step { if :: word == 1 -> word = 2 :: else fi };
#endif
  advance();
  if
  :: waiters > 0 ->
     d_step {
       if :: asleep[0] == 2 -> asleep[0] = 1 :: else fi;
       if :: asleep[2] == 2 -> asleep[2] = 1 :: else fi
     }
  :: else
  fi
}
inline await_change() {               /* the futex */
  atomic { if :: changes == known -> asleep[_pid] = 2 :: else fi };
  asleep[_pid] == 0
}
inline wait_until_made() {
  do
  ::
#ifdef ASKS_BEFORE_IT_COUNTS
     if :: made == WANTED -> break :: else fi;
#endif
#ifndef COUNTS_BEHIND_THE_UNLOCK
     waiters++;
#endif
#ifndef READS_BEHIND_THE_UNLOCK
     known = changes;
#endif
#ifndef ASKS_BEFORE_IT_COUNTS
     if :: made == WANTED -> waiters--; break :: else fi;
#endif
     unlock();
#ifdef COUNTS_BEHIND_THE_UNLOCK
     waiters++;
#endif
#ifdef READS_BEHIND_THE_UNLOCK
     known = changes;
#endif
     await_change();
     waiters--;
     lock()
  od;
  known = 0
}
active proctype W() provided (ON_TOP) {
  byte seen, known;
  lock();
  wait_until_made();
  unlock();
  (!in_handler)
}
/* The mutex holds it off; it ends a sleep. It may lock the mutex, and notify. */
active proctype handler() {
  byte seen;
  atomic { !has_lock[0] -> in_handler = 1; asleep[0] = 0 };
  lock(); made++; unlock();
  notify_all();
  in_handler = 0
}
active proctype V() {
  byte seen, known;
  lock();
  wait_until_made();
  unlock()
}
active proctype N() {
  byte seen;
#ifdef LOCK_FREE
  made++;
  notify_all()
#else
  lock();
  made++;
#ifdef MOVES
  notify_and_move();
  unlock()
#else
  unlock();
  notify_all()
#endif
#endif
}
