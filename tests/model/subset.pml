/* Rule 11: one thread. The signals a and b, with sigsafe handlers, F, maskable with a foreign
 * handler, and NY unmaskable ones with a foreign handler come once each, at any step. Main begins a
 * lazy hold (LAZY), an eager hold (EAGER), and subset guards of SET1 and SET2, each at most once,
 * and releases them in any order. Their handlers use guards: FG and YG say which, see use_1() and
 * on; the handlers of a and b use a subset guard of the set HG.
 *   NO_F   F does not come
 * Rule 17: main makes a signal_fd of the set FD1, and one of FD2, and destroys them in any order;
 * with FD1 there are subset guards only if their sets are given. With FG=9 the handler of F asks
 * for the program mask.
 * Checked: a handler never runs inside a guard that names its signal, nothing is lost or runs
 * twice, whenever main has no eager hold and nothing is deferred the mask is the program's and the
 * sets of the live subset guards and signal_fds, nothing more and nothing less, and at the end
 * everything is as it was. The program mask is always the program's, and perhaps the sets of subset
 * guards; never those of a signal_fd. Each #ifdef here and in protocol.inc is a tempting version
 * that is wrong.                                                                                 */
#ifndef LAZY
#define LAZY 1
#endif
#ifndef EAGER
#define EAGER 1
#endif
#ifdef FD1
#define GUARD_SET 0
#else
#define GUARD_SET 1
#define FD1 0
#endif
#ifndef FD2
#define FD2 0
#endif
#ifndef SET1
#define SET1 GUARD_SET
#endif
#ifndef SET2
#define SET2 (3 * GUARD_SET)
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
#ifndef HG
#define HG 0
#endif
#define NT 1
#define FRAMES 4
#define M 7
#define A 1
#define B 2
#define F 4
#ifdef NO_F
#define ALL (A | B)
#else
#define ALL (A | B | F)
#endif
#define NAMED named
#include "protocol.inc"

byte count[3], named;                 /* guards that name a signal; those of which it is not 0 */
byte live[3];                         /* the same, as the program sees it */
#define THOSE_OF(counts) ((counts[0] -> A : 0) | (counts[1] -> B : 0) | (counts[2] -> F : 0))
#define LIVE THOSE_OF(live)
byte taken[3];                        /* signal_fds that have taken a signal, in the process */
#define TAKEN THOSE_OF(taken)
byte pending = ALL;                   /* sent, or yet to be sent: the difference is not seen */
byte ran;
byte unmaskable_left = NY;
#define SUBSET_LOCALS LOCALS, i, last, asked
#define EACH_OF(s, do_it) \
  i = 0; \
  do \
  :: i < 3 -> if :: (s) & (1 << i) -> do_it :: else fi; i++ \
  :: else -> i = 0; break \
  od

inline block_set(s) { d_step { old = mask[0]; mask[0] = mask[0] | (s) } }
inline count_up(s) { EACH_OF(s, count[i]++); named = named | (s) }
inline publish_set(s) {
#ifdef PLAIN_LOAD_AND_STORE
  n = added[0]; d_step { added[0] = n | ((s) & ~old); n = 0; old = 0 }
#else
  d_step { added[0] = added[0] | ((s) & ~old); old = 0 }
#endif
}
inline subset_begin(s) {
#ifdef PUBLISH_BEFORE_COUNT
  block_set(s); publish_set(s); count_up(s);
#else
  block_set(s); count_up(s); publish_set(s);
#endif
  d_step { EACH_OF(s, live[i]++) }
}
inline find_last(s) {                 /* those that only this guard names */
  d_step { last = 0; EACH_OF(s, if :: count[i] == 1 -> last = last | (1 << i) :: else fi) }
}
inline take_set() {                   /* what is not taken here is left to whoever opens */
  if
#ifndef SHARE_WHILE_EAGER
  :: eager[0] != 0 -> share = 0
#endif
#ifndef SHARE_DEFERRED
  :: deferred[0] -> share = 0
#endif
  :: else ->
#ifdef PLAIN_LOAD_AND_STORE
     n = added[0]; d_step { share = n & last; added[0] = n & ~last; n = 0 }
#else
     d_step { share = added[0] & last; added[0] = added[0] & ~last }
#endif
  fi
}
inline count_down(s) { EACH_OF(s, count[i]--); named = named & ~last }
inline subset_end(s) {
  d_step { EACH_OF(s, live[i]--) };
  find_last(s);
#ifdef COUNT_DOWN_FIRST
  count_down(s); take_set(); unblock_share();
#else
#ifdef UNBLOCK_FIRST
  take_set(); unblock_share(); count_down(s);
#else
  take_set(); count_down(s); unblock_share();
#endif
#endif
  last = 0
}

inline find_taken(s) {                /* which of them the program does not block */
#ifdef COUNTS_ALL
  asked = s
#else
  asked = mask[0];
#ifndef MASK_ALONE
  asked = asked & ~added[0]; asked = asked & ~TAKEN;
#endif
  asked = (s) & ~asked
#endif
}
inline fd_begin(s, counted) {
  find_taken(s); d_step { counted = asked; asked = 0 };
#ifdef COUNTS_LATE
  subset_begin(s); EACH_OF(counted, taken[i]++)
#else
  EACH_OF(counted, taken[i]++); subset_begin(s)
#endif
}
inline fd_end(s, counted) {
#ifdef DISCOUNTS_FIRST
  EACH_OF(counted, taken[i]--); subset_end(s);
#else
  subset_end(s); EACH_OF(counted, taken[i]--);
#endif
  counted = 0
}
#ifdef A_GUARD_IN_ALL
#define PROGRAM_MASK (mask[0] & ~(added[0] & ~named))
#else
#define PROGRAM_MASK (mask[0] & ~(added[0] & ~named) & ~TAKEN)
#endif
inline ask() {                        /* program_mask(); a handler runs, which blocks itself */
  asked = added[0]; asked = asked & ~named; asked = mask[0] & ~asked & ~F;
  d_step {
    asked = PROGRAM_MASK & asked;
    assert((asked & START) == START && !(asked & ~(START | SET1 | SET2)));
    asked = 0
  }
}

