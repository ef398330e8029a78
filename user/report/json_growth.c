/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/cleanup.h"
#include "report/growth.h"
#include "report/json.h"
#include "report/reading.h"

#define SESSION_ROWS  2000 /* the largest; the rest is counted */
#define INCIDENT_ROWS 100

/* Of a whole that is more than 0, with four decimals. */
static void set_ratio(struct build *build, json_t *object, const char *key, int64_t part,
		      int64_t whole)
{
	__int128 parts;

	if (whole <= 0 || part == EVENT_UNKNOWN) {
		build__null(build, object, key);
		return;
	}
	parts = ((__int128)(part > 0 ? part : 0) * 10000 + whole / 2) / whole;
	if (parts % 10000 == 0 && parts / 10000 <= INT64_MAX)
		build__set(build, object, key, json_integer((json_int_t)(parts / 10000)));
	else
		build__set(build, object, key, json_real((double)parts / 10000.0));
}

static void set_signed(struct build *build, json_t *object, const char *key, int64_t bytes)
{
	build__set(build, object, key, json_integer(bytes));
}

static void set_hex(struct build *build, json_t *object, const char *key, uint64_t number)
{
	_cleanup_(text__free) struct text text = {0};

	text__printf(&text, "0x%llx", (unsigned long long)number);
	if (!text__ok(&text))
		build->failed = true;
	else
		build__string(build, object, key, text.data);
}

static void set_module(struct build *build, json_t *object, const struct module *module)
{
	_cleanup_(text__free) struct text hex = {0};

	build__text(build, object, "module", module->path, strlen(module->path));
	if (module->build_id_bytes == 0)
		return;
	for (size_t i = 0; i < module->build_id_bytes; i++)
		text__printf(&hex, "%02x", module->build_id[i]);
	if (!text__ok(&hex))
		build->failed = true;
	else
		build__string(build, object, "build_id", hex.data);
}

/* "offset" in the module's file as it was linked, else "address" in the process. */
static json_t *frame__new(struct build *build, const struct frame *frame)
{
	json_t *object = json_object();

	if (!frame)
		return object;
	if (frame->name)
		build__text(build, object, "function", frame->name, strlen(frame->name));
	if (frame->module)
		set_module(build, object, frame->module);
	set_hex(build, object, frame->module ? "offset" : "address", frame->address);
	if (frame->file)
		build__text(build, object, "file", frame->file, strlen(frame->file));
	if (frame->file && frame->line > 0)
		build__count(build, object, "line", frame->line);
	build__string(build, object, "kind", frame_kind__name(frame->kind));
	return object;
}

/* Innermost first. */
static json_t *frames__new(struct build *build, const struct stack *stack)
{
	json_t *array = json_array();

	for (size_t i = 0; stack && i < stack->count; i++)
		build__append(build, array, frame__new(build, stack->frames[i]));
	return array;
}

static const char *quality_name(const struct stack *stack)
{
	switch (stack__quality(stack)) {
	case STACK_EXPLAINED:
		return "explained";
	case STACK_UNNAMED:
		return "unnamed";
	case STACK_INCOMPLETE:
		return "incomplete";
	case STACK_UNKNOWN:
		break;
	}
	return "no-stack";
}

static void set_whose(struct build *build, json_t *object, const struct model *model,
		      const struct growth_row *row)
{
	const struct process *process = row->process;
	_cleanup_(freep) char *path = NULL;

	build__count(build, object, "pid", row->task.pid);
	if (!process)
		return;
	build__text_array(build, object, "comm", process->comm, sizeof(process->comm));
	if (process->cgroup_id == 0)
		return;
	path = model__cgroup_path(model, process->cgroup_id);
	if (!path)
		build->failed = true;
	else
		build__text(build, object, "cgroup", path, strlen(path));
}

static const char *file_kind(const struct file *file)
{
	if (file->flags & FILE_TMPFS)
		return "tmpfs";
	if (file->flags & FILE_MEMFD)
		return "memfd";
	if (file->flags & FILE_SYSV)
		return "sysv";
	return file->flags & FILE_ANONYMOUS ? "anonymous" : "file";
}

static json_t *file__new(struct build *build, const struct file *file)
{
	json_t *object = json_object();

	build__text(build, object, "path", file->path, strlen(file->path));
	build__string(build, object, "kind", file_kind(file));
	build__bool(build, object, "deleted", file->flags & FILE_DELETED);
	if (file->mount)
		build__text(build, object, "tmpfs", file->mount, strlen(file->mount));
	return object;
}

static json_t *row__new(struct build *build, const struct model *model,
			const struct growths *growths, const struct growth_row *row,
			uint64_t zero_ns, const char *role)
{
	const struct event_host *host = model__host(model);
	json_t *object = json_object();

	set_signed(build, object, "bytes", row->bytes);
	set_ratio(build, object, "share_ratio", row->bytes, growths->rose_bytes);
	set_ratio(build, object, "error_ratio",
		  host ? growth_row__error_bytes(row, host->page_bytes) : EVENT_UNKNOWN,
		  growths->rose_bytes);
	set_whose(build, object, model, row);
	if (role)
		build__string(build, object, "role", role);
	build__string(build, object, "class", growth_row__class(row));
	set_signed(build, object, "anon_bytes", row->anon_bytes);
	set_signed(build, object, "file_bytes", row->file_bytes);
	set_signed(build, object, "shmem_bytes", row->shmem_bytes);
	set_signed(build, object, "from_swap_bytes", row->from_swap_bytes);
	set_signed(build, object, "in_kernel_bytes", row->in_kernel_bytes);
	if (row->stay.is_known) {
		set_signed(build, object, "resident_bytes", row->stay.bytes);
		build__ms(build, object, "looked_ms", (int64_t)(row->stay.looked_ns - zero_ns));
	}
	if (row->file)
		build__set(build, object, "file", file__new(build, row->file));
	build__count(build, object, "samples", row->samples);
	build__ms(build, object, "first_ms", (int64_t)(row->first_ns - zero_ns));
	build__ms(build, object, "last_ms", (int64_t)(row->last_ns - zero_ns));
	build__string(build, object, "quality", quality_name(row->stack));
	if (row->stack && row->stack->end != STACK_END_COMPLETE)
		build__string(build, object, "ends", stack_end__words(row->stack->end));
	build__set(build, object, "frames", frames__new(build, row->stack));
	return object;
}

