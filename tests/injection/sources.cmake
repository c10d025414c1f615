# What the builds of the host and of other targets share, see CMakeLists.txt and other_targets/.

set(harness injector.cpp other_thread.cpp program.cpp subject.cpp trial.cpp)
set(subjects
    subjects/c_interface.cpp
    subjects/cells.cpp
    subjects/children.cpp
    subjects/crashes.cpp
    subjects/discards.cpp
    subjects/dispatches.cpp
    subjects/events.cpp
    subjects/guards.cpp
    subjects/handlers.cpp
    subjects/mutexes.cpp
    subjects/other_thread_events.cpp
    subjects/other_thread_handlers.cpp
    subjects/other_thread_locks.cpp
    subjects/other_thread_waits.cpp
    subjects/processes.cpp
    subjects/signal_fds.cpp
    subjects/sleeps.cpp
    subjects/stops.cpp
    subjects/timers.cpp)
foreach(part IN ITEMS harness subjects)
  list(TRANSFORM ${part} PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
endforeach()
get_property(library GLOBAL PROPERTY sigsafe_sources)

set(SIGSAFE_INJECTION_PAIRS
    core
    CACHE STRING "Two signals at every pair of instructions of which subjects: core or all")
set_property(CACHE SIGSAFE_INJECTION_PAIRS PROPERTY STRINGS core all)
