#include "witness.h"
#include "hash.h"

#include <string.h>
#include <sys/stat.h>

enum {
	SAMPLES = 32,
	SAMPLE_SIZE = 512,
	/* Offsets in the index of the write-ahead log, which has 32 KiB regions. */
	SALT = 32,
	MOVED = 96,
	MOVED_AT_MOST = 128,
	REGION_SIZE = 32768,
};

static sqlite3_file *file_of(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file ||
	    !file->pMethods)
		return NULL;
	return file;
}

/* False where there is no log, or pages are being moved, or were when somebody was killed. */
static bool read_moved(sqlite3_file *file, uint32_t moved[4])
{
	void volatile *region = NULL;
	unsigned char head[MOVED_AT_MOST + 4];

	if (file->pMethods->iVersion < 2 || !file->pMethods->xShmMap ||
	    file->pMethods->xShmMap(file, 0, REGION_SIZE, 0, &region) != SQLITE_OK || !region)
		return false;
	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = ((volatile unsigned char *)region)[i];
	memcpy(&moved[0], head + SALT, 8);
	memcpy(&moved[2], head + MOVED, 4);
	memcpy(&moved[3], head + MOVED_AT_MOST, 4);
	return moved[2] == moved[3];
}

/* Of pieces spread over the file. */
static uint64_t digest(sqlite3_file *file, int64_t size)
{
	uint64_t hash = HASH_SEED;
	unsigned char bytes[SAMPLE_SIZE];

	for (int i = 0; i < SAMPLES; i++) {
		int64_t at = size / SAMPLES * i;
		memset(bytes, 0, sizeof(bytes));
		file->pMethods->xRead(file, bytes, sizeof(bytes), at);
		hash = hash_on(hash, bytes, sizeof(bytes));
	}
	return hash;
}

static bool same_time(const struct witness *w, const struct stat *status)
{
	return status->st_size == w->size && status->st_mtim.tv_sec == w->seconds &&
	       status->st_mtim.tv_nsec == w->nanoseconds;
}

void witness_take(struct witness *w, sqlite3 *db, const char *path)
{
	sqlite3_file *file = file_of(db);
	struct stat status;

	*w = (struct witness){0};
	/* The index first: pages that are moved meanwhile are in the next look's. */
	if (!file || !read_moved(file, w->moved) || stat(path, &status))
		return;
	w->size = status.st_size;
	w->seconds = status.st_mtim.tv_sec;
	w->nanoseconds = status.st_mtim.tv_nsec;
	w->digest = digest(file, w->size);
	w->taken = true;
}

enum witnessed witness_look(struct witness *w, sqlite3 *db, const char *path)
{
	enum witnessed seen = WITNESS_MOVED;
	sqlite3_file *file;
	struct stat status;
	uint32_t moved[4];

	if (!w->taken) {
		witness_take(w, db, path);
		return WITNESS_SAME;
	}
	if (stat(path, &status) || same_time(w, &status))
		return WITNESS_SAME;
	file = file_of(db);
	if (!file || !read_moved(file, moved))
		return WITNESS_SAME; /* until that is over */
	if (memcmp(moved, w->moved, sizeof(moved)) == 0)
		seen = status.st_size != w->size || digest(file, w->size) != w->digest ? WITNESS_CHANGED
										       : WITNESS_SAME;
	witness_take(w, db, path);
	return seen;
}
