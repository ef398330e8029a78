/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/report_format.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "cmd/cmd.h"
#include "report/folded.h"

static const struct {
	enum report_format format;
	const char *name;
	const char *endings[2];
} formats[] = {
	{REPORT_TEXT, "text", {".txt"}},
	{REPORT_JSON, "json", {".json"}},
	{REPORT_FOLDED, "folded", {".folded"}},
	{REPORT_PPROF, "pprof", {".pb.gz", ".pprof"}},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

enum report_format report_format__by_name(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (strcmp(name, formats[i].name) == 0)
			return formats[i].format;
	}
	return REPORT_NONE;
}

static bool ends_with(const char *name, const char *ending)
{
	const size_t length = strlen(name), wanted = strlen(ending);

	return length >= wanted && strcmp(name + length - wanted, ending) == 0;
}

enum report_format report_format__by_ending(const char *output)
{
	for (size_t i = 0; i < FORMATS; i++) {
		for (size_t j = 0; j < 2; j++) {
			if (formats[i].endings[j] && ends_with(output, formats[i].endings[j]))
				return formats[i].format;
		}
	}
	return REPORT_NONE;
}

bool report_format__is_growth(enum report_format format)
{
	return format == REPORT_FOLDED || format == REPORT_PPROF;
}

static void tell_nothing(const struct model *model)
{
	if (model__growth_count(model) == 0)
		cmd__error("there are no samples of growth in it: which code grew is not known");
	else
		cmd__error("there are samples of growth in it, but none of the process or cgroup "
			   "asked for");
}

int report_format__growth(const struct report_request *request, const struct model *model,
			  struct text *report)
{
	int64_t left_out_bytes = 0;
	char bytes[UNITS_MAX];
	int err;

	if (request->format == REPORT_FOLDED)
		err = report__folded(model, &request->filter, report, &left_out_bytes);
	else
		err = report__pprof(model, &request->filter, report);
	if (err == -ENOENT)
		tell_nothing(model);
	else if (err < 0)
		cmd__error("cannot write the report: %s", strerror(-err));
	if (err == 0 && left_out_bytes < 0)
		cmd__error("stacks by which memory fell, by %s in all, cannot be said in this "
			   "format and are left out",
			   units__bytes(bytes, -left_out_bytes));
	return err < 0 ? CMD_FAILED : CMD_DONE;
}
