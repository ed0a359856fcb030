#include "watch.h"
#include "clock.h"
#include "build.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char *path;
	int descriptor; /* inotify's; -1: it is gone, or polled */
	bool polled;    /* a limit is reached */
};

/* A symbolic link on the way to a folder. */
struct link {
	char *path;
	const char *name;
	size_t folder; /* that it stands in */
};

/* A name to look out for in a folder; the file it stands for is named by `given`. */
struct file {
	char *given;      /* as it was added */
	char *path;       /* that, or what it leads to */
	const char *name; /* the last part of it */
	size_t folder;
	bool dirty, closed;  /* something happened; the last of it was an end */
	int64_t first, last; /* when */
	struct stat seen;    /* if its folder is polled */
};

struct watch {
	int fd;
	struct folder *folders;
	size_t folder_count;
	struct file *files;
	size_t file_count;
	size_t *table; /* of files by `given` and `path`: 1 + their number, 0 is free */
	size_t room;
	struct link *links;
	size_t link_count;
	size_t dirty, lost, polled, limit;
	int64_t lost_looked, polled_looked;
	int64_t held_until; /* a lock holds a save up: when to look again */
	const char *locked; /* the folder whose lock it is, and that it was told */
	bool lock_told;
};

enum {
	READS_MAX = 64,
	WATCH_EVENTS = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
		       IN_MOVE_SELF,
	WATCH_SAVES = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE,
	WATCH_ENDS = IN_DELETE | IN_MOVED_FROM,
};

struct error *watch_new(struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return error_memory();
	w->limit = SIZE_MAX;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0) {
		int error = errno;
		free(w);
		return error_errno(error, "cannot watch files%s",
				   error == EMFILE ? " (fs.inotify.max_user_instances is to be raised)" : "");
	}
	*out = w;
	return NULL;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->folder_count; i++)
		free(w->folders[i].path);
	for (size_t i = 0; i < w->file_count; i++) {
		free(w->files[i].given);
		free(w->files[i].path);
	}
	for (size_t i = 0; i < w->link_count; i++)
		free(w->links[i].path);
	free(w->links);
	free(w->folders);
	free(w->files);
	free(w->table);
	close(w->fd);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

/* --- what is watched --------------------------------------------------------------------------------------------- */

static size_t *find_place(const struct watch *w, const char *given, const char *path)
{
	uint64_t hash = text_hash(text_hash(TEXT_HASH_SEED, given, strlen(given)), path, strlen(path));
	size_t at = (size_t)hash & (w->room - 1);

	for (; w->table[at]; at = (at + 1) & (w->room - 1)) {
		const struct file *f = &w->files[w->table[at] - 1];
		if (strcmp(f->given, given) == 0 && strcmp(f->path, path) == 0)
			break;
	}
	return &w->table[at];
}

static bool grow_table(struct watch *w)
{
	size_t room = w->room ? w->room * 2 : 256;

	if (w->file_count * 2 < w->room)
		return true;
	size_t *table = calloc(room, sizeof(*table));
	if (!table)
		return false;
	free(w->table);
	w->table = table;
	w->room = room;
	for (size_t i = 0; i < w->file_count; i++)
		*find_place(w, w->files[i].given, w->files[i].path) = i + 1;
	return true;
}

size_t watch_polled(const struct watch *w)
{
	return w->polled;
}

void watch_set_limit(struct watch *w, size_t folders)
{
	w->limit = folders;
}

static int watch_folder(const struct watch *w, const char *path)
{
	if (w->folder_count - w->polled >= w->limit) {
		errno = ENOSPC;
		return -1;
	}
	return inotify_add_watch(w->fd, path, WATCH_EVENTS | IN_ONLYDIR);
}

static struct error *add_links(struct watch *w, const char *path);

