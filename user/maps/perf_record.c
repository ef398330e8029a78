/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/perf_record.h"

#include <errno.h>
#include <string.h>

#include <linux/perf_event.h>

/* sample_id_all with PERF_RECORD_SAMPLE_TYPE. */
struct trailer {
	uint32_t pid;
	uint32_t tid;
	uint64_t time_ns;
};

struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid;
	uint32_t tid;
	uint64_t start;
	uint64_t bytes;
	uint64_t page_offset; /* in bytes, whatever it is called */
	union {
		struct {
			uint32_t major;
			uint32_t minor;
			uint64_t inode;
			uint64_t generation;
		};
		struct {
			uint8_t build_id_bytes;
			uint8_t reserved[3];
			uint8_t build_id[MAPPING_BUILD_ID_MAX_BYTES];
		};
	};
	uint32_t protection;
	uint32_t flags;
	char path[];
};

struct task_record {
	struct perf_event_header header;
	uint32_t pid;
	uint32_t parent_pid;
	uint32_t tid;
	uint32_t parent_tid;
	uint64_t time_ns;
};

struct comm_record {
	struct perf_event_header header;
	uint32_t pid;
	uint32_t tid;
	char comm[];
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

_Static_assert(sizeof(struct mmap2_record) == 72, "MMAP2");
_Static_assert(sizeof(struct task_record) == 32, "FORK, EXIT");

/* Not of our pid namespace, or gone already. */
static bool is_visible(uint32_t pid)
{
	return pid != 0 && pid != UINT32_MAX;
}

static int parse_mmap2(struct mmap2_record *record, size_t body_bytes, struct map_event *out)
{
	bool has_build_id = record->header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID;

	if (body_bytes <= sizeof(*record) ||
	    !memchr(record->path, '\0', body_bytes - sizeof(*record)))
		return -EBADMSG;
	if (has_build_id && record->build_id_bytes > MAPPING_BUILD_ID_MAX_BYTES)
		return -EBADMSG;
	if (record->bytes == 0 || record->start + record->bytes < record->start)
		return -EBADMSG;
	if ((record->header.misc & PERF_RECORD_MISC_MMAP_DATA) || !is_visible(record->pid))
		return 0;
	out->kind = MAP_EVENT_MAPPED;
	out->pid = record->pid;
	out->mapping.start = record->start;
	out->mapping.end = record->start + record->bytes;
	out->mapping.offset = record->page_offset;
	out->mapping.path = record->path;
	if (has_build_id) {
		out->mapping.file.build_id_bytes = record->build_id_bytes;
		memcpy(out->mapping.file.build_id, record->build_id, record->build_id_bytes);
	} else {
		out->mapping.file.major = record->major;
		out->mapping.file.minor = record->minor;
		out->mapping.file.inode = record->inode;
		out->mapping.file.generation = record->generation;
	}
	out->mapping.kind = mapping__kind(record->path, out->mapping.file.inode,
					  out->mapping.file.build_id_bytes > 0);
	if (out->mapping.kind == MAPPING_FILE)
		out->mapping.file.deleted = mapping__cut_deleted(record->path);
	return 1;
}

static int parse_task(const struct task_record *record, size_t body_bytes, struct map_event *out)
{
	bool fork = record->header.type == PERF_RECORD_FORK;

	if (body_bytes < sizeof(*record))
		return -EBADMSG;
	/* Of threads only the first one's end. */
	if (!is_visible(record->pid) ||
	    (fork ? record->pid == record->parent_pid : record->pid != record->tid))
		return 0;
	out->kind = fork ? MAP_EVENT_FORKED : MAP_EVENT_EXITED;
	out->pid = record->pid;
	out->parent_pid = fork && is_visible(record->parent_pid) ? record->parent_pid : 0;
	return 1;
}

static int parse_comm(const struct comm_record *record, size_t body_bytes, struct map_event *out)
{
	if (body_bytes <= sizeof(*record))
		return -EBADMSG;
	if (!(record->header.misc & PERF_RECORD_MISC_COMM_EXEC) || !is_visible(record->pid))
		return 0;
	out->kind = MAP_EVENT_EXEC;
	out->pid = record->pid;
	return 1;
}

static int parse_lost(const struct lost_record *record, size_t body_bytes, struct map_event *out)
{
	if (body_bytes < sizeof(*record))
		return -EBADMSG;
	out->kind = MAP_EVENT_LOST;
	out->lost = record->lost;
	return 1;
}

int perf_record__parse(void *record, size_t bytes, struct map_event *out)
{
	const struct perf_event_header *header = record;
	struct trailer trailer;
	size_t body_bytes;

	if (bytes < sizeof(*header) + sizeof(trailer) || header->size != bytes || bytes % 8)
		return -EBADMSG;
	body_bytes = bytes - sizeof(trailer);
	memcpy(&trailer, (char *)record + body_bytes, sizeof(trailer));
	*out = (struct map_event){.time_ns = trailer.time_ns, .mapping.path = ""};
	switch (header->type) {
	case PERF_RECORD_MMAP2:
		return body_bytes < sizeof(struct mmap2_record)
			       ? -EBADMSG
			       : parse_mmap2(record, body_bytes, out);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return parse_task(record, body_bytes, out);
	case PERF_RECORD_COMM:
		return parse_comm(record, body_bytes, out);
	case PERF_RECORD_LOST:
		return parse_lost(record, body_bytes, out);
	default:
		return 0;
	}
}
