/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "symbols/prefer.h"

#define LINE_MAX_BYTES  1024 /* the kernel's names end at 512 */
#define LINES_AT_ONCE   4096 /* a few ms */
#define MODULES_MAX     UINT16_MAX
#define NO_MODULE       0
#define SYMBOLS_MAX     (4U << 20)
#define PAGE_BYTES      4096
#define MODULE_LAST_MAX 4096 /* bytes of a module's last function, of which no end is known */

struct kernel_symbol {
	uint64_t start;
	uint32_t name;
	uint16_t module; /* 1 + index; NO_MODULE: the kernel proper */
	char type;       /* 0: something else than code begins here */
};

struct kernel_module {
	uint64_t base;
	uint32_t name; /* where it begins */
};

struct kernel_symbols {
	struct kernel_symbol *symbols;
	size_t count;
	size_t capacity;
	size_t functions;
	struct text names;
	struct kernel_module *modules;
	size_t module_count;
	uint64_t base; /* of the kernel proper; UINT64_MAX: it has no function */
};

void kernel_symbols__free(struct kernel_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->symbols);
	free(symbols->modules);
	text__free(&symbols->names);
	free(symbols);
}

DEFINE_FREEP(kernel_symbols)

static uint32_t kernel_symbols__add_name(struct kernel_symbols *symbols, const char *name)
{
	uint32_t at = (uint32_t)symbols->names.length;

	text__append(&symbols->names, name, strlen(name) + 1);
	return at;
}

/* The symbols of a module follow each other. */
static int kernel_symbols__module(struct kernel_symbols *symbols, const char *name, uint16_t *out)
{
	size_t count = symbols->module_count;
	struct kernel_module *moved;

	if (count > 0 && !strcmp(symbols->names.data + symbols->modules[count - 1].name, name)) {
		*out = (uint16_t)count;
		return 0;
	}
	if (count == MODULES_MAX)
		return -EFBIG;
	moved = realloc(symbols->modules, (count + 1) * sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	symbols->modules = moved;
	symbols->modules[count].name = kernel_symbols__add_name(symbols, name);
	symbols->modules[count].base = UINT64_MAX;
	*out = (uint16_t)++symbols->module_count;
	return 0;
}

static int kernel_symbols__add(struct kernel_symbols *symbols, uint64_t start, char type,
			       const char *name, const char *module)
{
	struct kernel_symbol symbol = {.start = start};
	int error = 0;

	if (symbols->count == symbols->capacity) {
		size_t capacity = symbols->capacity ? 2 * symbols->capacity : 4096;
		struct kernel_symbol *moved;

		if (capacity > SYMBOLS_MAX)
			return -EFBIG;
		moved = realloc(symbols->symbols, capacity * sizeof(*moved));
		if (!moved)
			return -ENOMEM;
		symbols->symbols = moved;
		symbols->capacity = capacity;
	}
	if (module)
		error = kernel_symbols__module(symbols, module, &symbol.module);
	if (error)
		return error;
	if (strchr("tTwW", type)) {
		symbol.type = type;
		symbol.name = kernel_symbols__add_name(symbols, name);
		symbols->functions++;
	}
	symbols->symbols[symbols->count++] = symbol;
	return text__ok(&symbols->names) ? 0 : -ENOMEM;
}

/* "ffffffff81000000 T _text\t[module]"; what is not of that form is passed over. */
static int kernel_symbols__add_line(struct kernel_symbols *symbols, char *line, bool *hidden)
{
	char *name, *module = NULL, *end;
	uint64_t start = strtoull(line, &end, 16);
	char type;

	if (end == line || end[0] != ' ' || !isalpha((unsigned char)end[1]) || end[2] != ' ')
		return 0;
	type = end[1];
	name = end + 3;
	name[strcspn(name, "\n")] = '\0';
	end = name + strcspn(name, "\t ");
	if (*end) {
		*end++ = '\0';
		end += strspn(end, "\t [");
		end[strcspn(end, "]")] = '\0';
		module = end;
	}
	/* Offsets from a processor's own area, among which 0 is a place like others. */
	if (start == 0) {
		*hidden = true;
		return 0;
	}
	return *name ? kernel_symbols__add(symbols, start, type, name, module) : 0;
}

static void meanwhile(const struct kernel_reading *reading)
{
	if (reading->meanwhile)
		reading->meanwhile(reading->context);
}

static int kernel_symbols__read(struct kernel_symbols *symbols, FILE *file,
				const struct kernel_reading *reading, bool *hidden)
{
	char line[LINE_MAX_BYTES];
	int error = 0;

	for (size_t i = 1; !error && fgets(line, sizeof(line), file); i++) {
		error = kernel_symbols__add_line(symbols, line, hidden);
		if (i % LINES_AT_ONCE == 0)
			meanwhile(reading);
	}
	if (!error && ferror(file))
		error = -EIO;
	return error;
}

static struct preference preference_of(const struct kernel_symbol *symbol, const char *names)
{
	struct preference preference = {
		.local = symbol->type == 't',
		.weak = symbol->type == 'w' || symbol->type == 'W',
	};

	preference__set_name(&preference, names + symbol->name);
	return preference;
}

static int by_address(const void *a, const void *b, void *context)
{
	const struct kernel_symbol *left = a, *right = b;
	const char *names = context;
	struct preference one, other;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (!left->type != !right->type)
		return left->type ? -1 : 1;
	if (!left->type)
		return 0;
	one = preference_of(left, names);
	other = preference_of(right, names);
	return preference__compare(&one, &other);
}

/* One symbol for each address; and of what is no code, only what ends code. */
static void kernel_symbols__sort(struct kernel_symbols *symbols)
{
	size_t kept = 0;

	qsort_r(symbols->symbols, symbols->count, sizeof(symbols->symbols[0]), by_address,
		symbols->names.data);
	for (size_t i = 0; i < symbols->count; i++) {
		const struct kernel_symbol *symbol = &symbols->symbols[i];
		const struct kernel_symbol *last = kept ? &symbols->symbols[kept - 1] : NULL;

		if (last && (last->start == symbol->start || (!last->type && !symbol->type)))
			continue;
		symbols->symbols[kept++] = *symbol;
	}
	symbols->count = kept;
}

/* In the order of addresses the first is the lowest. */
static void kernel_symbols__find_bases(struct kernel_symbols *symbols)
{
	for (size_t i = 0; i < symbols->count; i++) {
		const struct kernel_symbol *symbol = &symbols->symbols[i];
		uint64_t *base = symbol->module == NO_MODULE
					 ? &symbols->base
					 : &symbols->modules[symbol->module - 1].base;

		if (symbol->type && *base == UINT64_MAX)
			*base = symbol->start & -(uint64_t)PAGE_BYTES;
	}
}

int kernel_symbols__open(const char *root)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_again(FILE **out, int fd)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	*out = copy < 0 || lseek(copy, 0, SEEK_SET) ? NULL : fdopen(copy, "re");
	if (*out)
		return 0;
	if (copy >= 0)
		close(copy);
	return errno ? -errno : -EIO;
}

