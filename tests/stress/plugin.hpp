// What the plug-in of the stress suite offers to the program that loads it.
#pragma once

namespace stress {

struct plugin {
  enum class hold : unsigned char { lazy, eager, nothing };
  /// Calls a function with a guard of the plug-in's own copy of the library.
  void (*within)(hold with, void (*function)(void*), void* of);
  /// A handler of the plug-in's own; null when it could not be registered.
  void* (*begin)(int signal, void (*function)(void*) noexcept, void* of);
  void (*end)(void* handler);
};

inline constexpr char plugin_symbol[] = "sigsafe_stress_plugin";
inline constexpr char plugin_file[] = "sigsafe-stress-plugin.so";

}  // namespace stress
