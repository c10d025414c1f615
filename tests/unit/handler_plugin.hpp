// What handler_plugin.cpp offers to the program that loads it.
#pragma once

struct handler_plugin {
  void (*begin)(int signal, void (*function)() noexcept);  ///< begins its handler
  void (*end)();                                           ///< ends it
  void (*within_guard)(void (*function)());                ///< calls with a lazy guard of its own
  const void* (*thread_state)();                           ///< the state it sees of this thread
};