static struct error *add_folder(struct watch *w, const char *path, size_t *number)
{
	for (*number = 0; *number < w->folder_count; ++*number)
		if (strcmp(w->folders[*number].path, path) == 0)
			return NULL;
	void *more = realloc(w->folders, (w->folder_count + 1) * sizeof(*w->folders));
	if (!more)
		return error_memory();
	w->folders = more;
	int descriptor = watch_folder(w, path);
	bool polled = descriptor < 0 && (errno == ENOSPC || errno == ENOMEM);
	if (descriptor < 0 && !polled)
		return error_errno(errno, "cannot watch the folder %s; saves there are not noticed", path);
	char *copy = strdup(path);
	if (!copy)
		return error_memory();
	w->folders[w->folder_count++] = (struct folder){copy, descriptor, polled};
	w->polled += polled;
	return add_links(w, copy);
}

static struct error *add_link(struct watch *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	size_t number;

	for (size_t i = 0; i < w->link_count; i++)
		if (strcmp(w->links[i].path, path) == 0)
			return NULL;
	snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	struct error *e = add_folder(w, folder, &number);
	if (e)
		return e;
	struct link *more = realloc(w->links, (w->link_count + 1) * sizeof(*more));
	if (more)
		w->links = more;
	char *copy = more ? strdup(path) : NULL;
	if (!copy)
		return error_memory();
	more[w->link_count++] = (struct link){copy, strrchr(copy, '/') + 1, number};
	return NULL;
}

/* Every symbolic link that the path goes through. */
static struct error *add_links(struct watch *w, const char *path)
{
	char part[PATH_MAX];
	struct error *e = NULL;
	struct stat st;

	for (const char *end = path; *end && !e;) {
		end += 1 + strcspn(end + 1, "/");
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode))
			e = add_link(w, part);
	}
	return e;
}

static struct error *add_file(struct watch *w, const char *given, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t number;

	if (!slash || (size_t)(slash - path) >= sizeof(folder))
		return NULL;
	if (!grow_table(w))
		return error_memory();
	size_t *place = find_place(w, given, path);
	if (*place)
		return NULL;
	snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	struct error *e = add_folder(w, folder, &number);
	if (e)
		return e;
	struct file *more = realloc(w->files, (w->file_count + 1) * sizeof(*more));
	if (!more)
		return error_memory();
	w->files = more;
	struct file f = {.given = strdup(given), .path = strdup(path), .folder = number};
	if (!f.given || !f.path) {
		free(f.given);
		free(f.path);
		return error_memory();
	}
	f.name = strrchr(f.path, '/') + 1;
	if (w->folders[number].polled)
		stat(path, &f.seen);
	w->files[w->file_count++] = f;
	*place = w->file_count;
	return NULL;
}

/* The file itself if `path` is, or goes through, a symbolic link: today's. */
static struct error *add_real(struct watch *w, const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) && strcmp(real, path) != 0 ? add_file(w, path, real) : NULL;
}

struct error *watch_add(struct watch *w, const char *path)
{
	size_t before = w->file_count;

	struct error *e = add_file(w, path, path);
	return e || w->file_count == before ? e : add_real(w, path);
}

/* --- what happens ------------------------------------------------------------------------------------------------ */

static void mark(struct watch *w, struct file *f, bool closed)
{
	f->last = clock_now_us();
	if (!f->dirty) {
		f->first = f->last;
		w->dirty++;
	}
	f->dirty = true;
	f->closed = closed;
}

void watch_touch(struct watch *w, const char *path)
{
	size_t *place = w->room ? find_place(w, path, path) : NULL;

	if (place && *place)
		mark(w, &w->files[*place - 1], true);
}

/* Made by rename(2), link(2) or symlink(2), a name is whole at once; made by open(2), it is about to be written. */
static bool is_whole(const struct inotify_event *event, const struct file *f)
{
	struct stat st;

	if (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | WATCH_ENDS))
		return true;
	return event->mask & IN_CREATE && lstat(f->path, &st) == 0 &&
	       (S_ISLNK(st.st_mode) || st.st_nlink > 1);
}

static void lose_folder(struct watch *w, int descriptor)
{
	for (size_t i = 0; i < w->folder_count; i++) {
		if (w->folders[i].descriptor != descriptor)
			continue;
		w->folders[i].descriptor = -1;
		w->lost++;
	}
}

