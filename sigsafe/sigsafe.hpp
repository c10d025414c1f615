// Everything that a hosted program needs.
#pragma once

// IWYU pragma: begin_exports
#include <sigsafe/alternate_stack.hpp>
#include <sigsafe/checked.hpp>
#include <sigsafe/condition_variable.hpp>
#include <sigsafe/crash.hpp>
#include <sigsafe/discard.hpp>
#include <sigsafe/event.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/ref_cell.hpp>
#include <sigsafe/signal_fd.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/stop.hpp>
#include <sigsafe/subset_guard.hpp>
#include <sigsafe/thread_id.hpp>
#include <sigsafe/timer.hpp>
#include <sigsafe/wake_signal.hpp>
// IWYU pragma: end_exports
