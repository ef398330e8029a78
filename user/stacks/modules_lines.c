/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/modules_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Where only root puts files: anywhere else somebody could have the debug file that a program names
 * be a link to any large file of root's, and the checksum of all of it be taken. */
static bool is_roots_place(const char *path)
{
	static const char *const folders[] = {"/usr/", "/lib", "/bin/", "/sbin/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (!strncmp(path, folders[i], strlen(folders[i])))
			return true;
	}
	return false;
}

bool modules__open_debug_file(const struct entry *entry, struct debug_file *debug)
{
	struct debug_place place = {.path = is_roots_place(entry->path) ? entry->path : NULL};
	char why[128];
	int error;

	place.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place.root < 0)
		return false;
	error = debug_file__open(debug, entry->module.object, &place, why, sizeof(why));
	closep(&place.root);
	return !error;
}

/* --- source lines ----------------------------------------------------------------------------- */

static struct entry *entry_of(const struct modules *modules, uint32_t id)
{
	struct entry *entry = modules->by_object;

	while (entry && entry->module.id != id)
		entry = entry->hh.next;
	return entry;
}

static bool has_lines(const struct object *object)
{
	return object__section(object, ".debug_line").bytes > 0 ||
	       object__section(object, ".zdebug_line").bytes > 0;
}

bool modules__lines_can_wait(const struct module *module)
{
	return !has_lines(module->object);
}

int modules__open_lines(struct modules *modules, uint32_t id)
{
	struct entry *entry = entry_of(modules, id);
	struct debug_file debug = {.fd = -1};
	int fd = -1;

	if (!entry)
		return -ESRCH;
	if (entry->module.lineless)
		return -ENODATA;
	if (has_lines(entry->module.object))
		return objects__open(modules->objects, entry->pid, &entry->mapping,
				     entry->module.object);
	if (modules__open_debug_file(entry, &debug)) {
		if (has_lines(debug.object)) {
			fd = debug.fd;
			debug.fd = -1;
		}
		debug_file__close(&debug);
	}
	entry->module.lineless = fd < 0;
	return fd < 0 ? -ENODATA : fd;
}

void modules__has_no_lines(struct modules *modules, uint32_t id)
{
	struct entry *entry = entry_of(modules, id);

	if (entry)
		entry->module.lineless = true;
}
