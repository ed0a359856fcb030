/* A header that has a LIMIT of its own for a while. */
#pragma push_macro("LIMIT")
#undef LIMIT
#define LIMIT 500
static inline int header_limit(void)
{
	return LIMIT;
}
_Pragma("pop_macro(\"LIMIT\")")
