/* The main file of the fixture; second.c has names in common with it. */
#include "shapes.h"

#include <dlfcn.h>
#include <unistd.h>

void second(void);
int shared(int);

struct same {
	int a;
};

static int counter = 11;
static const char *words[4] = {"a", "b"};
int exported_table[6] = {1};
extern int declared[];
int declared[7] = {1};
__attribute__((visibility("hidden"))) long hidden_number = 5;
extern int elsewhere;
__attribute__((visibility("hidden"))) extern int hidden_elsewhere;
static int labelled __asm__("labelled_as") = 3;
static __thread int own_thread = 9;
__thread char thread_pad;
_Alignas(64) __thread long shared_thread;

static struct nested nested;
static union either either;
static struct tailed *tailed;
static enum level level;
static enum wide wide;
static enum plain plain;
static nested_again *again;
static anonymous_t anonymous;
static number_t number;
static opaque_t *opaque;
static struct packed packed;
static struct same same;

/* The line that counts is that of the name. */
/* clang-format off */
enum { tick_line = __LINE__ + 2 };
static KEPT SLED int
tick(int by)
/* clang-format on */
{
	static int calls = 100;

	SAY_LOCAL("first", "tick", calls, 0);
	return counter += by + calls++;
}

enum { blocks_line = __LINE__ + 1 };
int KEPT SLED blocks(int which)
{
	static int once = 1;

	if (which) {
		static int n = 20;
		SAY_LOCAL("first", "blocks", n, 0);
		n++;
	} else {
		static int n = 30;
		SAY_LOCAL("first", "blocks", n, 1);
		n--;
	}
	for (int i = 0; i < 1; i++) {
		static long n = 40;
		SAY_LOCAL("first", "blocks", n, 2);
		n += i;
	}
	SAY_LOCAL("first", "blocks", once, 0);
	return once++;
}

/* Only here is it inlined away; second.c has a global of that name. */
static inline __attribute__((always_inline)) int folded(int x)
{
	return x * 3 + counter;
}

enum { labelled_function_line = __LINE__ + 2 };
static int labelled_function(int) __asm__("function_labelled_as");
static KEPT int labelled_function(int x)
{
	return x + labelled;
}

__attribute__((unused)) int never_called(int x)
{
	static int never_seen = 7;

	return x + never_seen++;
}

static void say_types(void)
{
	SAY_SIZE("first", "struct", "point", struct point);
	SAY_SIZE("first", "struct", "packed", struct packed);
	SAY_MEMBER("first", "struct", "packed", struct packed, value);
	SAY_MEMBER("first", "struct", "packed", struct packed, tail);
	SAY_SIZE("first", "struct", "bits", struct bits);
	SAY_BITS("first", bits, a);
	SAY_BITS("first", bits, b);
	SAY_BITS("first", bits, c);
	SAY_BITS("first", bits, d);
	SAY_BITS("first", bits, f);
	SAY_MEMBER("first", "struct", "bits", struct bits, e);
	SAY_SIZE("first", "union", "either", union either);
	SAY_MEMBER("first", "union", "either", union either, text);
	SAY_SIZE("first", "struct", "nested", struct nested);
	SAY_MEMBER("first", "struct", "nested", struct nested, hi);
	SAY_MEMBER("first", "struct", "nested", struct nested, both);
	SAY_MEMBER("first", "struct", "nested", struct nested, at);
	SAY_MEMBER("first", "struct", "nested", struct nested, named);
	SAY_SIZE("first", "struct", "tailed", struct tailed);
	SAY_MEMBER("first", "struct", "tailed", struct tailed, text);
	SAY_SIZE("first", "enum", "level", enum level);
	SAY_SIZE("first", "enum", "wide", enum wide);
	SAY_SIZE("first", "typedef", "nested_t", nested_t);
	SAY_MEMBER("first", "typedef", "nested_again", nested_again, hi);
	SAY_MEMBER("first", "typedef", "anonymous_t", anonymous_t, unnamed);
	SAY_SIZE("first", "typedef", "number_t", number_t);
	SAY_SIZE("first", "struct", "same", struct same);
	printf("incomplete first struct opaque\nincomplete first typedef opaque_t\n");
	printf("incomplete first union nested\nincomplete first struct nobody\n");
	SAY_CONSTANT("first", LOW);
	SAY_CONSTANT("first", MID);
	SAY_CONSTANT("first", HIGH);
	SAY_CONSTANT("first", WIDE);
	SAY_CONSTANT("first", BELOW);
	SAY_CONSTANT("first", BYTE);
	SAY_CONSTANT("first", LARGE);
}

static void say_names(void)
{
	SAY_VARIABLE("first", counter, "internal");
	SAY_VARIABLE("first", words, "internal");
	SAY_VARIABLE("first", exported_table, "global");
	SAY_VARIABLE("first", declared, "global");
	SAY_VARIABLE("first", hidden_number, "global");
	SAY_VARIABLE("first", elsewhere, "global");
	SAY_VARIABLE("first", hidden_elsewhere, "global");
	SAY_VARIABLE("first", labelled, "internal");
#ifndef RENAMED /* by the link-time optimiser */
	printf("find first labelled_as %p %zu internal\n", (void *)&labelled, sizeof(labelled));
	printf("find first function_labelled_as %p 0 internal\n", (void *)labelled_function);
#endif
	printf("find second shared %p 0 global\n", (void *)shared);
	printf("absent first folded\nabsent first printf\nabsent first nobody\nabsent first nested_t\n");
	SAY_BOUND("first", words);
	SAY_BOUND("first", exported_table);
	SAY_BOUND("first", declared);
	printf("unbounded first counter\nunbounded first nobody\n");
	SAY_FUNCTION("first", tick, "internal");
	SAY_FUNCTION("first", blocks, "global");
	SAY_FUNCTION("first", labelled_function, "internal");
	SAY_THREAD("first", own_thread);
	SAY_THREAD("first", shared_thread);
	SAY_THREAD("first", thread_pad);
}

extern const unsigned long __start___patchable_function_entries[], __stop___patchable_function_entries[];

static void say_sleds(void)
{
	for (const unsigned long *sled = __start___patchable_function_entries;
	     sled < __stop___patchable_function_entries; sled++)
		printf("sled %#lx\n", *sled);
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* Loads the library that is asked for, "load PATH", and unloads it, "unload". */
static void serve(void)
{
	char line[4096];
	void *library = NULL;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "load ", 5) == 0) {
			library = dlopen(line + 5, RTLD_NOW);
			void (*say)(void) = library ? (void (*)(void))dlsym(library, "plugin_say") : NULL;
			if (say)
				say();
		} else if (library) {
			dlclose(library);
		}
		ready();
	}
}

int main(int argc, char **argv)
{
	(void)argv;
	nested.kind = either.i = packed.value = same.a = anonymous.only = argc;
	level = LOW;
	wide = WIDE;
	plain = BYTE;
	number = (number_t)(again != NULL) + (opaque != NULL) + (tailed != NULL);
	say_types();
	say_names();
	say_sleds();
	words[2] = level < 0 && wide > 0 && plain > 0 ? "c" : "d";
	own_thread = tick(2);
	blocks(0);
	blocks(1);
	labelled = labelled_function(3) + folded(argc) + (int)shared_thread + thread_pad + (int)number;
	second();
	ready();
	serve();
	return 0;
}
