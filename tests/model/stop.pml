/* Rule 13: stop signals. The kernel deletes a pending SIGCONT when it queues a stop signal, and
 * pending stop signals when it queues a SIGCONT. A sends, as another process would, up to SENT
 * signals in any order. Thread 0 has a lazy hold; thread 1, if THREADS is 2, runs handlers at once.
 * The steps are coarse: what a thread does in a trampoline is one step, because without sigsafe the
 * handlers of two threads overtake each other as well.
 *   REOPENS   how often a foreign handler's return unblocks what a deferral blocked
 * Checked: when a SIGCONT was sent last, its handler runs last; when a stop signal was sent last,
 * its handler runs. Each #ifdef takes a step away.                                               */
#ifndef SENT
#define SENT 3
#endif
#ifndef REOPENS
#define REOPENS 1
#endif
#ifndef THREADS
#define THREADS 1
#endif
mtype = { nothing, stop, cont };
bool to_process_stop, to_process_cont, to_thread_stop, to_thread_cont;
mtype last_sent = nothing, last_ran = nothing, deferred = nothing, again = nothing;
bool held = 1, closed, stop_ran;
byte sent, reopens = REOPENS;
byte conts, conts_at_deferral, conts_at_again; /* SIGCONTs that sigsafe saw */
#define STOP_PENDING (to_process_stop || to_thread_stop)
#define CONT_PENDING (to_process_cont || to_thread_cont)
#define LET_IN (STOP_PENDING || CONT_PENDING)

/* The handler of a stop signal stops the process: so the kernel deletes a pending SIGCONT. */
inline handle(s) {
  last_ran = s;
  if
  :: s == stop -> stop_ran = 1; to_process_cont = 0; to_thread_cont = 0
#ifndef CONT_NOT_REGISTERED
  :: s == cont -> conts++
#endif
  :: else -> skip
  fi
}
inline queue_stop(where) { where = 1; to_process_cont = 0; to_thread_cont = 0 }
inline queue_cont(where) { where = 1; to_process_stop = 0; to_thread_stop = 0 }
inline take_pending(s) {
  if
  :: to_thread_stop -> to_thread_stop = 0; s = stop
  :: to_thread_cont -> to_thread_cont = 0; s = cont
  :: to_process_stop -> to_process_stop = 0; s = stop
  :: to_process_cont -> to_process_cont = 0; s = cont
  fi
}
/* Is there a later signal of the other kind? Then the kernel would have deleted this one. */
#ifdef SEEN_NOT_ASKED
#define SEEN(at) false
#else
#define SEEN(at) (conts != at)
#endif
#ifdef PENDING_NOT_ASKED
#define OVERTAKEN(s, at) (s == stop && SEEN(at))
#else
#ifdef CONT_IS_KEPT
#define OVERTAKEN(s, at) (s == stop && (CONT_PENDING || SEEN(at)))
#else
#define OVERTAKEN(s, at) (s == stop && (CONT_PENDING || SEEN(at)) || s == cont && STOP_PENDING)
#endif
#endif
inline queue_again(s, at) {
  if
  :: OVERTAKEN(s, at) -> skip
  :: else -> if :: s == stop -> queue_stop(to_thread_stop) :: else -> queue_cont(to_thread_cont) fi
  fi
}
active proctype sender() {
  do
  :: sent < SENT -> d_step { sent++; last_sent = stop; stop_ran = 0; queue_stop(to_process_stop) }
  :: sent < SENT -> d_step { sent++; last_sent = cont; queue_cont(to_process_cont) }
  :: sent < SENT -> sent = SENT
  :: else -> break
  od
}
active proctype thread_0() {
  mtype s = nothing;
  do
  :: atomic {                         /* the trampoline: what it has taken is deferred, or runs */
       LET_IN && !closed -> take_pending(s);
       if
       :: deferred != nothing -> again = s; conts_at_again = conts; closed = 1
       :: deferred == nothing && held ->
          deferred = s; conts_at_deferral = conts; closed = 1
       :: else -> handle(s)
       fi;
       s = nothing
     }
  :: d_step { again != nothing -> queue_again(again, conts_at_again); again = nothing }
  :: d_step { reopens > 0 && closed && again == nothing -> reopens--; closed = 0 }
  :: atomic {                         /* the last release */
       held && again == nothing -> held = 0;
       closed = 1;
       if
       :: deferred == nothing -> skip
       :: else ->
          s = deferred; deferred = nothing;
          if :: OVERTAKEN(s, conts_at_deferral) -> skip :: else -> handle(s) fi
       fi;
       s = nothing; closed = 0
     }
  :: !held && !LET_IN && sent == SENT && again == nothing -> break
  od;
  assert(last_sent != cont || last_ran == cont);
  assert(last_sent != stop || stop_ran)
}
#if THREADS == 2
active proctype thread_1() {
  mtype s = nothing;
end:
  do
  :: atomic { to_process_stop || to_process_cont ->
       if
       :: to_process_stop -> to_process_stop = 0; handle(stop)
       :: to_process_cont -> to_process_cont = 0; handle(cont)
       fi
     }
  od
}
#endif
