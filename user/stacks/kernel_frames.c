/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/kernel_frames.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "stacks/kernel_stack.h"
#include "stacks/system_call.h"
#include "symbols/kernel.h"

/* The kernel's names are many: they are read when they are wanted, and again when an address is
 * nobody's, or a module's that may be another one by now. */
#define STRANGE_NS    (60 * NS_PER_S)
#define MODULE_OLD_NS (600 * NS_PER_S)
#define NAME_BYTES    64 /* of modules, which end at 56 */

struct kernel_image {
	uint32_t id;
	uint64_t told_ns;
	char name[NAME_BYTES]; /* as it is told: "[ext4]" */
};

struct kernel_frames {
	struct kernel_frames_options options;
	struct kernel_symbols *symbols;
	uint64_t read_ns; /* 0: not yet */
	struct kernel_image *images;
	size_t image_count;
	uint64_t too_large;
};

int kernel_frames__new(struct kernel_frames **out, const struct kernel_frames_options *options)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->options = *options;
	return 0;
}

void kernel_frames__free(struct kernel_frames *frames)
{
	if (!frames)
		return;
	kernel_symbols__free(frames->symbols);
	free(frames->images);
	free(frames);
}

size_t kernel_frames__bytes(const struct kernel_frames *frames)
{
	return sizeof(*frames) + frames->image_count * sizeof(frames->images[0]) +
	       (frames->symbols ? kernel_symbols__bytes(frames->symbols) : 0);
}

uint64_t kernel_frames__too_large(const struct kernel_frames *frames)
{
	return frames->too_large;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Not as standard input, which is none. */
int kernel_frames__open_names(void)
{
	const int fd = kernel_symbols__open("");
	const int higher = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd >= 0)
		close(fd);
	return higher < 0 ? 0 : higher;
}

/* Why there are none is said by who starts us (probe/facts.h). */
static void read_names(struct kernel_frames *frames, uint64_t now_ns)
{
	const struct kernel_reading reading = {.fd = frames->options.kallsyms_fd,
					       .meanwhile = frames->options.meanwhile,
					       .context = frames->options.meanwhile_context};
	struct kernel_symbols *symbols;
	char why[128];
	int error;

	/* Not both at a time. */
	kernel_symbols__free(frames->symbols);
	frames->symbols = NULL;
	do
		error = kernel_symbols__new(&symbols, &reading, why, sizeof(why));
	while (error == -ENOMEM && modules__give_up(frames->options.modules));
	frames->read_ns = now_ns;
	frames->symbols = symbols;
	frames->too_large += error == -ENOMEM;
	/* It does not change its mind. */
	if (error == -EPERM || error == -ENODATA)
		frames->options.kallsyms_fd = 0;
}

/* Whether they are to be read, who is asked for with them being `found` or not. */
static bool wants_names(const struct kernel_frames *frames, const struct kernel_function *found,
			uint64_t now_ns)
{
	const uint64_t age_ns = now_ns - frames->read_ns;

	if (!frames->options.kallsyms_fd)
		return false;
	if (!frames->read_ns)
		return true;
	return found ? found->module && age_ns >= MODULE_OLD_NS : age_ns >= STRANGE_NS;
}

/* --- what is told ----------------------------------------------------------------------------- */

static struct kernel_image *image_of(struct kernel_frames *frames, const char *name)
{
	struct kernel_image *moved;
	size_t i = 0;

	while (i < frames->image_count && strcmp(frames->images[i].name, name) != 0)
		i++;
	if (i < frames->image_count)
		return &frames->images[i];
	moved = realloc(frames->images, (i + 1) * sizeof(*moved));
	if (!moved)
		return NULL;
	frames->images = moved;
	frames->image_count++;
	moved[i] = (struct kernel_image){.id = modules__new_number(frames->options.modules)};
	snprintf(moved[i].name, sizeof(moved[i].name), "%s", name);
	return &moved[i];
}

static int tell_image(struct kernel_frames *frames, const char *module, uint64_t now_ns,
		      uint32_t *id)
{
	const struct stack_sink *sink = frames->options.sink;
	struct stack_module told = {0};
	struct kernel_image *image;
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "[%.*s]", NAME_BYTES - 3, module ? module : "kernel");
	image = image_of(frames, name);
	if (!image)
		return -ENOMEM;
	*id = image->id;
	if (image->told_ns && now_ns < image->told_ns + SINK_RETELL_NS)
		return 0;
	image->told_ns = now_ns;
	told.id = image->id;
	told.path = image->name;
	return sink->module(sink->context, &told);
}

static int tell_frame(struct kernel_frames *frames, const struct stack_frame *frame,
		      uint64_t now_ns, uint32_t *number)
{
	*number = dictionary__frame(frames->options.dictionary, frame, now_ns);
	return *number ? 0
		       : dictionary__add_frame(frames->options.dictionary, frame, now_ns, number);
}