/* A link leads elsewhere: what was watched by way of it is not what it was. The descriptors of the rest are found again. */
static void follow_link(struct watch *w, const struct link *link)
{
	size_t length = strlen(link->path);

	for (size_t i = 0; i < w->folder_count; i++) {
		struct folder *folder = &w->folders[i];
		if (strncmp(folder->path, link->path, length) != 0 ||
		    (folder->path[length] && folder->path[length] != '/') || folder->descriptor < 0)
			continue;
		int descriptor = folder->descriptor;
		inotify_rm_watch(w->fd, descriptor);
		lose_folder(w, descriptor);
		w->lost_looked = 0;
	}
}

static void take_event(struct watch *w, const struct inotify_event *event)
{
	bool overflow = event->mask & IN_Q_OVERFLOW;

	if (event->mask & IN_MOVE_SELF)
		inotify_rm_watch(w->fd,
				 event->wd); /* the path is what counts, not the folder: IN_IGNORED follows */
	if (event->mask & IN_IGNORED)
		lose_folder(w, event->wd);
	if (!overflow && (!event->len || !(event->mask & (WATCH_SAVES | WATCH_ENDS))))
		return;
	for (size_t i = 0; i < w->link_count && !overflow; i++)
		if (w->folders[w->links[i].folder].descriptor == event->wd &&
		    strcmp(w->links[i].name, event->name) == 0)
			follow_link(w, &w->links[i]);
	for (size_t i = 0; i < w->file_count; i++) {
		struct file *f = &w->files[i];
		if (overflow)
			mark(w, f, true);
		else if (w->folders[f->folder].descriptor == event->wd && strcmp(f->name, event->name) == 0)
			mark(w, f, is_whole(event, f));
	}
}

void watch_read(struct watch *w)
{
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	/* Not for ever: someone may write faster than we read. */
	for (int i = 0; i < READS_MAX && (n = read(w->fd, buffer, sizeof(buffer))) > 0; i++) {
		for (char *p = buffer; p < buffer + n;) {
			const struct inotify_event *event = (const void *)p;
			take_event(w, event);
			p += sizeof(*event) + event->len;
		}
	}
}

/* Folders that were taken away and are back: everything in them may have changed. */
static void find_lost(struct watch *w, int64_t now)
{
	if (!w->lost || now - w->lost_looked < WATCH_LOST_US)
		return;
	w->lost_looked = now;
	for (size_t i = 0; i < w->folder_count; i++) {
		struct folder *folder = &w->folders[i];
		if (folder->descriptor >= 0 || folder->polled)
			continue;
		folder->descriptor = watch_folder(w, folder->path);
		if (folder->descriptor < 0)
			continue;
		w->lost--;
		for (size_t k = 0; k < w->file_count; k++)
			if (w->files[k].folder == i)
				mark(w, &w->files[k], true);
	}
}

static bool is_other(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec ||
	       a->st_size != b->st_size || a->st_ino != b->st_ino;
}

/* What the kernel does not tell of; the limit may have been raised. */
static void look_around(struct watch *w, int64_t now)
{
	if (!w->polled || now - w->polled_looked < WATCH_POLL_US)
		return;
	w->polled_looked = now;
	for (size_t i = 0; i < w->file_count; i++) {
		struct file *f = &w->files[i];
		struct stat st = {0};
		if (!w->folders[f->folder].polled)
			continue;
		stat(f->path, &st);
		if (is_other(&st, &f->seen))
			mark(w, f, true);
		f->seen = st;
	}
	for (size_t i = 0; i < w->folder_count; i++) {
		struct folder *folder = &w->folders[i];
		if (!folder->polled || (folder->descriptor = watch_folder(w, folder->path)) < 0)
			continue;
		folder->polled = false;
		w->polled--;
		for (size_t k = 0; k < w->file_count; k++)
			if (w->files[k].folder == i)
				mark(w, &w->files[k], true); /* it may have been saved just now */
	}
}

/* --- when a save is whole ---------------------------------------------------------------------------------------- */

/* Where the repository of the work tree in that folder is: .git, or where a file of that name leads ("gitdir: PATH", for a
 * submodule or a further work tree). The caller's; NULL if there is none. */
