/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/stored_json.h"

static int explain(char *why, size_t size, int err, const char *what)
{
	snprintf(why, size, "%s", what);
	return err;
}

static int read_all(char *data, size_t size, int fd)
{
	for (size_t done = 0; done < size;) {
		const ssize_t got = pread(fd, data + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		done += (size_t)got;
	}
	return 0;
}

/* Each value costs the parser many times the bytes it is written in: "[[],[],[],...". Those inside
 * strings count as well, which makes no difference to what is to be kept out. */
static bool has_too_many_values(const char *data, size_t size)
{
	size_t values = 0;

	for (size_t i = 0; i < size; i++)
		values += data[i] == '[' || data[i] == '{' || data[i] == ',';
	return values > STORED_JSON_VALUES;
}

int stored_json__load(json_t **out, int fd, char *why, size_t why_size)
{
	_cleanup_(freep) char *data = NULL;
	char big[UNITS_MAX];
	struct stat status;
	json_error_t error;
	json_t *json;
	int err;

	if (fstat(fd, &status) < 0)
		return explain(why, why_size, -errno, strerror(errno));
	if (status.st_size == 0)
		return explain(why, why_size, -EBADMSG, "is empty");
	if (status.st_size > STORED_JSON_BYTES) {
		snprintf(why, why_size, "is too large (%s)",
			 units__bytes(big, (int64_t)status.st_size));
		return -EFBIG;
	}
	data = malloc((size_t)status.st_size);
	if (!data)
		return explain(why, why_size, -ENOMEM, strerror(ENOMEM));
	err = read_all(data, (size_t)status.st_size, fd);
	if (err < 0)
		return explain(why, why_size, err, strerror(-err));
	if (has_too_many_values(data, (size_t)status.st_size))
		return explain(why, why_size, -EFBIG, "has too many values");
	json = json_loadb(data, (size_t)status.st_size, 0, &error);
	if (!json_is_object(json)) {
		json_decref(json);
		return explain(why, why_size, -EBADMSG, "is not a JSON object");
	}
	*out = json;
	return 0;
}

const char *stored_json__string(const json_t *object, const char *key)
{
	const char *string = json_string_value(json_object_get(object, key));

	return string ? string : "";
}

json_int_t stored_json__count(const json_t *object, const char *key)
{
	const json_int_t count = json_integer_value(json_object_get(object, key));

	return count > 0 ? count : 0;
}
