#include "layout.h"
#include "die.h"
#include "die_form.h"

#include <dwarf.h>
#include <stdlib.h>

enum { NESTING = 32 }; /* more anonymous members than any source has: a damaged file */

struct members {
	struct target_member *list;
	size_t count, room;
	struct pool *pool;
};

static bool add_member(struct members *members, Dwarf_Die *member, const char *name, uint64_t offset,
		       uint64_t width)
{
	struct target_member *grown =
		pool_grow(members->list, members->count, &members->room, sizeof(*grown));
	char *copy = pool_string(members->pool, name);
	struct text form = {0}, spelling = {0};

	if (!grown)
		return false;
	members->list = grown;
	if (name) {
		die_form(member, &form);
		die_spell(member, &spelling);
	}
	struct target_member *m = &grown[members->count++];
	*m = (struct target_member){.name = copy, .bit_offset = offset, .bit_size = (uint32_t)width};
	m->form = pool_string(members->pool, form.bytes);
	m->spelling = pool_string(members->pool, spelling.bytes);
	text_fini(&form);
	text_fini(&spelling);
	return !name || (copy && m->form && m->spelling);
}

static bool is_record(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

static bool add_members(struct members *members, Dwarf_Die *record, uint64_t base, int depth)
{
	Dwarf_Die member, type;

	if (depth > NESTING)
		return false;
	if (dwarf_child(record, &member) != 0)
		return true;
	do {
		const char *name = die_name(&member);
		uint64_t offset, width;

		if (dwarf_tag(&member) != DW_TAG_member)
			continue;
		if (!die_member(&member, &offset, &width) ||
		    !add_member(members, &member, name, base + offset, width))
			return false;
		if (!name && die_type(&member, &type) && is_record(&type) && die_complete(&type) &&
		    !add_members(members, &type, base + offset, depth + 1))
			return false;
	} while (dwarf_siblingof(&member, &member) == 0);
	return true;
}

static struct target_member *keep_members(const struct members *members)
{
	struct target_member *kept = pool_alloc(members->pool, members->count * sizeof(*kept));

	for (size_t i = 0; kept && i < members->count; i++)
		kept[i] = members->list[i];
	return kept;
}

bool layout_read(Dwarf_Die *type, struct pool *pool, struct target_layout *layout)
{
	struct members members = {.pool = pool};
	struct target_member *kept = NULL;
	uint64_t size;

	if (!die_size(type, &size))
		return false;
	if (!is_record(type)) {
		*layout = (struct target_layout){.size = size};
		return true;
	}
	if (add_members(&members, type, 0, 0))
		kept = keep_members(&members);
	free(members.list);
	if (!kept)
		return false;
	*layout = (struct target_layout){size, members.count, kept};
	return true;
}
