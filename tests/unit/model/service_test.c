/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/stream.h"

#define ID64    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID12    "0123456789ab"
#define OTHER64 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID     "1a2b3c4d-0000-1111-2222-333344445555"
#define UID_    "1a2b3c4d_0000_1111_2222_333344445555"

static const struct expectation {
	const char *path;
	enum service_kind kind;
	const char *name;
	const char *runtime;
	const char *id;
} expectations[] = {
	{"/system.slice/nginx.service", SERVICE_SYSTEMD, "nginx.service", "", ""},
	{"/system.slice/nginx.service/workers", SERVICE_SYSTEMD, "nginx.service", "", ""},
	{"/user.slice/user-1000.slice/session-3.scope", SERVICE_SYSTEMD, "session-3.scope", "", ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", SERVICE_SYSTEMD,
	 "x.service", "", ""},
	{"/system.slice/system-getty.slice/getty@tty1.service", SERVICE_SYSTEMD,
	 "getty@tty1.service", "", ""},
	{"/system.slice/docker-" ID64 ".scope", SERVICE_CONTAINER, ID12, "docker", ID64},
	{"/docker/" ID64, SERVICE_CONTAINER, ID12, "docker", ID64},
	{"/docker/" ID64 "/sub", SERVICE_CONTAINER, ID12, "docker", ID64},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	 ".slice/cri-containerd-" ID64 ".scope",
	 SERVICE_CONTAINER, ID12, "containerd", ID64},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID64 ".scope", SERVICE_CONTAINER, ID12,
	 "cri-o", ID64},
	{"/system.slice/containerd.service/kubepods-burstable-pod" UID_
	 ".slice:cri-containerd:" ID64,
	 SERVICE_CONTAINER, ID12, "containerd", ID64},
	{"/kubepods/burstable/pod" UID "/" ID64, SERVICE_CONTAINER, ID12, "kubernetes", ID64},
	{"/kubepods/burstable/pod" UID, SERVICE_CONTAINER, "pod" UID, "kubernetes", UID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice",
	 SERVICE_CONTAINER, "pod" UID, "kubernetes", UID},
	{"/machine.slice/libpod-" ID64 ".scope", SERVICE_CONTAINER, ID12, "podman", ID64},
	{"/machine.slice/libpod-" ID64 ".scope/container", SERVICE_CONTAINER, ID12, "podman", ID64},
	{"/machine.slice/libpod-conmon-" ID64 ".scope", SERVICE_SYSTEMD,
	 "libpod-conmon-0123456789abcdef0123456789abcdef0123456789abcdef0", "", ""},
	{"/default/" ID64, SERVICE_CONTAINER, ID12, "", ID64},
	{"/docker/" OTHER64 "/kubelet/kubepods/pod" UID "/" ID64, SERVICE_CONTAINER, ID12,
	 "kubernetes", ID64},
	{"/lxc/web", SERVICE_CONTAINER, "web", "lxc", "web"},
	{"/lxc/web/system.slice/x.service", SERVICE_CONTAINER, "web", "lxc", "web"},
	{"/lxc.payload.web/init.scope", SERVICE_CONTAINER, "web", "lxc", "web"},
	{"/lxc.monitor.web", SERVICE_TREE, "app", "", ""},
	{"/podcasts/player", SERVICE_TREE, "app", "", ""},
	{"/user.slice", SERVICE_TREE, "app", "", ""},
	{"/a/" ID12, SERVICE_TREE, "app", "", ""},
	{"/", SERVICE_TREE, "app", "", ""},
};

/* The id of the last component, the chain above it created. */
static uint64_t make_path(struct model *model, const char *path)
{
	struct memcg_counters none = counters(0, EVENT_NO_LIMIT, 0);
	uint64_t id = 1;

	cgroup(model, 0, 1, 0, "", none);
	while (*path) {
		char name[EVENT_NAME_BYTES] = {0};
		size_t length;

		path += *path == '/';
		length = strcspn(path, "/");
		if (!length)
			break;
		memcpy(name, path, length);
		path += length;
		cgroup(model, 0, id + 1, id, name, none);
		id++;
	}
	return id;
}

