/* Rule 12: two threads. A does, for k from 1 on: hold, wait until k handlers have run, release. Up
 * to NSIG signals with a sigsafe handler come to the process, at any step, and run on whichever
 * thread lets them in. A lost wake-up is an invalid end state.
 *   A_DOES       1 lazy, 2 eager, 3 L E l wait e, 4 E L e wait l
 *   B_DOES       0 nothing, 1 a lazy hold, 2 an eager one, 3 and 4 sleeps in one, as A
 *   FOREIGN      a foreign handler of a maskable signal comes to A; under an eager hold A waits for
 *                it too; FG: 0 no guard, 1 lazy, 2 eager
 *   UNMASKABLE   an unmaskable signal comes to A: 1 with a foreign handler, and YG as FG, or 3 for
 *                L E l e; 2 with a sigsafe handler that A waits for
 *   NP           p, which is not deferrable, comes to A so often; its handler uses both guards
 *   TOKENS       how many tokens may be on their way to a thread                                 */
#ifndef NSIG
#define NSIG 2
#endif
#ifndef A_DOES
#define A_DOES 1
#endif
#ifndef B_DOES
#define B_DOES 1
#endif
#ifndef FOREIGN
#define FOREIGN 0
#endif
#ifndef FG
#define FG 2
#endif
#ifndef UNMASKABLE
#define UNMASKABLE 0
#endif
#ifndef YG
#define YG 2
#endif
#ifndef NP
#define NP 0
#endif
#define NT 2
#define FRAMES 5                      /* program, trampoline; A also the other three */
#define S 1
#define F 2
#define W 4
#define P (NP -> 8 : 0)
#define M (S | F)
#define CLOSED (M | (closes_all[T] -> P : 0))
#define START W
bool closes_all[2];
#include "protocol.inc"
byte to_process, to_thread[NT];       /* S, sent or yet to be sent */
bool f_left, y_left;
byte p_left = NP;
byte handled, wanted;
bool foreign_ran, a_over;
inline queue_again() { to_thread[T]++ }
inline user(maskable) {
  d_step { assert(!maskable || (holds[T] == 0 && !in_user[T])); in_user[T] = maskable };
  d_step { handled++; in_user[T] = 0 }
}
#include "wait.inc"

inline use_0() { skip }
inline use_1() { lazy_begin(); lazy_end() }
inline use_2() { eager_begin(); assert((mask[T] & M) == M); eager_end() }
inline use_3() { lazy_begin(); eager_begin(); lazy_end(); eager_end() }
#define PASTE(name, number) name##number
#define USE(which) PASTE(use_, which)()
inline wait_until(condition) { do :: condition -> break :: else -> sleep_unheld() od }
inline rest() {
  d_step {
    assert(mask[T] == START && added[T] == 0 && !deferred[T]);
    assert(held[T] == 0 && eager[T] == 0 && resumed[T] == 0 && to_restore[T] == NONE)
  }
}
#define A_HAS_ALL (handled >= k && (!FOREIGN || A_DOES != 2 || k < wanted || foreign_ran))
active proctype A() provided (top[T] == FRAME) {
  WAIT_LOCALS;
  byte k = 1;
  atomic {
    if
    :: to_process = 1
#if NSIG > 1
    :: to_process = 2
#endif
#if NSIG > 2
    :: to_process = 3
#endif
    fi;
    f_left = FOREIGN; y_left = (UNMASKABLE != 0);
    wanted = to_process + (UNMASKABLE == 2 -> 1 : 0)
  };
  do
  :: k <= wanted ->
#if A_DOES == 1
     lazy_begin(); wait_until(A_HAS_ALL); lazy_end();
#elif A_DOES == 2
     eager_begin(); wait_until(A_HAS_ALL); eager_end();
#elif A_DOES == 3
     lazy_begin(); eager_begin(); lazy_end(); wait_until(A_HAS_ALL); eager_end();
#else
     eager_begin(); lazy_begin(); eager_end(); wait_until(A_HAS_ALL); lazy_end();
#endif
     k++
  :: else -> break
  od;
  (to_process == 0 && to_thread[T] == 0 && !f_left && !y_left);
  rest();
  a_over = 1
}
#define SIGNALS_COME \
  end: do \
  :: atomic { \
       !on_stack[_pid] && !(mask[T] & S) && (to_process > 0 || to_thread[T] > 0) -> \
       if :: to_process > 0 -> to_process-- :: to_thread[T] > 0 -> to_thread[T]-- fi; \
       push(M | W | P); reason[T] = 1 \
     }; \
     trampoline(); \
     pop() \
  od
active proctype A_trampoline() provided (ON_TOP) { WAIT_LOCALS; SIGNALS_COME }
active proctype A_foreign() provided (ON_TOP) {
  WAIT_LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && !(mask[T] & F) && f_left ->
       assert(eager_holds[T] == 0 && !in_user[T]);
       f_left = 0; reason[T] = 1; push(F)
     };
     foreign_ran = 1;
     USE(FG);
     pop()
  od
}
active proctype A_unmaskable() provided (ON_TOP) {
  WAIT_LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && y_left -> y_left = 0; reason[T] = 1;
#if UNMASKABLE == 2
       push(M | W | P)
     };
     up(eager[T]); handle(UNMASKABLE_SKIPS_OWN, 0); down(eager[T]);
#else
       push(0)
     };
     USE(YG);
#endif
     pop()
  od
}
active proctype A_undeferrable() provided (ON_TOP) {
  WAIT_LOCALS;
#if NP
end:
  do
  :: atomic {
       !on_stack[_pid] && !(mask[T] & P) && p_left > 0 -> p_left--; push(M | W | P)
     };
#ifdef GOES_ON
     goes_on[T] = 1;
#else
     if :: frame_mask & P -> goes_on[T] = 1 :: else fi;
#endif
     up(eager[T]); eager_begin(); lazy_begin(); eager_end(); lazy_end(); down(eager[T]);
     pop()
  od
#endif
}
active proctype B() provided (top[T] == FRAME) {
  WAIT_LOCALS;
  byte k;
  (wanted != 0);
  k = wanted;
#if B_DOES == 1
  lazy_begin(); lazy_end();
#elif B_DOES == 2
  eager_begin(); eager_end();
#elif B_DOES == 3
  lazy_begin(); wait_until(handled >= k); lazy_end();
#elif B_DOES == 4
  eager_begin(); wait_until(handled >= k); eager_end();
#endif
  (to_process == 0 && to_thread[T] == 0 && a_over);
  rest()
}
active proctype B_trampoline() provided (ON_TOP) { WAIT_LOCALS; SIGNALS_COME }
/* The handler of W does nothing, with everything maskable blocked: it is one step. */
#define TOKEN_COMES(t) \
  d_step { \
    tokens[t] > 0 && !(mask[t] & W) -> tokens[t]--; TOKEN_TAKEN(t); reason[t] = 1; \
    if :: to_restore[t] != NONE -> mask[t] = to_restore[t] :: else fi; \
    to_restore[t] = NONE \
  }
active proctype tokens_come() {
end:
  do
  :: TOKEN_COMES(0)
  :: TOKEN_COMES(1)
#ifdef TOKENS
  :: tokens[0] > TOKENS || tokens[1] > TOKENS -> assert(false)
#endif
  od
}
