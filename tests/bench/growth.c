/* What many versions of one function cost: in latency, in the engine, in the program, in the arena. */
#include "host.h"
#include "message.h"
#include "parts.h"
#include "report.h"

#include <elf.h>
#include <fcntl.h>
#include <libtcc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EARLY = 100, WINDOW = 400 }; /* the early window is [EARLY, EARLY + WINDOW), the late one as long */

static const char file[] = "tests/demo/orders.c";

/* What all of it comes to at one moment. The arena is shared, and counts by what was handed out of it. */
struct level {
	double engine_cpu, engine_resident, program_private;
	double code, data; /* bytes of the arena handed out */
};

/* The head of the program's arena, as the program sees it: the first mapping of that memfd, at offset 0. */
static void read_arena(pid_t pid, struct level *level)
{
	char *maps = read_proc(pid, "maps"), *memory = text("/proc/%d/mem", (int)pid);
	int fd = open(memory, O_RDONLY | O_CLOEXEC);
	struct arena_header header = {0};

	for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long begin, end, offset;
		if (!strstr(line, "memfd:rtf-arena") ||
		    sscanf(line, "%lx-%lx %*s %lx", &begin, &end, &offset) != 3 || offset)
			continue;
		if (pread(fd, &header, sizeof(header), (off_t)begin) == sizeof(header) &&
		    header.magic == ARENA_MAGIC)
			break;
	}
	if (header.magic != ARENA_MAGIC)
		die("process %d has no arena", (int)pid);
	level->code = (double)header.code_used;
	level->data = (double)header.data_used;
	close(fd);
	free(memory);
	free(maps);
}

/* What the engine does in its own time is done, at each level alike. */
static void read_level(const struct host *h, struct level *level)
{
	await_idle(h->engine);
	level->engine_cpu = cpu_us(h->engine);
	level->engine_resident = resident_bytes(h->engine);
	level->program_private = private_bytes(h->program.pid);
	read_arena(h->program.pid, level);
}

/* Bytes of a relocatable object that a program holds in memory, what is for unwinders left out. */
static double own_bytes(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	double bytes = 0;
	Elf64_Ehdr head;
	Elf64_Shdr section;

	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head))
		die("cannot read %s", path);
	for (unsigned i = 0; i < head.e_shnum; i++) {
		if (pread(fd, &section, sizeof(section), (off_t)(head.e_shoff + i * sizeof(section))) !=
		    sizeof(section))
			die("cannot read %s", path);
		if (section.sh_flags & SHF_ALLOC &&
		    (section.sh_type == SHT_PROGBITS || section.sh_type == SHT_NOBITS))
			bytes += (double)section.sh_size;
	}
	close(fd);
	return bytes;
}

static double measure_own_bytes(struct host *h)
{
	char *object = text("%s/own.o", scratch);
	json_t *answer = host_command(h, "\\slice price");
	const char *slice = json_string_value(json_object_get(json_object_get(answer, "data"), "text"));
	TCCState *tcc = tcc_new();

	tcc_set_options(tcc, "-nostdlib -nostdinc -w");
	tcc_set_output_type(tcc, TCC_OUTPUT_OBJ);
	if (!slice || tcc_compile_string(tcc, slice) || tcc_output_file(tcc, object))
		die("libtcc does not take the slice");
	tcc_delete(tcc);
	json_decref(answer);
	double bytes = own_bytes(object);
	unlink(object);
	free(object);
	return bytes;
}

/* Redefines `count` times; what each took goes to `took`, if that is asked for. */
static void define_many(struct host *h, const char *function, int *version, int count, struct samples *took)
{
	for (int i = 0; i < count; i++) {
		double us = host_define_price(h, function, ++*version);
		if (took)
			samples_add(took, us);
	}
}

void bench_growth(void)
{
	static struct samples early, late;
	struct level start, before, middle, end;
	char *source = child_read_file(file),
	     *function = source ? child_cut_function(source, "static double price(") : NULL;
	struct host h;
	int version = 0, last = options.versions < EARLY + 2 * WINDOW ? EARLY + 2 * WINDOW : options.versions;

	if (!function)
		die("%s has no price", file);
	host_start(&h, "tests/demo/orders", "listening on ");
	define_many(&h, function, &version, EARLY, NULL);
	read_level(&h, &start);
	define_many(&h, function, &version, WINDOW, &early);
	read_level(&h, &before);
	define_many(&h, function, &version, last - WINDOW - version, NULL);
	read_level(&h, &middle);
	define_many(&h, function, &version, WINDOW, &late);
	read_level(&h, &end);

	double count = last - EARLY - WINDOW, own = measure_own_bytes(&h);
	double arena = (end.code - before.code + end.data - before.data) / count;
	double program = (end.program_private - before.program_private) / count, kept = arena + program;
	char *title = text("version %d, prompt to live", last), *against = text("version %d", EARLY);
	char *cpu = text("version %d, the engine's processor time", last);
	/* Twice its own bytes, or 1 KiB more where that is not much. */
	report_value("kept_version", "a kept version, arena and program", "bytes", kept,
		     "its code and data alone", own, RATIO_MORE, own > 1024 ? own : 1024);
	report_row(&(struct row){"growth_latency", title, "us", &late, against, &early, RATIO_COST, 1.1, 0});
	report_value("growth_cpu", cpu, "us", (end.engine_cpu - middle.engine_cpu) / WINDOW, against,
		     (before.engine_cpu - start.engine_cpu) / WINDOW, RATIO_COST, 1.1);
	report_value("growth_engine", "the engine, for each version", "bytes",
		     (end.engine_resident - before.engine_resident) / count,
		     "the version's bytes in the arena", arena, RATIO_MORE, 512);
	report_value("kept_arena", "of that in the arena", "bytes", arena, "its code and data alone", own,
		     RATIO_COST, 2);
	host_stop(&h);
	free(title);
	free(against);
	free(cpu);
	free(function);
	free(source);
}