static void test_cgroup_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *expected = &expectations[i];
		struct model *model = new_model();
		struct service service;

		process(model, 1, state_of(10, 1, "app", make_path(model, expected->path), 0));
		service = model__service(model, model__process_by_pid(model, 10));
		if (service.kind != expected->kind || strcmp(service.name, expected->name) ||
		    strcmp(service.runtime, expected->runtime) || strcmp(service.id, expected->id))
			fail_msg("%s: kind %d, name %s, runtime %s, id %s", expected->path,
				 service.kind, service.name, service.runtime, service.id);
		model__free(model);
	}
}

static struct service pm2_service(const char *argv, size_t bytes)
{
	struct model *model = new_model();
	uint64_t unit = make_path(model, "/system.slice/pm2-root.service");
	struct service service;

	process(model, 1, state_of(100, 1, "PM2 v5.3.0: God", unit, 0));
	process(model, 1, state_of(101, 100, "node", unit, 0));
	process(model, 1, state_of(102, 101, "helper", unit, 0));
	if (argv)
		argv_of(model, 2, 101, argv, bytes);
	service = model__service(model, model__process_by_pid(model, 102));
	model__free(model);
	return service;
}

#define PM2(argv) pm2_service(argv, sizeof(argv))

static void test_pm2(void **state)
{
	(void)state;
	assert_int_equal(PM2("node\0/srv/api/server.js").kind, SERVICE_PM2);
	assert_string_equal(PM2("node\0/srv/api/server.js").name, "server.js");
	assert_string_equal(PM2("node /srv/api/server.js").name, "server.js");
	assert_string_equal(PM2("node /srv/api/server.js\0\0\0\0").name, "server.js");
	assert_string_equal(PM2("node\0--max-old-space-size=512\0app.js\0--port").name, "app.js");
	assert_string_equal(PM2("python3\0/srv/worker.py\0").name, "worker.py");
	assert_string_equal(PM2("/usr/bin/binary").name, "binary");
	assert_string_equal(PM2("node\0/usr/lib/node_modules/pm2/lib/ProcessContainerFork.js").name,
			    "node");
	assert_string_equal(PM2("").name, "node");
	assert_string_equal(PM2("/").name, "/");
	assert_string_equal(pm2_service(NULL, 0).name, "node");
}

static void test_pm2_daemon_by_argv(void **state)
{
	static const char title[] = "PM2 v5.3.0: God Daemon (/root/.pm2)";
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(100, 1, "node", 0, 0));
	argv_of(model, 1, 100, title, sizeof(title));
	process(model, 1, state_of(101, 100, "app", 0, 0));
	assert_int_equal(model__service(model, model__process_by_pid(model, 101)).kind,
			 SERVICE_PM2);
	assert_int_equal(model__service(model, model__process_by_pid(model, 100)).kind,
			 SERVICE_TREE);
	model__free(model);
}

static void test_trees(void **state)
{
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(1, 0, "init", 5, 0));
	process(model, 1, state_of(20, 1, "server", 5, 0));
	process(model, 1, state_of(21, 20, "worker", 5, 0));
	process(model, 1, state_of(22, 21, "helper", 5, 0));
	process(model, 1, state_of(23, 21, "elsewhere", 6, 0));
	assert_string_equal(model__service(model, model__process_by_pid(model, 22)).name, "server");
	assert_string_equal(model__service(model, model__process_by_pid(model, 20)).name, "server");
	assert_string_equal(model__service(model, model__process_by_pid(model, 23)).name,
			    "elsewhere");
	assert_int_equal(model__service(model, NULL).kind, SERVICE_NONE);
	model__free(model);
}

static void test_cycle_of_parents_ends(void **state)
{
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(20, 21, "a", 5, 0));
	process(model, 1, state_of(21, 20, "b", 5, 0));
	process(model, 1, state_of(22, 22, "c", 5, 0));
	assert_int_equal(model__service(model, model__process_by_pid(model, 20)).kind,
			 SERVICE_TREE);
	assert_string_equal(model__service(model, model__process_by_pid(model, 22)).name, "c");
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroup_paths),          cmocka_unit_test(test_pm2),
		cmocka_unit_test(test_pm2_daemon_by_argv),    cmocka_unit_test(test_trees),
		cmocka_unit_test(test_cycle_of_parents_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
