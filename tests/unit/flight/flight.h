/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* A flight recorder on a throwaway folder, its events made up and its clock set by hand. Times are
 * in milliseconds since the boot; the flight begins at FLIGHT_MS.
 */

#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/cleanup.h"
#include "flight/frozen.h"
#include "flight/recorder.h"
#include "recording/reader.h"
#include "source/replay.h"
#include "trail.h"

#define FLIGHT_MS  1000000ULL
#define SECOND     1000ULL
#define ROOT_ID    1
#define LOG_BYTES  (256 << 10)
#define BURST_MS   (INCIDENT_BURST_NS / NS_PER_MS)
#define AFTER_MS   (INCIDENT_AFTER_NS / NS_PER_MS)
#define IDS_MAX    256
#define CHUNKS_MAX 1024

struct flight {
	struct folder *folder;
	struct config config;
	struct recorder *recorder;
	uint64_t ms;
	char *log;
	size_t log_bytes;
};

static inline void flight__tell(void *context, const char *line)
{
	struct flight *flight = context;

	flight->log_bytes += (size_t)snprintf(flight->log + flight->log_bytes,
					      LOG_BYTES - flight->log_bytes, "%s\n", line);
	assert_true(flight->log_bytes < LOG_BYTES);
}

static const struct flight *flight__timed;

static inline uint64_t flight__clock(void)
{
	return flight__timed->ms * NS_PER_MS;
}

/* How many lines of the log hold these words. */
static inline size_t flight__told(const struct flight *flight, const char *words)
{
	size_t count = 0;

	for (const char *at = flight->log; (at = strstr(at, words)); at += strlen(words))
		count++;
	return count;
}

static inline int flight__setup(void **state)
{
	struct flight *flight = calloc(1, sizeof(*flight));
	void *folder;

	if (folder__setup(&folder) < 0)
		return -1;
	flight->folder = folder;
	flight->log = calloc(1, LOG_BYTES);
	flight->ms = FLIGHT_MS;
	config__default(&flight->config);
	*state = flight;
	return 0;
}

static inline int flight__teardown(void **state)
{
	struct flight *flight = *state;
	void *folder = flight->folder;

	recorder__free(flight->recorder);
	free(flight->log);
	free(flight);
	return folder__teardown(&folder);
}

/* --- a disk of its own ------------------------------------------------------------------------ */

#define SMALL_BYTES (32 << 20)

static inline int small_disk__setup(void **state)
{
	struct flight *flight;

	if (flight__setup(state) < 0)
		return -1;
	flight = *state;
	if (mkdir(flight->folder->dir, 0700) < 0)
		return -1;
	(void)!mount("oomtrail-test", flight->folder->dir, "tmpfs", 0, "size=32m,mode=0700");
	return 0;
}

static inline int small_disk__teardown(void **state)
{
	struct flight *flight = *state;

	recorder__free(flight->recorder);
	flight->recorder = NULL;
	folder__close(flight->folder);
	umount2(flight->folder->dir, MNT_DETACH);
	return flight__teardown(state);
}

static inline void skip_unmounted(const struct folder *folder, uint64_t bytes)
{
	struct statfs status;

	if (statfs(folder->dir, &status) == 0 && status.f_type == TMPFS_MAGIC &&
	    status.f_blocks * (uint64_t)status.f_bsize <= bytes)
		return;
	print_message("mounting a tmpfs is refused\n");
	skip();
}

