#include "watch.h"
#include "build.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct folder {
	char *path;
	int descriptor; /* inotify's */
};

/* A name to look out for in a folder; the file it stands for is named by `given`. */
struct file {
	char *given;       /* as it was added */
	char *name;        /* the last part of its path */
	size_t folder;
	bool dirty, closed; /* something happened; the last of it was an end */
	int64_t first, last; /* when */
	char *lock;        /* the index lock of the git work tree it is in, or NULL */
};

struct watch {
	int fd;
	struct folder *folders;
	size_t folder_count;
	struct file *files;
	size_t file_count;
	size_t dirty;
};

enum { WATCH_EVENTS = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM };

struct error *watch_new(struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return error_memory();
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0) {
		free(w);
		return error_errno(errno, "cannot watch files");
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
		free(w->files[i].name);
		free(w->files[i].lock);
	}
	free(w->folders);
	free(w->files);
	close(w->fd);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

static struct error *add_folder(struct watch *w, const char *path, size_t *number)
{
	for (*number = 0; *number < w->folder_count; ++*number)
		if (strcmp(w->folders[*number].path, path) == 0)
			return NULL;
	void *more = realloc(w->folders, (w->folder_count + 1) * sizeof(*w->folders));
	if (!more)
		return error_memory();
	w->folders = more;
	int descriptor = inotify_add_watch(w->fd, path, WATCH_EVENTS | IN_ONLYDIR);
	if (descriptor < 0)
		return error_errno(errno, "cannot watch the folder %s", path);
	char *copy = strdup(path);
	if (!copy)
		return error_memory();
	w->folders[w->folder_count++] = (struct folder){copy, descriptor};
	return NULL;
}

/* The index lock that git would hold for this folder: beside the nearest .git above it. */
static char *git_lock(const char *folder)
{
	char path[PATH_MAX + 32];
	size_t length = strlen(folder);

	if (length >= PATH_MAX)
		return NULL;
	memcpy(path, folder, length + 1);
	for (;;) {
		strcpy(path + length, "/.git/index");
		if (access(path, F_OK) == 0) {
			strcpy(path + length, "/.git/index.lock");
			return strdup(path);
		}
		while (length && path[length - 1] != '/')
			length--;
		if (length <= 1)
			return NULL;
		length--;
	}
}

static struct error *add_file(struct watch *w, const char *given, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t number;

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(folder))
		return NULL;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	struct error *e = add_folder(w, folder, &number);
	if (e)
		return e;
	for (size_t i = 0; i < w->file_count; i++)
		if (w->files[i].folder == number && strcmp(w->files[i].name, slash + 1) == 0 &&
		    strcmp(w->files[i].given, given) == 0)
			return NULL;
	struct file *more = realloc(w->files, (w->file_count + 1) * sizeof(*more));
	if (!more)
		return error_memory();
	w->files = more;
	struct file f = {.given = strdup(given), .name = strdup(slash + 1), .folder = number, .lock = git_lock(folder)};
	if (!f.given || !f.name) {
		free(f.given);
		free(f.name);
		free(f.lock);
		return error_memory();
	}
	w->files[w->file_count++] = f;
	return NULL;
}

struct error *watch_add(struct watch *w, const char *path)
{
	char real[PATH_MAX];

	struct error *e = add_file(w, path, path);
	if (!e && realpath(path, real) && strcmp(real, path) != 0)
		e = add_file(w, path, real);
	return e;
}

static void mark(struct watch *w, struct file *f, bool closed)
{
	f->last = build_now_us();
	if (!f->dirty) {
		f->first = f->last;
		w->dirty++;
	}
	f->dirty = true;
	f->closed = closed;
}

static void take_event(struct watch *w, const struct inotify_event *event)
{
	bool overflow = event->mask & IN_Q_OVERFLOW;

	/* A file that only went away is not saved: what takes its place will be. */
	if (!overflow && (!event->len || !(event->mask & (IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE))))
		return;
	for (size_t i = 0; i < w->file_count; i++) {
		struct file *f = &w->files[i];
		if (overflow || (w->folders[f->folder].descriptor == event->wd && strcmp(f->name, event->name) == 0))
			mark(w, f, overflow || (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)));
	}
}

void watch_read(struct watch *w)
{
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(w->fd, buffer, sizeof(buffer))) > 0) {
		for (char *p = buffer; p < buffer + n;) {
			const struct inotify_event *event = (const void *)p;
			take_event(w, event);
			p += sizeof(*event) + event->len;
		}
	}
}

static bool is_locked(const struct file *f, int64_t now)
{
	return f->lock && now - f->first < WATCH_LOCK_US && access(f->lock, F_OK) == 0;
}

static int64_t settles(const struct file *f)
{
	return f->last + (f->closed ? WATCH_SETTLE_US : WATCH_QUIET_US);
}

int64_t watch_deadline(const struct watch *w)
{
	int64_t deadline = 0;

	if (!w->dirty)
		return 0;
	for (size_t i = 0; i < w->file_count; i++)
		if (w->files[i].dirty && settles(&w->files[i]) > deadline)
			deadline = settles(&w->files[i]);
	/* Past it and still here: a lock holds it up. */
	int64_t now = build_now_us();
	return deadline > now ? deadline : now + 2000;
}

const char **watch_take(struct watch *w)
{
	int64_t now = build_now_us();
	size_t count = 0;

	if (!w->dirty)
		return NULL;
	for (size_t i = 0; i < w->file_count; i++)
		if (w->files[i].dirty && (now < settles(&w->files[i]) || is_locked(&w->files[i], now)))
			return NULL;
	const char **paths = calloc(w->dirty + 1, sizeof(*paths));
	for (size_t i = 0; paths && i < w->file_count; i++) {
		struct file *f = &w->files[i];
		bool twice = false;
		if (!f->dirty)
			continue;
		f->dirty = false;
		for (size_t k = 0; k < count; k++)
			twice |= strcmp(paths[k], f->given) == 0;
		if (!twice)
			paths[count++] = f->given;
	}
	if (paths)
		w->dirty = 0;
	return paths;
}
