#include "build_id.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *hex(struct pool *pool, const unsigned char *bytes, size_t count)
{
	char *text = pool_alloc(pool, count * 2 + 1);

	for (size_t i = 0; text && i < count; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return text;
}

/* Two FNV-1a sums with different starts: enough to tell one build of a program from another. */
static void hash_bytes(const unsigned char *bytes, size_t size, unsigned char out[16])
{
	uint64_t sums[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

	for (size_t i = 0; i < size; i++) {
		sums[0] = (sums[0] ^ bytes[i]) * UINT64_C(0x100000001b3);
		sums[1] = (sums[1] ^ bytes[i] ^ (i & 0xff)) * UINT64_C(0x100000001b3);
	}
	for (int i = 0; i < 16; i++)
		out[i] = (unsigned char)(sums[i / 8] >> (56 - 8 * (i % 8)));
}

static struct error *hash_program(const struct modules *modules, unsigned char sum[16])
{
	struct stat status;
	void *bytes = MAP_FAILED;
	int fd = modules_open_executable(modules), errnum;

	if (fd < 0)
		return error_errno(errno, "cannot read %s", modules->program);
	if (fstat(fd, &status) == 0 && status.st_size > 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	errnum = errno;
	close(fd);
	if (bytes == MAP_FAILED)
		return error_errno(errnum, "cannot read %s", modules->program);
	hash_bytes(bytes, (size_t)status.st_size, sum);
	munmap(bytes, (size_t)status.st_size);
	return NULL;
}

struct error *build_id_read(const struct modules *modules, const char **out)
{
	const unsigned char *bits;
	unsigned char sum[16];
	GElf_Addr address;
	int count = 0;

	if (dwfl_module_getelf(modules->executable->dwfl, &address))
		count = dwfl_module_build_id(modules->executable->dwfl, &bits, &address);
	struct error *error = count > 0 ? NULL : hash_program(modules, sum);
	if (error)
		return error;
	const char *id =
		count > 0 ? hex(modules->pool, bits, (size_t)count) : hex(modules->pool, sum, sizeof(sum));
	if (!id)
		return error_memory();
	*out = id;
	return NULL;
}
