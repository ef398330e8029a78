/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/source/keeper.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bpf/stack_sample.h"
#include "source/stack_namer.h"

/* The whole process that names stacks, with a ring that nobody writes into. */

#define RING_BYTES 65536

struct world {
	struct both both;
	struct stack_namer_options options;
	int sockets[2];
	char folder[64]; /* where cores would lie */
};

static int make_world(void **state)
{
	static struct world world;

	world = (struct world){.folder = "/tmp/stack_namer_test.XXXXXX", .options.ring_fd = -1};
	*state = &world;
	return mkdtemp(world.folder) ? 0 : -1;
}

static int remove_world(void **state)
{
	struct world *world = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	return system(command);
}

/* What it needs, as far as the host lets us have it. */
static void prepare(struct world *world)
{
	/* Cores of any size, into our folder. */
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct stack_namer_options *options = &world->options;

	if (geteuid() != 0) {
		print_message("skipped: only root names others' stacks\n");
		skip();
	}
	need_perf();
	options->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, RING_BYTES, NULL);
	if (options->ring_fd < 0) {
		print_message("skipped: a ring of BPF's: %s\n", strerror(errno));
		skip();
	}
	options->rooms_fd = memfd_create("rooms", MFD_CLOEXEC);
	assert_int_equal(ftruncate(options->rooms_fd, STACK_ROOMS * sizeof(uint64_t)), 0);
	assert_int_equal(setrlimit(RLIMIT_CORE, &unlimited), 0);
	assert_int_equal(chdir(world->folder), 0);
	start_keeper(&world->both, as_it_is);
	options->asks_fd = world->both.asking.socket;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world->sockets), 0);
}

static void clean_up(struct world *world)
{
	end(&world->both);
	close(world->sockets[0]);
	close(world->sockets[1]);
	close(world->options.ring_fd);
	close(world->options.rooms_fd);
}

static pid_t start_namer(const struct world *world)
{
	const pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		stack_namer__run(&world->options, world->sockets[1], parent);
	return pid;
}

static pid_t start_idler(void)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

/* Killed by a signal that has a core kept; not one that sanitizers catch. */
static bool leaves_core(pid_t pid)
{
	int status = 0;

	assert_int_equal(kill(pid, SIGQUIT), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
	return WCOREDUMP(status);
}

/* In it are pieces of others' stacks. */
static void test_it_leaves_no_core(void **state)
{
	struct world *world = *state;
	struct stack_greeting greeting;
	pid_t idler, namer;

	prepare(world);
	idler = start_idler();
	namer = start_namer(world);
	assert_int_equal(recv(world->sockets[0], &greeting, sizeof(greeting), MSG_WAITALL),
			 sizeof(greeting));
	if (greeting.error)
		fail_msg("%s", greeting.why);
	/* It has dropped its privileges by now, which may make a process dumpable again. */
	assert_false(leaves_core(namer));
	if (!leaves_core(idler)) {
		clean_up(world);
		print_message("skipped: this host keeps nobody's core\n");
		skip();
	}
	clean_up(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_leaves_no_core, make_world, remove_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