/* What is not known is null; of what the kernel's counters say, all may be. */
static void set_figure(struct build *build, json_t *object, const char *key, int64_t bytes)
{
	if (bytes == EVENT_UNKNOWN)
		build__null(build, object, key);
	else
		set_signed(build, object, key, bytes);
}

static json_t *sums__new(struct build *build, const struct growths *growths)
{
	json_t *object = json_object(), *incomplete = json_array();

	build__count(build, object, "processes", growths->processes);
	build__count(build, object, "samples", growths->samples);
	set_figure(build, object, "rose_bytes", growths->rose_bytes);
	set_figure(build, object, "net_bytes", growths->net_bytes);
	set_signed(build, object, "sampled_bytes", growths->sampled_bytes);
	set_signed(build, object, "explained_bytes", growths->explained_bytes);
	set_figure(build, object, "explained_error_bytes", growths->error_bytes);
	set_signed(build, object, "unnamed_bytes", growths->unnamed_bytes);
	set_signed(build, object, "incomplete_bytes", growths__incomplete_bytes(growths));
	for (int end = 0; end < STACK_END_COUNT; end++) {
		json_t *row;

		if (growths->incomplete_bytes[end] == 0)
			continue;
		row = json_object();
		build__string(build, row, "ends", stack_end__words((enum stack_end)end));
		set_signed(build, row, "bytes", growths->incomplete_bytes[end]);
		build__append(build, incomplete, row);
	}
	build__set(build, object, "incomplete", incomplete);
	set_signed(build, object, "no_stack_bytes", growths->no_stack_bytes);
	set_signed(build, object, "from_swap_bytes", growths->from_swap_bytes);
	set_figure(build, object, "resident_bytes", growths->stayed_bytes);
	set_signed(build, object, "resident_of_bytes", growths->looked_for_bytes);
	build__count(build, object, "resident_unknown_processes", growths->stay_unknown);
	build__count(build, object, "resident_ended_processes", growths->stay_past);
	set_figure(build, object, "not_seen_bytes", growths->not_seen_bytes);
	set_figure(build, object, "not_seen_error_bytes", growths->not_seen_error_bytes);
	set_figure(build, object, "lost_at_most_bytes", growths->lost_at_most_bytes);
	set_figure(build, object, "before_bytes", growths->before_bytes);
	set_figure(build, object, "inherited_bytes", growths->inherited_bytes);
	return object;
}

static const char *role_of(const struct growth_row *row, const struct incident *incident)
{
	if (!incident)
		return NULL;
	return task_ref__same(&row->task, &incident->victim.task) ? "victim" : "culprit";
}

/* How many of the largest are shown. */
static size_t count_shown(const struct build *build, const struct growths *growths,
			  const struct incident *incident)
{
	const size_t most = incident ? INCIDENT_ROWS : SESSION_ROWS;
	size_t count = 0, frames = 0;

	for (; count < growths->count && count < most; count++) {
		const struct stack *stack = growths->rows[count].stack;

		frames += stack ? stack->count : 0;
		if (count > 0 && build->frames_max && frames > build->frames_max)
			break;
	}
	return count;
}

void json__set_growth(struct build *build, json_t *object, const struct model *model,
		      const struct incident *incident)
{
	const uint64_t zero_ns = incident ? incident->time_ns : model__span(model).first_ns;
	_cleanup_(growths__free) struct growths growths = {0};
	struct growth_filter filter = {0};
	struct task_ref tasks[2];
	json_t *array;
	size_t shown;

	if (model__growth_count(model) == 0)
		return;
	if (incident) {
		tasks[filter.task_count++] = incident->victim.task;
		tasks[filter.task_count++] = incident->culprit.task;
		filter.tasks = tasks;
	}
	if (growths__read(&growths, model, &filter, GROWTH_EXACT) < 0) {
		build->failed = true;
		return;
	}
	shown = count_shown(build, &growths, incident);
	array = json_array();
	for (size_t i = 0; i < shown; i++)
		build__append(build, array,
			      row__new(build, model, &growths, &growths.rows[i], zero_ns,
				       role_of(&growths.rows[i], incident)));
	build__set(build, object, "stacks", array);
	build__count(build, object, "stacks_omitted", growths.count - shown);
	if (growths.count == 0)
		return;
	set_ratio(build, object, "explained_ratio", growths.explained_bytes, growths.rose_bytes);
	set_ratio(build, object, "explained_error_ratio", growths.error_bytes, growths.rose_bytes);
	build__set(build, object, "growth", sums__new(build, &growths));
}
