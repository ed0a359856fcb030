/* A library for the fixture to load. */
#include "shapes.h"

void plugin_say(void);
int plugin_scoped(void);

static int counter = 33;
int plugin_table[3] = {1, 2, 3};
int plugin_demoted = 8; /* plugin.map makes it local */
static __thread int plugin_thread = 1;
static struct nested nested;

enum { plugin_tick_line = __LINE__ + 1 };
static KEPT SLED int plugin_tick(void)
{
	static int calls = 300;

	SAY_LOCAL("plugin", "plugin_tick", calls, 0);
	return calls++ + plugin_thread++;
}

enum { plugin_scoped_line = __LINE__ + 1 };
int KEPT plugin_scoped(void)
{
	return plugin_demoted++;
}

void plugin_say(void)
{
	nested.kind = counter += plugin_tick() + plugin_scoped();
	SAY_VARIABLE("plugin", counter, "internal");
	SAY_VARIABLE("plugin", plugin_table, "global");
	SAY_VARIABLE("plugin", plugin_demoted, "global");
	SAY_FUNCTION("plugin", plugin_tick, "internal");
	SAY_FUNCTION("plugin", plugin_scoped, "global");
	SAY_SIZE("plugin", "struct", "nested", struct nested);
}
