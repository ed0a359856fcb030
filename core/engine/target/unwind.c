#include "unwind.h"

#include <string.h>

/* What libdwfl's callbacks work on: a Dwfl is attached to once, to this, and nothing is left in it between two calls. */
static struct walk {
	struct unwind_state state;
	uint64_t *pcs;
	size_t count, max, first;
	uint64_t fp, sp; /* of the last frame */
} current;

static bool read_stack(const struct unwind_state *s, uint64_t address, uint64_t *word)
{
	uint64_t offset = address - s->stack_address;

	if (address < s->stack_address || offset > s->stack_size || s->stack_size - offset < sizeof(*word))
		return false;
	memcpy(word, s->stack + offset, sizeof(*word));
	return true;
}

static pid_t next_thread(Dwfl *dwfl, void *context, void **thread)
{
	if (*thread)
		return 0;
	*thread = context;
	return dwfl_pid(dwfl);
}

static bool get_thread(Dwfl *dwfl, pid_t id, void *context, void **thread)
{
	(void)dwfl, (void)id;
	*thread = context;
	return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *context)
{
	(void)dwfl, (void)context;
	return read_stack(&current.state, address, word);
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	(void)context;
	dwfl_thread_state_register_pc(thread, current.state.registers[UNWIND_PC]);
	return dwfl_thread_state_registers(thread, 0, UNWIND_REGISTERS, current.state.registers);
}

static const Dwfl_Thread_Callbacks callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static int take_frame(Dwfl_Frame *frame, void *context)
{
	Dwarf_Addr pc;

	(void)context;
	if (!dwfl_frame_pc(frame, &pc, NULL) || current.count == current.max)
		return DWARF_CB_ABORT;
	current.pcs[current.count++] = pc;
	if (dwfl_frame_reg(frame, UNWIND_FP, &current.fp) || dwfl_frame_reg(frame, UNWIND_SP, &current.sp))
		current.fp = 0;
	return current.state.is_ours(current.state.context, pc) ? DWARF_CB_ABORT : DWARF_CB_OK;
}

/* By our own tables: the registers of the caller in the place of the callee's. */
static bool step_by_rules(struct unwind_state *s, const struct rules *rules)
{
	uint64_t registers[UNWIND_REGISTERS];

	memcpy(registers, s->registers, sizeof(registers));
	uint64_t cfa = registers[rules->cfa_register] + (uint64_t)rules->cfa_offset;
	for (int i = 0; i < UNWIND_REGISTERS; i++)
		if (rules->saved[i] && !read_stack(s, cfa + (uint64_t)rules->at[i], &registers[i]))
			return false;
	registers[UNWIND_SP] = cfa;
	memcpy(s->registers, registers, sizeof(registers));
	return registers[UNWIND_PC] != 0;
}

static bool step_ours(struct unwind_state *s, bool innermost, uint64_t pc)
{
	struct rules rules;
	uint64_t words[2];

	s->registers[UNWIND_FP] = current.fp;
	s->registers[UNWIND_SP] = current.sp;
	if (s->rules(s->context, pc, !innermost, &rules))
		return step_by_rules(s, &rules);
	if (!read_stack(s, current.fp, &words[0]) || !read_stack(s, current.fp + 8, &words[1]))
		return false;
	s->registers[UNWIND_FP] = words[0];
	s->registers[UNWIND_SP] = current.fp + 16;
	s->registers[UNWIND_PC] = words[1];
	return words[1] != 0;
}

/* One frame further where libdwfl knows nothing: out of our code; at an address that is no code, by what the call pushed.
 * False at the end. */
static bool step(bool innermost, uint64_t pc)
{
	struct unwind_state *s = &current.state;
	uint64_t word;

	if (s->is_ours(s->context, pc))
		return step_ours(s, innermost, pc);
	if (!innermost || !read_stack(s, s->registers[UNWIND_SP], &word))
		return false;
	s->registers[UNWIND_SP] += 8;
	s->registers[UNWIND_PC] = word;
	return word != 0;
}

/* Whether a module has code there: what is called may be no code at all. */
static bool is_code(Dwfl *dwfl, uint64_t pc)
{
	Dwfl_Module *module = dwfl_addrmodule(dwfl, pc);
	GElf_Addr bias;
	Elf *elf = module ? dwfl_module_getelf(module, &bias) : NULL;
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr p;
		if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD && (p.p_flags & PF_X) &&
		    pc - bias >= p.p_vaddr && pc - bias - p.p_vaddr < p.p_memsz)
			return true;
	}
	return false;
}

size_t unwind_frames(Dwfl *dwfl, pid_t pid, const struct unwind_state *state, uint64_t *pcs, size_t max)
{
	current = (struct walk){.state = *state, .pcs = pcs, .max = max};
	uint64_t pc = state->registers[UNWIND_PC];
	if (!state->is_ours(state->context, pc) && !is_code(dwfl, pc)) {
		pcs[current.count++] = pc;
		if (!step(true, pc))
			return current.count;
	}
	if (dwfl_pid(dwfl) < 0)
		dwfl_attach_state(dwfl, NULL, pid, &callbacks, &current);
	do {
		size_t before = current.count;
		current.fp = current.state.registers[UNWIND_FP];
		current.sp = current.state.registers[UNWIND_SP];
		dwfl_getthread_frames(dwfl, pid, take_frame, &current);
		if (current.count == before && before < max) /* libdwfl knows nothing of this address */
			pcs[current.count++] = current.state.registers[UNWIND_PC];
	} while (current.count < max && step(current.count == 1, pcs[current.count - 1]));
	return current.count;
}
