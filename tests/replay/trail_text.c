/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Recordings as text (tests/replay/event_text.h), and back.
 *
 *     trail-text to-trail IN OUT    from text to a recording
 *     trail-text to-text IN         from a recording to text, on stdout
 *     trail-text to-raw IN OUT      from text to bare events, without the file format around them
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "recording/reader.h"
#include "recording/writer.h"
#include "tests/replay/event_text.h"

static int append_to_trail(void *context, const struct event_header *event)
{
	return writer__append(context, event);
}

static int append_to_file(void *context, const struct event_header *event)
{
	return fwrite(event, event->size_bytes, 1, context) == 1 ? 0 : -EIO;
}

static int to_trail(const char *in, const char *out)
{
	struct writer *writer = NULL;
	int err = writer__new(&writer, out);

	if (err) {
		fprintf(stderr, "trail-text: %s: %s\n", out, strerror(-err));
		return err;
	}
	err = event_text__read(in, append_to_trail, writer);
	if (!err)
		err = writer__close(writer);
	writer__free(writer);
	return err;
}

static int to_raw(const char *in, const char *out)
{
	FILE *file = fopen(out, "we");
	int err;

	if (!file) {
		fprintf(stderr, "trail-text: %s: %s\n", out, strerror(errno));
		return -errno;
	}
	err = event_text__read(in, append_to_file, file);
	return fclose(file) == 0 ? err : -EIO;
}

static int to_text(const char *in)
{
	struct reader *reader;
	const struct event_header *event;
	int err = reader__new(&reader, in);

	while (!err && (event = reader__next(reader)))
		event_text__print(event);
	if (reader && *reader__why(reader))
		fprintf(stderr, "trail-text: %s: %s\n", in, reader__why(reader));
	if (!err && reader__end(reader) == READER_TORN)
		err = -EBADMSG;
	reader__free(reader);
	return err;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 4 && strcmp(verb, "to-trail") == 0)
		return to_trail(argv[2], argv[3]) ? 1 : 0;
	if (argc == 4 && strcmp(verb, "to-raw") == 0)
		return to_raw(argv[2], argv[3]) ? 1 : 0;
	if (argc == 3 && strcmp(verb, "to-text") == 0)
		return to_text(argv[2]) ? 1 : 0;
	fprintf(stderr, "usage: trail-text to-trail IN OUT | to-raw IN OUT | to-text IN\n");
	return 2;
}