int kernel_symbols__new(struct kernel_symbols **out, const struct kernel_reading *reading,
			char *why, size_t why_size)
{
	_cleanup_(kernel_symbols__freep) struct kernel_symbols *symbols = NULL;
	struct kernel_symbol *fitting;
	bool hidden = false;
	FILE *file;
	int error;

	*out = NULL;
	symbols = calloc(1, sizeof(*symbols));
	error = symbols ? read_again(&file, reading->fd) : -ENOMEM;
	if (!error) {
		symbols->base = UINT64_MAX;
		error = kernel_symbols__read(symbols, file, reading, &hidden);
		fclose(file);
	}
	if (error) {
		snprintf(why, why_size, "/proc/kallsyms cannot be read: %s", strerror(-error));
		return error;
	}
	if (symbols->functions == 0) {
		snprintf(
			why, why_size, "%s",
			hidden ? "the kernel hides its addresses (kernel.kptr_restrict, CAP_SYSLOG)"
			       : "the kernel names none of its functions (CONFIG_KALLSYMS)");
		return hidden ? -EPERM : -ENODATA;
	}
	kernel_symbols__sort(symbols);
	meanwhile(reading);
	kernel_symbols__find_bases(symbols);
	fitting = realloc(symbols->symbols, symbols->count * sizeof(*fitting));
	if (fitting) {
		symbols->symbols = fitting;
		symbols->capacity = symbols->count;
	}
	*out = take(symbols);
	return 0;
}

bool kernel_symbols__find(const struct kernel_symbols *symbols, uint64_t address,
			  struct kernel_function *out)
{
	const struct kernel_symbol *found;
	size_t low = 0, high = symbols->count;
	uint64_t end = UINT64_MAX;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !symbols->symbols[low - 1].type)
		return false;
	found = &symbols->symbols[low - 1];
	if (low < symbols->count)
		end = symbols->symbols[low].start;
	/* Behind the last one of the kernel or of a module there is nothing, then somebody else. */
	if ((low == symbols->count || symbols->symbols[low].module != found->module) &&
	    end - found->start > MODULE_LAST_MAX)
		end = found->start + MODULE_LAST_MAX;
	if (address >= end)
		return false;
	*out = (struct kernel_function){
		.symbol = {.name = symbols->names.data + found->name,
			   .start = found->start,
			   .bytes = end - found->start},
		.base = symbols->base,
	};
	if (found->module != NO_MODULE) {
		const struct kernel_module *module = &symbols->modules[found->module - 1];

		out->module = symbols->names.data + module->name;
		out->base = module->base;
	}
	return true;
}

size_t kernel_symbols__count(const struct kernel_symbols *symbols)
{
	return symbols->functions;
}

size_t kernel_symbols__bytes(const struct kernel_symbols *symbols)
{
	return sizeof(*symbols) + symbols->capacity * sizeof(symbols->symbols[0]) +
	       symbols->module_count * sizeof(symbols->modules[0]) + symbols->names.capacity;
}