static char *find_repository(const char *folder)
{
	char *path = NULL, *text = NULL, *line = NULL;
	struct stat st;
	size_t size;

	if (asprintf(&path, "%s/.git", folder) < 0)
		return NULL;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return path;
	if (stat(path, &st) == 0 && (text = text_read_file(path, &size)) &&
	    strncmp(text, "gitdir: ", 8) == 0) {
		text[strcspn(text, "\n")] = '\0';
		bool absolute = text[8] == '/';
		if (asprintf(&line, "%s%s%s", absolute ? "" : folder, absolute ? "" : "/", text + 8) < 0)
			line = NULL;
	}
	free(text);
	free(path);
	return line;
}

static bool is_index_locked(const char *repository)
{
	char *lock = NULL;

	bool locked = asprintf(&lock, "%s/index.lock", repository) >= 0 && access(lock, F_OK) == 0;
	free(lock);
	return locked;
}

/* Whether git holds the lock of the work tree that the folder is in. */
static bool is_git_at_work(const char *folder)
{
	char path[PATH_MAX];

	if (strlen(folder) >= sizeof(path))
		return false;
	strcpy(path, folder);
	for (;;) {
		char *repository = find_repository(path);
		if (repository) {
			bool locked = is_index_locked(repository);
			free(repository);
			return locked;
		}
		char *slash = strrchr(path, '/');
		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
}

static bool is_locked(const struct watch *w, const struct file *f, int64_t now)
{
	return now - f->first < WATCH_LOCK_US && is_git_at_work(w->folders[f->folder].path);
}

const char *watch_locked(struct watch *w)
{
	if (!w->locked || w->lock_told)
		return NULL;
	w->lock_told = true;
	return w->locked;
}

/* One that is written to all the time is looked at now and then: it must not hold up the others for ever. */
static int64_t settles(const struct file *f)
{
	int64_t quiet = f->last + (f->closed ? WATCH_SETTLE_US : WATCH_QUIET_US),
		limit = f->first + WATCH_LOCK_US;

	return quiet < limit ? quiet : limit;
}

bool watch_is_busy(const struct watch *w)
{
	return w->dirty != 0;
}

bool watch_is_settling(const struct watch *w)
{
	return w->dirty && w->held_until <= clock_now_us();
}

int64_t watch_deadline(const struct watch *w)
{
	int64_t deadline = w->dirty ? w->held_until : 0;

	if (!w->dirty && w->lost)
		return w->lost_looked + WATCH_LOST_US;
	if (!w->dirty)
		return w->polled ? w->polled_looked + WATCH_POLL_US : 0;
	for (size_t i = 0; i < w->file_count; i++)
		if (w->files[i].dirty && settles(&w->files[i]) > deadline)
			deadline = settles(&w->files[i]);
	return deadline;
}

static bool has_settled(struct watch *w, int64_t now)
{
	for (size_t i = 0; i < w->file_count; i++)
		if (w->files[i].dirty && now < settles(&w->files[i]))
			return false;
	for (size_t i = 0; i < w->file_count; i++) {
		if (!w->files[i].dirty || !is_locked(w, &w->files[i], now))
			continue;
		w->held_until = now + WATCH_LOCKED_US;
		if (now - w->files[i].first > WATCH_PATIENCE_US)
			w->locked = w->folders[w->files[i].folder].path;
		return false;
	}
	w->locked = NULL;
	w->lock_told = false;
	return true;
}

static bool has_path(const char *const *paths, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

const char **watch_take(struct watch *w, int64_t *last)
{
	int64_t now = clock_now_us();
	size_t count = 0, files = w->file_count;

	find_lost(w, now);
	look_around(w, now);
	if (!w->dirty || !has_settled(w, now))
		return NULL;
	const char **paths = calloc(w->dirty + 1, sizeof(*paths));
	if (!paths)
		return NULL;
	*last = 0;
	for (size_t i = 0; i < files; i++) {
		struct file *f = &w->files[i];
		if (!f->dirty)
			continue;
		f->dirty = false;
		*last = f->last > *last ? f->last : *last;
		if (!has_path(paths, count, f->given))
			paths[count++] = f->given;
	}
	w->dirty = 0;
	for (size_t i = 0; i < count; i++)
		error_free(add_real(w, paths[i])); /* a link may lead elsewhere now */
	return paths;
}
