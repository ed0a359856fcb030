/* Decorated by the flag for a whole file alone: clang takes away what the static function never uses. */
int counts[2];

static __attribute__((noinline)) int count(int *unused, const char *text, void *nothing, int which)
{
	for (; *text; text++)
		counts[which & 1] += *text;
	return 0;
}

int count_first(const char *text)
{
	return count(counts, text, 0, 0);
}

int count_second(const char *text)
{
	return count(counts, text, 0, 1);
}

static __attribute__((noinline)) int fail(const char *why)
{
	counts[0] += *why;
	return -35;
}

static __attribute__((noinline)) int refuse(const char *why)
{
	counts[1] += *why;
	if (*why == 'x')
		return fail(why);
	return fail(why);
}

static __attribute__((noinline)) int choose(const char *why)
{
	return *why == 'x' ? fail(why) : counts[1];
}

int try_first(const char *text)
{
	return *text ? fail(text) : 0;
}

int try_second(const char *text)
{
	return *text ? refuse(text) : choose(text);
}

/* What it is passed last is known, and nobody passes it; what it is passed first is where it is written to be. */
static __attribute__((noinline)) int store(const char *text, int *where, int by)
{
	*where += *text * by;
	return *where;
}

int store_first(const char *text)
{
	return store(text, counts, 2);
}

int store_second(const char *text)
{
	return store(text + 1, counts, 2);
}

/* Anybody may call it, and passes what it does not use. */
static int keep(int n, float little, _Bool no, char letter)
{
	return n + 1;
}

int (*keeper)(int, float, _Bool, char) = keep;

/* Each has two values alone, so clang keeps it in a byte: one of a function that stays, one of a function that is inlined. */
int begin_once(int n)
{
	static int begun;

	if (!begun) {
		begun = 1;
		counts[0] += n;
	}
	return counts[0];
}

static int other_than_before(int n)
{
	static int last = 4;
	int before = last;

	if (n & 1)
		last = 9;
	return before;
}

int alternate(int n)
{
	return other_than_before(n) + n;
}