static int tell_function(struct kernel_frames *frames, const struct kernel_function *function,
			 uint64_t address, uint64_t now_ns, uint32_t *number)
{
	struct stack_frame frame = {
		.address = address - function->base,
		.start = function->symbol.start - function->base,
		.kind = FRAME_KERNEL,
		.name = function->symbol.name,
	};
	const int error = tell_image(frames, function->module, now_ns, &frame.module);

	return error ? error : tell_frame(frames, &frame, now_ns, number);
}

/* --- one sample ------------------------------------------------------------------------------- */

struct looked_up {
	size_t count;
	uint64_t addresses[STACK_KERNEL_FRAMES];
	struct kernel_function functions[STACK_KERNEL_FRAMES];
	const char *names[STACK_KERNEL_FRAMES]; /* NULL: not known */
	struct kernel_part part;
};

static void name(const struct kernel_frames *frames, struct looked_up *seen, size_t at)
{
	struct kernel_function *function = &seen->functions[at];

	seen->names[at] = NULL;
	if (frames->symbols && kernel_symbols__find(frames->symbols, seen->addresses[at], function))
		seen->names[at] = function->symbol.name;
}

static bool begins(const struct kernel_frames *frames, uint64_t address)
{
	struct kernel_function function;

	return kernel_symbols__find(frames->symbols, address, &function) &&
	       function.symbol.start == address;
}

static void name_all(const struct kernel_frames *frames, const struct stack_sample *sample,
		     struct looked_up *seen)
{
	seen->count = sample->kernel_frames;
	for (size_t i = 0; i < seen->count; i++) {
		seen->addresses[i] = sample->kernel[i] - 1; /* a return address */
		name(frames, seen, i);
	}
	if (!kernel_stack__cut(seen->names, seen->count, &seen->part)) {
		seen->part = (struct kernel_part){0};
		return;
	}
	/* What was interrupted is none. At the first instruction of a function it has looked like
	 * the end of the one that lies before, which may be an entry: those end in no call. */
	if (begins(frames, seen->addresses[seen->part.from - 1] + 1))
		seen->part.from--;
	if (seen->part.from < seen->part.to) {
		seen->addresses[seen->part.from]++;
		name(frames, seen, seen->part.from);
	}
}

static void look_up(struct kernel_frames *frames, const struct stack_sample *sample,
		    uint64_t now_ns, struct looked_up *seen)
{
	bool wanted = false;

	if (sample->kernel_frames && !frames->symbols && wants_names(frames, NULL, now_ns))
		read_names(frames, now_ns);
	name_all(frames, sample, seen);
	for (size_t i = seen->part.from; i < seen->part.to; i++)
		wanted |= wants_names(frames, seen->names[i] ? &seen->functions[i] : NULL, now_ns);
	if (!wanted)
		return;
	read_names(frames, now_ns);
	name_all(frames, sample, seen);
}

/* What the kernel does without saying what it is called: "[kernel]", if nobody knows better. */
static int tell_call(struct kernel_frames *frames, const struct stack_sample *sample,
		     const struct looked_up *seen, const char *call, uint64_t now_ns,
		     uint32_t *number)
{
	struct stack_frame frame = {.kind = FRAME_KERNEL, .name = call};
	const char *by_stack = kernel_stack__system_call(seen->names, seen->count);
	char name[NAME_BYTES];

	if (!call)
		frame.name = system_call__name(sample->registers);
	if (!frame.name && by_stack)
		snprintf(name, sizeof(name), "[%.*s]", NAME_BYTES - 3, by_stack);
	if (!frame.name)
		frame.name = by_stack ? name : "[kernel]";
	return tell_frame(frames, &frame, now_ns, number);
}

int kernel_frames__of(struct kernel_frames *frames, const struct stack_sample *sample,
		      const char *call, uint64_t now_ns, uint32_t *numbers, size_t *count)
{
	const struct stack_frame strange = {.kind = FRAME_KERNEL, .name = "[unknown]"};
	struct looked_up seen;
	int error = 0;

	*count = 0;
	seen.count = 0;
	seen.part = (struct kernel_part){0};
	if (!call)
		look_up(frames, sample, now_ns, &seen);
	for (size_t i = seen.part.from; i < seen.part.to && !error; i++)
		error = seen.names[i] ? tell_function(frames, &seen.functions[i], seen.addresses[i],
						      now_ns, &numbers[(*count)++])
				      : tell_frame(frames, &strange, now_ns, &numbers[(*count)++]);
	return error ? error : tell_call(frames, sample, &seen, call, now_ns, &numbers[(*count)++]);
}