/* Until not a byte more fits. */
static inline void fill_up(const struct folder *folder)
{
	static const char block[4096] = {1};
	int fd = open(folder__path(folder, "filler"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

/* --- what comes in ---------------------------------------------------------------------------- */

static inline void flight__admit(struct flight *flight, const void *event)
{
	assert_int_equal(event__check(event, ((const struct event_header *)event)->size_bytes), 0);
	assert_int_equal(recorder__admit(flight->recorder, event), 0);
}

static inline void flight__cgroup(struct flight *flight, uint64_t id, const char *name)
{
	struct event_cgroup cgroup = trail__cgroup();

	cgroup.header.time_ns = flight->ms * NS_PER_MS;
	cgroup.cgroup_id = id;
	cgroup.parent_id = id == ROOT_ID ? 0 : ROOT_ID;
	memset(cgroup.name, 0, sizeof(cgroup.name));
	memccpy(cgroup.name, name, 0, sizeof(cgroup.name) - 1);
	flight__admit(flight, &cgroup);
}

static inline void flight__fork(struct flight *flight, uint32_t pid, uint64_t cgroup_id)
{
	struct event_fork fork = {
		.header = trail__header(EVENT_FORK, sizeof(fork), flight->ms),
		.child = trail__state(pid, "leaker", 1 << 20),
	};

	fork.child.cgroup_id = cgroup_id;
	flight__admit(flight, &fork);
}

static inline void flight__exit(struct flight *flight, uint32_t pid)
{
	struct event_exit event = {
		.header = trail__header(EVENT_EXIT, sizeof(event), flight->ms),
		.task = {.pid = pid, .tid = pid, .start_ns = pid * NS_PER_MS},
		.memory = {-1, -1, -1, -1, -1, -1},
		.peak_rss_bytes = 60 << 20,
		.exit_code = 9,
		.comm = "leaker",
	};

	flight__admit(flight, &event);
}

static inline void flight__grow(struct flight *flight, uint32_t pid, int64_t bytes)
{
	struct event_rss rss = {
		.header = trail__header(EVENT_RSS, sizeof(rss), flight->ms),
		.owner = {.pid = pid, .tid = pid, .start_ns = pid * NS_PER_MS},
		.mm_id = pid,
		.memory = {.anon_bytes = bytes},
	};

	flight__admit(flight, &rss);
}

/* Born, grown, and killed in a cgroup that is full. */
static inline void flight__kill(struct flight *flight, uint32_t pid, uint64_t cgroup_id)
{
	struct event_oom_kill kill = trail__oom(flight->ms, pid, "leaker");

	flight__fork(flight, pid, cgroup_id);
	flight__grow(flight, pid, 60 << 20);
	kill.victim.cgroup_id = cgroup_id;
	kill.trigger.cgroup_id = cgroup_id;
	kill.domain_cgroup_id = cgroup_id;
	flight__admit(flight, &kill);
	flight__exit(flight, pid);
}

static inline void flight__settle(struct flight *flight, uint64_t ms)
{
	flight->ms = ms;
	recorder__settle(flight->recorder, ms * NS_PER_MS);
}

/* --- its life --------------------------------------------------------------------------------- */

static inline void flight__start(struct flight *flight)
{
	struct recorder_options options = {
		.config = &flight->config,
		.tell = flight__tell,
		.clock_ns = flight__clock,
		.context = flight,
	};

	flight__timed = flight;
	if (!flight->folder->store)
		folder__open(flight->folder);
	options.store = flight->folder->store;
	assert_int_equal(recorder__new(&flight->recorder, &options), 0);
	assert_int_equal(store__prepare(options.store, RECORDER_JSON_BYTES), 0);
}

/* A host, the cgroup "shop", and an account as the live source gives it. */
static inline void flight__open(struct flight *flight)
{
	const struct event_host host = trail__host("web-1", flight->ms);
	const struct event_recorder account = {
		.header = trail__header(EVENT_RECORDER, sizeof(account), flight->ms),
		.events = 3,
	};

	flight__admit(flight, &host);
	flight__cgroup(flight, ROOT_ID, "");
	flight__cgroup(flight, TRAIL_CGROUP, "shop");
	flight__admit(flight, &account);
	flight__settle(flight, flight->ms);
}

static inline void flight__begin(struct flight *flight)
{
	flight__start(flight);
	flight__open(flight);
}

static inline void flight__close(struct flight *flight)
{
	assert_int_equal(recorder__close(flight->recorder, flight->ms * NS_PER_MS), 0);
}

/* --- what came of it -------------------------------------------------------------------------- */

/* Oldest first by name. */
static inline size_t flight__incidents(const struct flight *flight,
				       char ids[IDS_MAX][STORE_ID_BYTES])
{
	_cleanup_(freep) char(*found)[STORE_ID_BYTES] = NULL;
	size_t count = 0;

	assert_int_equal(store__incidents(flight->folder->store, &found, &count), 0);
	assert_true(count <= IDS_MAX);
	for (size_t i = 0; i < count; i++)
		memcpy(ids[i], found[count - 1 - i], STORE_ID_BYTES);
	return count;
}

static inline size_t flight__incident_count(const struct flight *flight)
{
	static char ids[IDS_MAX][STORE_ID_BYTES];

	return flight__incidents(flight, ids);
}

static inline bool flight__has(const struct flight *flight, const char *id, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "incidents/%s/%s", id, name);
	return folder__has(flight->folder, path);
}

static inline ino_t flight__inode(const struct flight *flight, const char *id, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "incidents/%s/%s", id, name);
	return folder__stat(flight->folder, path).st_ino;
}

/* Ascending numbers. */
static inline size_t flight__chunks(const struct flight *flight, uint64_t numbers[CHUNKS_MAX])
{
	_cleanup_(freep) struct store_chunk *chunks = NULL;
	size_t count = 0;

	assert_int_equal(store__chunks(flight->folder->store, &chunks, &count), 0);
	assert_true(count <= CHUNKS_MAX);
	for (size_t i = 0; i < count; i++)
		numbers[i] = chunks[i].number;
	return count;
}

static inline size_t flight__chunk_count(const struct flight *flight)
{
	uint64_t numbers[CHUNKS_MAX];

	return flight__chunks(flight, numbers);
}

/* The number of the chunk that is written now. */
static inline uint64_t flight__newest(const struct flight *flight)
{
	uint64_t numbers[CHUNKS_MAX];
	size_t count = flight__chunks(flight, numbers);

	assert_true(count > 0);
	return numbers[count - 1];
}

/* Replays what `fd` leads to: every digest agrees. Returns how many there were. */
static inline uint64_t flight__replay(int fd, enum reader_end end)
{
	struct replay replay = {0};
	struct reader *reader;
	struct model *model;
	char path[32];

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(reader__new(&reader, path), 0);
	assert_int_equal(model__new(&model), 0);
	assert_int_equal(replay__run(&replay, reader, model), 0);
	assert_int_equal(reader__end(reader), end);
	assert_false(replay.differs);
	assert_false(model__is_restoring(model));
	reader__free(reader);
	model__free(model);
	close(fd);
	return replay.digests;
}

/* All chunks below `before` are closed and replay to their digests; returns how many. */
static inline size_t flight__check_chunks(const struct flight *flight, uint64_t before)
{
	uint64_t numbers[CHUNKS_MAX];
	size_t count = flight__chunks(flight, numbers), checked = 0;

	for (size_t i = 0; i < count; i++) {
		if (numbers[i] >= before)
			continue;
		assert_true(flight__replay(store__open_chunk(flight->folder->store, numbers[i]),
					   READER_COMPLETE) > 0);
		checked++;
	}
	return checked;
}

/* What an incident's folder says of itself. */
struct told {
	size_t kills;     /* listed */
	uint64_t burst;   /* of those, in the first window */
	uint64_t storm;   /* 0: it is none */
	uint64_t counted; /* further kills that are not listed */
	bool whole;
};

static inline struct told flight__told_by(const struct flight *flight, const char *id)
{
	const struct incident *incident;
	struct frozen *frozen;
	char why[256] = "";
	struct told told;

	if (frozen__open(&frozen, flight->folder->store, id, why, sizeof(why)) < 0)
		fail_msg("%s: %s", id, why);
	assert_false(frozen__differs(frozen));
	assert_true(frozen__index(frozen) >= 0);
	incident = model__incident(frozen__model(frozen), (size_t)frozen__index(frozen));
	told = (struct told){
		.kills = incident->kill_count,
		.burst = incident->burst_kills,
		.storm = incident->storm.count,
		.whole = frozen__is_whole(frozen),
	};
	for (size_t i = 0; i < model__loss_count(frozen__model(frozen)); i++) {
		const struct loss *loss = model__loss(frozen__model(frozen), i);

		if (loss->reason == LOSS_KILLS_COUNTED)
			told.counted += loss->count;
	}
	frozen__free(frozen);
	return told;
}

/* The next reports that are due, by id; "" when there are none. It is done at once. */
static inline const char *flight__do_job(struct flight *flight)
{
	static char id[STORE_ID_BYTES];
	uint64_t now_ns = flight->ms * NS_PER_MS;

	if (!recorder__next_job(flight->recorder, now_ns, id))
		return "";
	recorder__job_done(flight->recorder, true, now_ns);
	return id;
}
