// Symbols that must be seen by other shared objects, also from code built with hidden visibility.
#pragma once

#define SIGSAFE_API __attribute__((visibility("default")))
