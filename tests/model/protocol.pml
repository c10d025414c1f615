/* Rules 2 to 7: one thread. Main begins LAZY lazy and EAGER eager holds and releases them, in any
 * order. The signals a and b, with sigsafe handlers, F, maskable with a foreign handler, and NY
 * unmaskable ones with foreign handlers (with YS: of sigsafe) come once each, at any step. Their
 * handlers use guards: HG (a and b), FG and YG say which; see use_1() and on.
 *   PG              rule 16: the signal p comes too; its handler is not deferrable, and uses guards
 *                   as FG says; P_CHAINS: a foreign function uses them, behind it
 *   P_CHANGES       p becomes deferrable, or is so first and is not any more, at any time: the last
 *                   handler goes on another thread, and another one comes
 *   HANDLER_OPENS   the handler of a unblocks every signal first
 *   NO_F, NO_B      F, or b, does not come
 *   LIMIT           how often a signal may be queued again: more is a loop without progress
 * Checked: a handler of a or b never runs while the thread is held, nothing is lost or runs twice,
 * whenever main has no eager hold and nothing is deferred the mask is the program's, main never
 * blocks p while that is not deferrable, and at the end everything is as it was.                 */
#ifndef LAZY
#define LAZY 1
#endif
#ifndef EAGER
#define EAGER 1
#endif
#ifndef HG
#define HG 0
#endif
#ifndef FG
#define FG 0
#endif
#ifndef YG
#define YG 0
#endif
#ifndef NY
#define NY 1
#endif
#if defined(HANDLER_OPENS) || defined(P_CHANGES)
#define LEVELS 2                      /* handlers of sigsafe that run inside each other */
#else
#define LEVELS 1
#endif
#define NT 1
#define M 7
#define FIRST_BODY 1
#ifdef PG
#define NP 1
#else
#define NP 0
#endif
#define FRAMES (2 + 2 * LEVELS + NY + NP)
#define A 1
#define B 2
#define F 4
#define P 8
#define HANDLED (M | NP * P)          /* what a handler of sigsafe is called with: its sa_mask */
#if NP > 0
bool deferrable;
#ifdef P_CLOSED
#define CLOSED HANDLED
#else
#define CLOSED (M | (deferrable -> P : 0))
#endif
#endif
#ifdef NO_B
#define B_COMES 0
#else
#define B_COMES B
#endif
#ifdef NO_F
#define F_COMES 0
#else
#define F_COMES F
#endif
#include "protocol.inc"

byte pending = A | B_COMES | F_COMES | NP * P;  /* sent, or yet to be: it is not seen which */
byte ran;
bool in_sleep;                        /* in a system call that unblocks what the program blocks */
byte called[LEVELS], caller[LEVELS];  /* what a body shall run, and the frame to go back to */
byte unmaskable_left = NY;
#if defined(P_CHANGES) || NP == 0
#define P_IS_OPEN true
#else
#define P_IS_OPEN (!(mask[0] & P))
#endif
#ifdef LIMIT
byte queued_again;
#define COUNT_QUEUED queued_again++; assert(queued_again <= LIMIT)
#else
#define COUNT_QUEUED skip
#endif
inline queue_again() { d_step { pending = pending | x; COUNT_QUEUED } }
/* The user's function is a frame of its own: inlines cannot call themselves. */
inline call_handlers() {
  d_step {
    assert(in_user[0] < LEVELS);      /* a handler runs inside a handler */
    called[in_user[0]] = x; caller[in_user[0]] = FRAME;
    top[0] = FIRST_BODY + in_user[0];
    in_user[0]++
  };
  skip
}
/* What handlers do with guards: 1 lazy, 2 eager, 3 L E l e, 4 E L e l, 5 L E e l, 6 lazy or eager.
 * (Chosen by the preprocessor: a verifier without the others compiles in a third of the time.)   */
