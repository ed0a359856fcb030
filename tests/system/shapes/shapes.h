/* What the shapes have in common: functions of all kinds that a test redefines while the program runs, and probes
 * that call them.
 *
 *     PROGRAM SOCKET [PROBE...]    opens a console there (none for "-") and says ready
 *
 * Each line of standard input runs all probes; each prints "NAME VALUE", and the line "end" follows. Every
 * decorated function adds EDIT to what it returns, and nothing else depends on it: so the program built with
 * another EDIT says what a running one must say once the word was replaced in its functions. */
#ifndef SHAPES_H
#define SHAPES_H

#include <rtf.h>

#include <stdio.h>
#include <string.h>

#ifndef EDIT
#define EDIT 0
#endif

/* clang has no noipa: optimised, it keeps the promise for external functions alone. */
#if defined(__clang__) && defined(__OPTIMIZE__)
#define LOCAL
#else
#define LOCAL static
#endif

/* What stays as it is, to be called from new code. */
#ifdef __clang__
#define KEPT __attribute__((noinline, used))
#else
#define KEPT __attribute__((noipa, used))
#endif

struct probe {
	const char *name;
	long (*call)(void);
};

#define SHAPES_DEFINE(name, expression) \
	static long probe_##name(void) \
	{ \
		return (long)(expression); \
	}
#define SHAPES_LIST(name, expression) {#name, probe_##name},

/* PROBES is a list of X(name, expression). */
#define SHAPES_MAIN \
	PROBES(SHAPES_DEFINE) \
	int main(int argc, char **argv) \
	{ \
		static const struct probe probes[] = {PROBES(SHAPES_LIST)}; \
		char line[64]; \
		if (argc > 1 && strcmp(argv[1], "-") && rtf_start(argv[1])) \
			return 2; \
		printf("ready\n"); \
		fflush(stdout); \
		while (fgets(line, sizeof(line), stdin)) { \
			for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) \
				printf("%s %ld\n", probes[i].name, probes[i].call()); \
			printf("end\n"); \
			fflush(stdout); \
		} \
		return 0; \
	}

#endif
