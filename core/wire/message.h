/* What the agent (in the program) and the engine (its own process) say to each other, and the arena they share.
 *
 * The channel is one AF_UNIX SOCK_SEQPACKET socketpair: a packet is a message, a message is a fixed header and a
 * payload of at most MESSAGE_MAX bytes, file descriptors ride along (SCM_RIGHTS). All fields are little-endian
 * host order; both ends are built from this header and compare `MESSAGE_VERSION` at hello. A malformed message
 * closes the channel and nothing else. libc only: the agent links this. */
#ifndef RTF_MESSAGE_H
#define RTF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_VERSION = 10, MESSAGE_MAX = 65536, MESSAGE_FDS = 1 };

/* The names of the agent's threads. */
#define MESSAGE_AGENT  "rtf-agent"
#define MESSAGE_HEIR   "rtf-heir"
#define MESSAGE_CALLER "rtf-call"

enum message_type {
	/* agent to engine, in this order at the start, each unasked */
	MESSAGE_HELLO = 1, /* struct message_hello, then its strings */
	MESSAGE_ARENA, /* struct message_arena; fd: the arena's memfd, read and write. Later too, before MODULES */
	MESSAGE_READY, /* empty: every arena of the start has been sent */
	MESSAGE_MODULES, /* empty: modules with decorated functions came (slots behind those that there were) or went (their
			      sleds are 0 now) */
	MESSAGE_CLIENT, /* empty; fd: a console's connected stream socket, peer uid already checked; the serial is its number */
	MESSAGE_FAULT, /* struct message_called and the stack: a thread of the program faulted, perhaps in a version; it
			      waits for FAULT_KNOWN, though not for long */
	MESSAGE_PARKED, /* struct message_parked: a guarded call has faulted and waits for UNPARK */

	/* engine to agent; `serial` comes back in the answer */
	MESSAGE_PUBLISH,      /* struct message_publish[]: slots to store, all in one go; answer DONE */
	MESSAGE_READ,         /* struct message_memory: answer DATA, or DONE with a negative errno */
	MESSAGE_WRITE,        /* struct message_memory and the bytes; answer DONE */
	MESSAGE_RESOLVE,      /* NUL-terminated names back to back; answer ADDRESSES */
	MESSAGE_THREAD_BLOCK, /* u64 address in a module; answer ADDRESSES: the loader's number of the module's
				 thread-local block (dl_iterate_phdr(3): dlpi_tls_modid), 0: it has none */
	MESSAGE_RESOLVE_IN, /* u64 address in a module and a NUL-terminated name as that module sees it; answer ADDRESSES */
	MESSAGE_FAULT_KNOWN, /* empty; no answer */
	MESSAGE_UNPARK,      /* struct message_unpark; answer DONE */
	MESSAGE_CLIENT_TAKEN, /* empty, the serial is the number of a CLIENT that is served, or refused; no answer */
	MESSAGE_LOG,          /* u32 level (syslog's numbers) and text, for the program's log; no answer */
	MESSAGE_CALL, /* struct message_call: run it with faults contained, one at a time; answer CALLED once it is over,
			    or DONE with a negative errno: -EBUSY, another one runs */
	MESSAGE_WATCH, /* empty; fd: the inotify descriptor that saves come by, lent for looking whether it has any; no
			    answer */
	MESSAGE_IMAGE, /* struct message_image and what it announces; no answer: a change may send thousands */
	MESSAGE_LOOK, /* i32, a process: it alone may look at the program's threads, as debuggers do; 0: nobody; answer DONE */
	MESSAGE_INTERRUPT, /* empty, the serial is the CALL's that is to end; no answer but CALLED */

	/* agent to engine, answers */
	MESSAGE_DONE,      /* i32: 0 or a negative errno */
	MESSAGE_DATA,      /* the bytes read */
	MESSAGE_ADDRESSES, /* u64s: for each name dlsym(RTLD_DEFAULT), 0 where there is none */
	MESSAGE_CALLED,    /* struct message_called and the stack; other answers may come before it */
};

struct message_header {
	uint32_t type;   /* enum message_type */
	uint32_t serial; /* of the request, echoed in its answer; 0 for what is unasked */
};

enum { HELLO_WATCH = 1, HELLO_OPTIMIZE = 2, HELLO_POLLED = 4, HELLO_RESTORE = 8, HELLO_STRICT = 16 };

/* Followed by four NUL-terminated strings: socket path, history path, source root mapping, log file ("" is none). */
struct message_hello {
	uint32_t version; /* MESSAGE_VERSION */
	uint32_t flags;   /* HELLO_* */
	int32_t pid;
	int32_t thread;          /* the agent's: /proc knows it by that also when the main thread has ended */
	uint64_t exit, exit_now; /* what exit() and _exit() are to be in code that is made for MESSAGE_CALL */
	uint64_t park_enter, park_leave, park_wait; /* for the code of guarded versions */
	uint64_t enter;   /* where strict entries lead, with the address of their target's word in r11 */
	uint64_t storage; /* what __tls_get_addr() is to be in the code of versions */
	uint64_t images;  /* gdb's list of the images that MESSAGE_IMAGE brought */
};