inline queue_again() { d_step { pending = pending | x } }
inline call_handlers() {
  d_step {
    assert(holds[0] == 0 && !(LIVE & x) && !in_user[0] && !(ran & x));
    in_user[0] = 1; ran = ran | x
  };
#if HG != 0
  subset_begin(HG); subset_end(HG);
#endif
  in_user[0] = 0
}

/* What handlers do with guards: 1 lazy, 2 eager, 3 and 4 subset, 5 to 7 mixed, 8 any of 1 to 4. 9
 * uses none. */
inline use_0() { skip }
inline use_1() { lazy_begin(); lazy_end() }
inline use_2() { eager_begin(); eager_end() }
inline use_3() { subset_begin(A); subset_end(A) }
inline use_4() { subset_begin(A | B); subset_end(A | B) }
inline use_5() { lazy_begin(); subset_begin(A | B); lazy_end(); subset_end(A | B) }
inline use_6() { subset_begin(A | B); eager_begin(); subset_end(A | B); eager_end() }
inline use_7() { eager_begin(); subset_begin(A | B); eager_end(); subset_end(A | B) }
inline use_8() {
  if :: skip -> use_1() :: skip -> use_2() :: skip -> use_3() :: skip -> use_4() fi
}
inline use_9() { ask() }
#define PASTE(name, number) name##number
#define USE(which) PASTE(use_, which)()

#define NOT_YET 0
#define NOW 1
#define OVER 2
active proctype main() provided (top[0] == 0) {
  SUBSET_LOCALS;
  byte lazy = (LAZY -> NOT_YET : OVER), eager_hold = (EAGER -> NOT_YET : OVER);
  byte first = (SET1 -> NOT_YET : OVER), second = (SET2 -> NOT_YET : OVER);
  byte fd = (FD1 -> NOT_YET : OVER), other_fd = (FD2 -> NOT_YET : OVER), counted, other_counted;
  do
  :: d_step {
       assert(eager[0] != 0 || deferred[0] ||
              (mask[0] == (START | LIVE) && added[0] == (LIVE & ~START)));
       assert(named == LIVE && resumed[0] == 0 && held[0] == holds[0]);
       assert((PROGRAM_MASK & START) == START);
       assert(!(PROGRAM_MASK & ~(START | (first == NOW -> SET1 : 0) | (second == NOW -> SET2 : 0))))
     };
     if
     :: lazy == NOT_YET -> lazy_begin(); lazy = NOW
     :: lazy == NOW -> lazy_end(); lazy = OVER
     :: eager_hold == NOT_YET -> eager_begin(); eager_hold = NOW
     :: eager_hold == NOW -> eager_end(); eager_hold = OVER
     :: first == NOT_YET -> subset_begin(SET1); first = NOW
     :: first == NOW -> subset_end(SET1); first = OVER
     :: second == NOT_YET -> subset_begin(SET2); second = NOW
     :: second == NOW -> subset_end(SET2); second = OVER
     :: fd == NOT_YET -> fd_begin(FD1, counted); fd = NOW
     :: fd == NOW -> fd_end(FD1, counted); fd = OVER
     :: other_fd == NOT_YET -> fd_begin(FD2, other_counted); other_fd = NOW
     :: other_fd == NOW -> fd_end(FD2, other_counted); other_fd = OVER
     :: lazy != NOW && eager_hold != NOW && first != NOW && second != NOW && fd != NOW &&
        other_fd != NOW -> break
     fi
  od;
  (!(pending & ~mask[0]) && unmaskable_left == 0);
  d_step {
    assert(mask[0] == START && added[0] == 0 && named == 0 && !deferred[0]);
    assert(held[0] == 0 && eager[0] == 0 && resumed[0] == 0);
    assert(count[0] + count[1] + count[2] == 0 && TAKEN == 0);
    assert((ran | pending) == ALL && (pending & ~START) == 0)
  }
}
active proctype sigsafe_signal() provided (ON_TOP) {
  SUBSET_LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && (pending & ~mask[0] & (A | B)) ->
       if :: pending & ~mask[0] & A -> x = A :: pending & ~mask[0] & B -> x = B fi;
       pending = pending & ~x;
       push(M)
     };
     trampoline();
     pop()
  od
}
active proctype foreign() provided (ON_TOP) {
  SUBSET_LOCALS;
end:
  do
  :: atomic {
       !on_stack[_pid] && (pending & ~mask[0] & F) ->
       assert(eager_holds[0] == 0 && !(LIVE & F) && !in_user[0]);
       pending = pending & ~F; ran = ran | F;
       push(F)
     };
     USE(FG);
     pop()
  od
}
active proctype unmaskable() provided (ON_TOP) {
  SUBSET_LOCALS;
end:
  do
  :: atomic { !on_stack[_pid] && unmaskable_left > 0 -> unmaskable_left--; push(0) };
     USE(YG);
     pop()
  od
}
