/* What went wrong, in one sentence, with the class that scripts test for.
 *
 * A fallible call returns `struct error *`: NULL is success, and then its outputs are set; on failure they are
 * untouched. The caller owns the error and hands it on or frees it. Running out of memory is a static object, so
 * failing never fails. Any thread may use its own errors. */
#ifndef RTF_ERROR_H
#define RTF_ERROR_H

/* The class names are part of the protocol (rtf-protocol(7)). */
#define ERROR_CLASSES(X) \
	X(USAGE, "usage") \
	X(UNKNOWN, "unknown") \
	X(AMBIGUOUS, "ambiguous") \
	X(COMPILE, "compile") \
	X(LAYOUT, "layout") \
	X(SIGNATURE, "signature") \
	X(FAULT, "fault") \
	X(TIMEOUT, "timeout") \
	X(INTERRUPTED, "interrupted") \
	X(DENIED, "denied") \
	X(DRIFT, "drift") \
	X(INTERNAL, "internal")

enum error_class {
#define X(name, text) ERROR_##name,
	ERROR_CLASSES(X)
#undef X
};

struct error;

/* A new error with a printf message: one sentence, no newline, no final full stop needed. */
struct error *error_new(enum error_class, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with strerror(errnum) behind ": ". */
struct error *error_errno(int errnum, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "TEXT: " before the message; takes `e` and returns the error to use instead. NULL stays NULL. */
struct error *error_context(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The static out-of-memory error; freeing it does nothing. */
struct error *error_memory(void);

enum error_class error_class(const struct error *);
const char *error_class_name(enum error_class);
enum error_class error_class_named(const char *name); /* ERROR_INTERNAL: there is none */
const char *error_message(const struct error *);      /* valid until error_free */
void error_free(struct error *);                      /* takes NULL */

#endif