/* One arena: a memfd seen by the program as three mappings, all within 2 GiB of the modules that use it.
 *
 *      file offset
 *      0            ┌──────────────────────────────┐
 *                   │ struct arena_header          │  program rw-, shared
 *      slots_offset │ u64 slot[slots]   targets    │
 *      sleds_offset │ u64 sled[slots]   addresses  │
 *      built_offset │ u64 built[slots]  past sleds │
 *      code_offset  ├──────────────────────────────┤
 *                   │ code and constants           │  program r-x, shared; engine rw-
 *      data_offset  ├──────────────────────────────┤
 *                   │ variables that versions add  │  program rw-, private; engine rw-
 *                   ├──────────────────────────────┤  arena 0's, THREAD_IMAGE bytes:
 *                   │ struct thread_image          │  nobody but the engine writes there
 *      end_offset   └──────────────────────────────┘
 */
struct message_arena {
	uint32_t index; /* of the arena, from 0; PUBLISH names it */
	uint32_t reserved;
	uint64_t size;         /* bytes of the whole file */
	uint64_t head_address; /* where the program sees offset 0 */
	uint64_t code_address; /* ... and code_offset */
	uint64_t data_address; /* ... and data_offset */
};

#define ARENA_MAGIC UINT64_C(0x616e657261667472) /* "rtfarena" */

struct arena_header {
	uint64_t magic;
	uint32_t version; /* MESSAGE_VERSION */
	uint32_t slots;
	uint64_t slots_offset, sleds_offset, built_offset, code_offset, data_offset, end_offset;
	uint64_t code_used, data_used; /* bytes handed out; only the engine moves them */
	uint32_t busy; /* arena 0's: the engine has saves that are neither live nor refused; a futex */
	uint32_t
		orphaned; /* arena 0's: the process that had the console has ended: who sets this back may take it over; a futex */
	/* Arena 0's, for the engine after this one. By the clock that stamps files, ns, 0: not known yet. */
	uint64_t started;    /* the program */
	uint64_t followed;   /* when every save was dealt with */
	uint32_t unfollowed; /* \follow is off */
	uint32_t reserved;
};

/* What the thread-local variables that versions add begin with in each thread. A thread's own block is laid out in the same
 * way, and a variable's offset counts from the image's begin. */
enum { THREAD_IMAGE = 16384, THREAD_ALIGN = 4096 };
struct thread_image {
	uint32_t used; /* bytes of the image that count, this head among them; grows */
	uint32_t reserved[3];
	unsigned char bytes[THREAD_IMAGE - 16];
};

struct message_publish {
	uint32_t arena, slot;
	uint64_t
		target; /* an address in the arena's code, or built[slot]; anything else is refused with -EINVAL */
};

struct message_memory {
	uint64_t address;
	uint32_t length, reserved;
};

/* New code is complete at [address, address + length). Debuggers and unwinders are to know of it an ELF image of `size`
 * bytes, which follows (0: none), and at `frame` of what follows this head (0: none; a multiple of 8) a table as in
 * .eh_frame. */
struct message_image {
	uint64_t address, length;
	uint32_t size, frame;
};

struct message_call {
	uint64_t function; /* void (*)(void *), in an arena's code; anything else is refused with -EINVAL */
	uint64_t argument;
};

/* How a call ended. */
enum call_end {
	CALL_RETURNED,
	CALL_FAULT,        /* by `signal` */
	CALL_OVERFLOW,     /* the stack was used up */
	CALL_EXITED,       /* it called exit(code) */
	CALL_INTERRUPTED,  /* MESSAGE_INTERRUPT */
	CALL_THREAD_ENDED, /* it ended the thread that it ran in: pthread_exit() */
	CALL_REFUSED,      /* for the engine's use: it was not run, `code` is a negative errno */
};

enum { CALL_NOT_BEGUN = 1 }; /* `code` of one that was interrupted before rtf_poll() took it */

enum { CALL_REGISTERS = 17, CALL_STACK = 32768 };

/* Followed by the stack from the stack pointer (DWARF's register 7) on. */
struct message_called {
	uint32_t end;         /* enum call_end */
	int32_t signal, code; /* si_code; exit's status; CALL_NOT_BEGUN */
	uint32_t stack_size;  /* at most CALL_STACK; 0, and no registers: it is not known where it was */
	uint64_t address;     /* si_addr */
	uint64_t registers[CALL_REGISTERS]; /* by DWARF's numbers, the last is the program counter */
};

/* How what a watch evaluates ended, in the place of a signal: what the guest writes, versions copy and the engine reads. */
enum {
	WATCH_LATE = -1,   /* it took too long */
	WATCH_EXITED = -2, /* it called exit(); the address is the status */
};

struct message_parked {
	uint64_t frame; /* names the call */
	uint64_t entry; /* of its function */
	uint64_t address, pc;
	uint64_t arguments; /* where the addresses of what it was called with stand, in order; 0: nowhere */
	int32_t signal, code, thread;
	int32_t version; /* that it was in */
};

struct message_unpark {
	uint64_t frame;
	uint64_t target; /* called instead, with the same arguments: the function's entry, or code of ours */
};

/* Sends one message; `fd` is passed along unless negative and stays the caller's. 0, or a negative errno. Blocks. */
int message_send(int socket, uint32_t type, uint32_t serial, const void *payload, size_t length, int fd);

/* Receives one message into `payload` (MESSAGE_MAX bytes). Returns the payload's length; -ENOTCONN at the end of the
 * stream, -EPROTO for a malformed packet, or another negative errno. `*fd` is a close-on-exec descriptor that the
 * caller now owns, or -1. Waits for a message unless the socket is non-blocking (-EAGAIN). */
ptrdiff_t message_receive(int socket, struct message_header *header, void *payload, int *fd);

/* Whether a thread of this name is one of the agent's, and none of the program's. The name need not end behind `size`. */
bool message_is_agents(const char *name, size_t size);

#endif