inline use_0() { skip }
inline use_1() { lazy_begin(); lazy_end() }
inline use_2() { eager_begin(); eager_end() }
inline use_3() { lazy_begin(); eager_begin(); lazy_end(); eager_end() }
inline use_4() { eager_begin(); lazy_begin(); eager_end(); lazy_end() }
inline use_5() { lazy_begin(); eager_begin(); eager_end(); lazy_end() }
inline use_6() { if :: skip -> use_1() :: skip -> use_2() fi }
#define PASTE(name, number) name##number
#define USE(which) PASTE(use_, which)()
active proctype main() provided (top[0] == 0) {
  LOCALS;
  byte lazy_left = LAZY, lazy_live, eager_left = EAGER, eager_live;
  bool slept;
  do
  :: d_step {
       assert(eager_live != 0 || deferred[0] || (mask[0] == START && added[0] == 0));
       assert(P_IS_OPEN);
       assert(resumed[0] == 0 && held[0] == lazy_live + eager_live && eager[0] == eager_live)
     };
     if
     :: d_step { lazy_left > 0 -> lazy_left--; lazy_live++ }; lazy_begin()
     :: d_step { lazy_live > 0 -> lazy_live-- }; lazy_end()
     :: d_step { eager_left > 0 -> eager_left--; eager_live++ }; eager_begin()
     :: d_step { eager_live > 0 -> eager_live-- }; eager_end()
#ifdef SLEEPS
     :: d_step {
          !slept && eager_live == 0 -> slept = 1;
          in_sleep = 1; to_restore[0] = mask[0]; mask[0] = 0
        };
        d_step {
          in_sleep = 0;
          if :: to_restore[0] != NONE -> mask[0] = to_restore[0] :: else fi;
          to_restore[0] = NONE
        }
#endif
     :: lazy_live == 0 && eager_live == 0 -> break
     fi
  od;
  (!(pending & ~mask[0]) && unmaskable_left == 0);
  d_step {
    assert(mask[0] == START && added[0] == 0 && !deferred[0]);
    assert(held[0] == 0 && eager[0] == 0 && resumed[0] == 0);
    assert((pending & ~START) == 0 && (ran | pending) == (A | B_COMES | F_COMES | NP * P))
  }
}
active [LEVELS] proctype body() provided (top[0] == FRAME) {
  LOCALS;
end:
  do
  :: d_step {
       x = called[FRAME - FIRST_BODY];
       assert(holds[0] == 0 && !(ran & x)); ran = ran | x;
       assert(in_sleep || !(x & START))
     };
#ifdef HANDLER_OPENS
     if :: x == A -> mask[0] = START :: else fi;
#endif
     USE(HG);
     d_step {
       in_user[0]--;
       called[FRAME - FIRST_BODY] = 0; x = 0;
       top[0] = caller[FRAME - FIRST_BODY]; caller[FRAME - FIRST_BODY] = 0
     }
  od
}
active [LEVELS] proctype sigsafe_signal() provided (ON_TOP) {
  LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && (pending & ~mask[0] & (A | B)) ->
       if :: pending & ~mask[0] & A -> x = A :: pending & ~mask[0] & B -> x = B fi;
       pending = pending & ~x;
       push(HANDLED)
     };
     trampoline();
     pop()
  od
}
active proctype foreign() provided (ON_TOP) {
  LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && (pending & ~mask[0] & F) ->
       assert(eager_holds[0] == 0);
       pending = pending & ~F; ran = ran | F;
       push(F)
     };
     USE(FG);
     pop()
  od
}
#if NP > 0
inline run_undeferrable() {           /* rule 16; what is deferred is not looked at afterwards */
  up(eager[0]);
#ifdef P_CHAINS
  down(eager[0]);
  d_step { ran = ran | P; mask[0] = frame_mask | P };
  USE(PG);
  mask[0] = mask[0] | HANDLED;
  up(eager[0]);
#else
  ran = ran | P;
  USE(PG);
#endif
  down(eager[0]);
#ifdef P_DISPATCHES
  if :: deferred[0] -> cold_path() :: else -> skip fi
#endif
}
active proctype undeferrable() provided (ON_TOP) {
  LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && (pending & ~mask[0] & P) ->
       pending = pending & ~P;
       push(HANDLED)
     };
     if
     :: deferrable -> x = P; trampoline()
     :: else -> run_undeferrable()
     fi;
     pop()
  od
}
#endif
#ifdef P_CHANGES
active proctype changes() {           /* on another thread */
  if :: deferrable = 1 :: skip fi;
  deferrable = !deferrable
}
#endif
#if NY > 0
active [NY] proctype unmaskable() provided (ON_TOP) {
  LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && unmaskable_left > 0 ->
       unmaskable_left--;
#ifdef YS
       push(HANDLED)
     };
     up(eager[0]); USE(YG); down(eager[0]);
#else
       push(0)
     };
     USE(YG);
#endif
     pop()
  od
}
#endif
