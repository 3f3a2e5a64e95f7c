// SPDX-License-Identifier: Apache-2.0
// Error values. A fallible function returns `enum sw_code` (0 is success) and, on failure, fills the caller's
// `struct sw_err` at the lowest level that knows what went wrong; callers add context with sw_err_wrap().
// On failure outputs are untouched. Nothing here allocates, prints or exits.
#ifndef SW_BASE_ERR_H
#define SW_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

// The one table of outcomes: enumerator, word used in JSON errors, process exit code, sentence for the manual.
// Several codes may share an exit code; the word tells them apart.
#define SW_CODE_TABLE(X)                                                                                               \
    X(SW_OK, "ok", 0, "success")                                                                                       \
    X(SW_FAILED, "failed", 1, "the operation failed; the message says why")                                            \
    X(SW_USAGE, "usage", 2, "unknown command or option, or a value of the wrong type")                                 \
    X(SW_PARTIAL, "partial", 3, "part of the work was done, part failed")                                              \
    X(SW_CREDENTIALS, "credentials", 4, "credentials are missing or were not accepted")                                \
    X(SW_REFUSED, "refused", 5, "refused by policy: not approved, approval withdrawn, or bytes changed")               \
    X(SW_UNREACHABLE, "unreachable", 6, "the target cannot be reached")                                                \
    X(SW_CONFLICT, "conflict", 7, "somebody else changed or owns the object")                                          \
    X(SW_TIMEOUT, "timeout", 8, "the deadline passed")                                                                 \
    X(SW_ROLLOUT, "rollout", 9, "the rollout failed")                                                                  \
    X(SW_NO_STORE, "no_store", 10, "there is no store at that place")                                                  \
    X(SW_LOCKED, "locked", 11, "the store or object is locked by another process")                                     \
    X(SW_NEWER, "newer", 12, "the store was written by a newer slipway")                                               \
    X(SW_INTERRUPTED, "interrupted", 130, "interrupted by a signal")                                                   \
    X(SW_INVALID, "invalid", 1, "the input is malformed or out of range")                                              \
    X(SW_NOT_FOUND, "not_found", 1, "no such object")                                                                  \
    X(SW_EXISTS, "exists", 1, "an object of that name exists")                                                         \
    X(SW_AMBIGUOUS, "ambiguous", 1, "the name fits several objects")                                                   \
    X(SW_BUSY, "busy", 1, "the resource is in use")                                                                    \
    X(SW_LIMIT, "limit", 1, "a stated limit was exceeded")                                                             \
    X(SW_CORRUPT, "corrupt", 1, "stored data is damaged or digests do not match")                                      \
    X(SW_IO, "io", 1, "the operating system refused a file or device operation")                                       \
    X(SW_NO_SPACE, "no_space", 1, "the disk or quota is full")                                                         \
    X(SW_NO_MEMORY, "no_memory", 1, "out of memory")                                                                   \
    X(SW_CANCELLED, "cancelled", 1, "cancelled on request")                                                            \
    X(SW_UNSUPPORTED, "unsupported", 1, "not supported by this build or machine")                                      \
    X(SW_DIVERGED, "diverged", 1, "training diverged: the loss is no longer a finite number")

// On the type: every function that returns a code must have it looked at. The two compilers spell it differently in C17.
#ifdef __clang__
#define SW_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SW_MUST_CHECK [[nodiscard]]
#endif

#define SW_CODE_ENUM(code, word, exit_code, text) code,
enum SW_MUST_CHECK sw_code { SW_CODE_TABLE(SW_CODE_ENUM) SW_CODE_COUNT };
#undef SW_CODE_ENUM

// Invariants: always NUL-terminated; `code` is SW_OK only while nothing failed. Zero-initialise: `struct sw_err err = {0};`
struct sw_err {
    enum sw_code code;
    char message[512]; // one sentence, names the object, no trailing full stop or newline
    char hint[256];    // what to do next; empty when there is nothing sensible to say
};

// Fills `err` (NULL is accepted) and returns `code`, so that a failure reads `return sw_err_set(err, SW_INVALID, "...")`.
enum sw_code sw_err_set(struct sw_err *err, enum sw_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// As sw_err_set(), with ": " and the text of `errnum`. ENOSPC and EDQUOT become SW_NO_SPACE, ENOENT SW_NOT_FOUND,
// ENOMEM SW_NO_MEMORY, all others SW_IO. The reasons that any path may meet bring their hint, which the caller may replace.
enum sw_code sw_err_errno(struct sw_err *err, int errnum, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Sets the hint of an error that was already filled; returns its code.
enum sw_code sw_err_hint(struct sw_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Puts "context: " before the message already there; returns its code.
enum sw_code sw_err_wrap(struct sw_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

const char *sw_code_word(enum sw_code code);     // "not_found"; borrow, static
const char *sw_code_sentence(enum sw_code code); // the manual's sentence; borrow, static
int sw_code_exit(enum sw_code code);             // the process exit code

#ifdef __clang_analyzer__
// The analyzer does not see across files that making an error never gives SW_OK.
#define sw_err_set(err, code, ...)     ((void)(sw_err_set)(err, code, __VA_ARGS__), (enum sw_code)(code))
#define sw_err_errno(err, errnum, ...) ((void)(sw_err_errno)(err, errnum, __VA_ARGS__), SW_IO)
#define sw_err_hint(...)               ((void)(sw_err_hint)(__VA_ARGS__), SW_FAILED)
#define sw_err_wrap(...)               ((void)(sw_err_wrap)(__VA_ARGS__), SW_FAILED)
#endif

#endif
