/* The running program as its agent gives it to the engine: arenas to write to, slots to store, memory, names.
 *
 * One thread. Every call that asks the program waits for its answer; consoles that the agent hands over in the
 * meantime are kept for program_take_client. When the channel is lost every call fails with ERROR_INTERNAL, and
 * program_lost says so: the engine then has nothing left to do. */
#ifndef RTF_PROGRAM_H
#define RTF_PROGRAM_H

#include "error.h"
#include "link.h"
#include "message.h"
#include "thread_room.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct program;

/* Takes the socket; reads everything up to MESSAGE_READY. */
struct error *program_new(int socket, struct program **out);
void program_free(struct program *); /* takes NULL; unmaps the arenas */

int program_socket(const struct program *); /* to poll for reading */
bool program_lost(const struct program *);
pid_t program_pid(const struct program *);
pid_t program_thread(const struct program *); /* one that is there as long as the console is: the main one may end */
uint32_t program_flags(const struct program *);           /* HELLO_* */
const char *program_history_path(const struct program *); /* "": the default place */
const char *program_source_root(const struct program *);  /* "OLD=NEW" or "" */

/* Reads one unasked message. */
struct error *program_receive(struct program *);

/* A console's connection, now the caller's, or -1. */
int program_take_client(struct program *);

/* Slots: decorated functions, by arena and number. Those are counted that the program has told of, at the start or with
 * modules that came (program_take_renewal). */
uint32_t program_arena_count(const struct program *);
uint32_t program_slot_count(const struct program *, uint32_t arena);
uint64_t program_sled(const struct program *, uint32_t arena, uint32_t slot);
uint64_t program_built(const struct program *, uint32_t arena, uint32_t slot);
uint64_t program_target(const struct program *, uint32_t arena, uint32_t slot); /* what runs now */

/* Strict entries (strict.h): how many of the arena's slots, from the first, lead to them, and where the agent wants them to
 * lead. */
uint32_t program_strict_count(const struct program *, uint32_t arena);
uint64_t program_enter(const struct program *);

/* The program has ended, but processes that it forked may go on: what is published from now on is for them, and the first
 * that comes by a strict entry may take the console over. */
void program_orphan(struct program *);

/* Publishes and waits for it; of the slots themselves, where they lead to strict entries. */
struct error *program_publish_slots(struct program *, const struct message_publish *, size_t count);

/* Lends the program the inotify descriptor, so that it can tell whether a save waits to be read; and tells it that saves
 * are being dealt with: set before they are read from the descriptor, taken back when they are live or refused. */
struct error *program_lend_watch(struct program *, int fd);
void program_set_busy(struct program *, bool busy);

/* Up to when every save is known to have been dealt with, by this engine or one before it: ns, by the clock that stamps
 * files. At first that is the program's start. */
uint64_t program_followed(struct program *);
uint64_t program_started(struct program *);
void program_set_followed(struct program *, uint64_t ns);

/* Whether saves are to be made live: \follow, which outlives this engine. */
bool program_follows(const struct program *);
void program_set_follows(struct program *, bool on);

/* What is free of an arena. Bytes written there count once program_commit has moved the marks; thread-local variables that
 * were added count from then on, too. */
void program_regions(const struct program *, uint32_t arena, struct link_region *code,
		     struct link_region *data);
void program_commit(struct program *, uint32_t arena, size_t code, size_t data);

/* The code handed out so far, for reading back: base of the engine's view, its address in the program, its size. */
void program_code(const struct program *, uint32_t arena, struct link_region *out);

/* Whether program_publish takes so many in one go; ERROR_USAGE: it does not. */
struct error *program_takes(const struct program *, size_t count);

/* Has all of these slots stored, or none, and does not wait for it: program_published does, until which nothing else may
 * be asked of the program; `*serial` is for that. In a program that asks for it (HELLO_POLLED) they are stored at its next
 * rtf_poll(), for which nobody waits. */
struct error *program_publish(struct program *, const struct message_publish *, size_t count,
			      uint32_t *serial);
struct error *program_published(struct program *, uint32_t serial);

/* Whether there is something to read of the program, its answer most likely, within that time. */
bool program_publishes_soon(const struct program *, uint32_t serial, int milliseconds);

/* dlsym(RTLD_DEFAULT) in the program; *address 0 if it has no such name. Remembered. */
struct error *program_resolve(struct program *, const char *name, uint64_t *address);

/* The same name as the module at that address sees it, which may depend on libraries that nobody else does; not remembered. */
struct error *program_resolve_in(struct program *, uint64_t module, const char *name, uint64_t *address);

/* The loader's number of the thread-local block of the module at `address`: with an offset in it what __tls_get_addr()
 * takes. ERROR_UNKNOWN: it has none. */
struct error *program_thread_block(struct program *, uint64_t address, uint64_t *number);

/* Takes back code that program_commit gave, unless something has come behind it since: the code region ends at
 * `code_begin` again if it ends at `code_end` now. Only for code that nothing can refer to any more; data is never taken back. */
void program_release(struct program *, uint32_t arena, uint64_t code_begin, uint64_t code_end);

/* Has the program run code of ours, void (*)(void *), with faults contained; returns at once. Its end is told by
 * program_take_called. One at a time: until then another is refused by the program. */
struct error *program_call(struct program *, uint64_t function, uint64_t argument, uint32_t *serial);
bool program_take_called(struct program *, uint32_t serial, struct message_called *out,
			 const unsigned char **stack); /* its copy is good until the next call */

/* For thread-local variables that versions add, the program's; and what code that uses them calls in the place of
 * __tls_get_addr(). */
struct thread_room *program_thread_room(struct program *);
uint64_t program_storage(const struct program *);

/* A fault that a thread met, in a version perhaps, and a copy of its stack, good until the next call; false: there is none.
 * The thread waits until it is known, though not for long. */
bool program_take_fault(struct program *, struct message_called *out, const unsigned char **stack);
void program_fault_known(struct program *);

/* Whether modules with decorated functions came or went since this was last asked: their slots stand behind those that were
 * there, perhaps in arenas that are new, and the sleds of those that went are 0. */
bool program_take_renewal(struct program *);

/* A guarded call that has faulted and waits; false: there is none that was not taken yet. */
bool program_take_parked(struct program *, struct message_parked *out);

/* Has it go on by calling `target`, with its arguments. ERROR_UNKNOWN: it does not wait any more. */
struct error *program_unpark(struct program *, uint64_t frame, uint64_t target);

/* What guarded versions call: core/agent/park.h. */
void program_park_functions(const struct program *, uint64_t *enter, uint64_t *leave, uint64_t *wait);

void program_interrupt(struct program *,
		       uint32_t serial); /* program_take_called will say CALL_INTERRUPTED, mostly */

/* What exit() and _exit() are to be for code that program_call runs. */
uint64_t program_exit(const struct program *, bool now);

/* Whether the engine may look at the program's threads, as debuggers do, where the system would not let it (Yama). */
struct error *program_allow_look(struct program *, bool allow);

/* Memory of the program. ERROR_FAULT where it has none. */
struct error *program_read(struct program *, uint64_t address, void *bytes, size_t size);
struct error *program_write(struct program *, uint64_t address, const void *bytes, size_t size);

/* Says that new code is complete, and what debuggers and unwinders are to know of it: a struct message_image and what it
 * announces (debugger.h). Before the code may run. */
struct error *program_announce(struct program *, const void *image, size_t size);

/* Where the program keeps what it was told by that: gdb's descriptor. */
uint64_t program_images(const struct program *);

/* A line for the program's log; `level` as in syslog(3). Losing it is no error. */
void program_log(struct program *, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
