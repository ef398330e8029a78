/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "model/model_internal.h"

#define CONTAINER_ID_DIGITS 64
#define CONTAINER_ID_SHORT  12
#define KUBERNETES_RUNTIME  "kubernetes"
#define POD_UID_MIN         8                  /* a uid has 36 characters, a static pod's hash 32 */
#define PM2_DAEMON          "PM2 v"            /* "PM2 v5.3.0: God Daemon (/root/.pm2)" */
#define PM2_WRAPPER         "ProcessContainer" /* what PM2 runs a script in, until it is titled */

static void copy(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

static bool starts_with(const char *string, const char *prefix)
{
	return !strncmp(string, prefix, strlen(prefix));
}

static bool ends_with(const char *string, const char *suffix)
{
	size_t length = strlen(string), wanted = strlen(suffix);

	return length > wanted && !strcmp(string + length - wanted, suffix);
}

static bool is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* --- containers ----------------------------------------------------------------------------- */

/* What stands before the id in "docker-<id>.scope" and "...:cri-containerd:<id>". */
static const struct runtime {
	const char *prefix;
	const char *name;
} runtimes[] = {
	{"docker", "docker"},         {"cri-containerd", "containerd"},
	{"nerdctl", "containerd"},    {"crio", "cri-o"},
	{"cri-o", "cri-o"},           {"libpod", "podman"},
	{"containerd", "containerd"}, {"libpod_parent", "podman"},
};

static const char *runtime_named(const char *prefix, size_t length)
{
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		if (strlen(runtimes[i].prefix) == length &&
		    !memcmp(runtimes[i].prefix, prefix, length))
			return runtimes[i].name;
	}
	return NULL;
}

/* A folder named by a bare id tells no runtime; the folders above may. */
static const char *runtime_above(const char *const *above, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = runtime_named(above[i], strlen(above[i]));

		if (name)
			return name;
		if (starts_with(above[i], "kubepods"))
			return KUBERNETES_RUNTIME;
	}
	return "";
}

/* The prefix of the last part before the id: behind the last ':' when there is one. */
static const char *runtime_before(const char *component, size_t length)
{
	size_t begin = length;
	const char *name;

	while (begin && component[begin - 1] != ':')
		begin--;
	name = runtime_named(component + begin, length - begin);
	return name ? name : "";
}

static bool container_by_id(struct service *service, const char *component,
			    const char *const *above, size_t count)
{
	size_t length = strlen(component), begin;
	const char *runtime;

	if (ends_with(component, ".scope"))
		length -= strlen(".scope");
	if (length < CONTAINER_ID_DIGITS)
		return false;
	begin = length - CONTAINER_ID_DIGITS;
	for (size_t i = begin; i < length; i++) {
		if (!is_hex_digit(component[i]))
			return false;
	}
	if (begin && component[begin - 1] != '-' && component[begin - 1] != ':')
		return false;
	/* The monitor beside a container is not in it. */
	if (begin && strstr(component, "conmon"))
		return false;
	runtime = begin ? runtime_before(component, begin - 1) : runtime_above(above, count);
	service->kind = SERVICE_CONTAINER;
	copy(service->runtime, sizeof(service->runtime), runtime, strlen(runtime));
	copy(service->id, sizeof(service->id), component + begin, CONTAINER_ID_DIGITS);
	copy(service->name, sizeof(service->name), component + begin, CONTAINER_ID_SHORT);
	return true;
}

static bool container_by_lxc(struct service *service, const char *component,
			     const char *const *above, size_t count)
{
	const char *name = component;

	if (starts_with(component, "lxc.payload."))
		name = component + strlen("lxc.payload.");
	else if (!count || (strcmp(above[0], "lxc") && strcmp(above[0], "lxc.payload")))
		return false;
	service->kind = SERVICE_CONTAINER;
	copy(service->runtime, sizeof(service->runtime), "lxc", strlen("lxc"));
	copy(service->id, sizeof(service->id), name, strlen(name));
	copy(service->name, sizeof(service->name), name, strlen(name));
	return true;
}

/* "kubepods-burstable-pod<uid>.slice" with '_' for '-', or "pod<uid>" below a kubepods folder. */
static bool container_by_pod(struct service *service, const char *component,
			     const char *const *above, size_t count)
{
	const char *pod = starts_with(component, "kubepods") ? strstr(component, "-pod") : NULL;
	size_t length;

	if (pod)
		pod++;
	else if (starts_with(component, "pod") && count &&
		 !strcmp(runtime_above(above, count), KUBERNETES_RUNTIME))
		pod = component;
	if (!pod)
		return false;
	length = strcspn(pod, ".:");
	if (length < strlen("pod") + POD_UID_MIN)
		return false;
	service->kind = SERVICE_CONTAINER;
	copy(service->runtime, sizeof(service->runtime), KUBERNETES_RUNTIME,
	     strlen(KUBERNETES_RUNTIME));
	copy(service->name, sizeof(service->name), pod, length);
	for (char *c = service->name; *c; c++) {
		if (*c == '_')
			*c = '-';
	}
	copy(service->id, sizeof(service->id), service->name + strlen("pod"),
	     strlen(service->name) - strlen("pod"));
	return true;
}

/* The deepest container wins: one may run inside another. */
static bool find_container(struct service *service, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *const *above = names + i + 1;
		size_t left = count - i - 1;

		if (container_by_id(service, names[i], above, left) ||
		    container_by_lxc(service, names[i], above, left) ||
		    container_by_pod(service, names[i], above, left))
			return true;
	}
	return false;
}

static bool find_unit(struct service *service, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!ends_with(names[i], ".service") && !ends_with(names[i], ".scope"))
			continue;
		service->kind = SERVICE_SYSTEMD;
		copy(service->name, sizeof(service->name), names[i], strlen(names[i]));
		return true;
	}
	return false;
}

/* --- ancestors ------------------------------------------------------------------------------ */

static const struct process *parent_of(const struct model *model, const struct process *process)
{
	const struct process_slot *slot = process_table__find(&model->processes, &process->parent);

	return slot ? &slot->process : NULL;
}

static bool is_pm2_daemon(const struct process *process)
{
	size_t length = strlen(PM2_DAEMON);

	return !strncmp(process->comm, PM2_DAEMON, length) ||
	       (process->argv && !strncmp(process->argv, PM2_DAEMON, length));
}

/* The next argument at `at`; NULL at the end. A program that gave itself a title has all of them
 * in one string. */
static const char *next_argument(const struct process *process, size_t *at, size_t *length)
{
	const char *argv = process->argv;
	size_t end = process->argv_bytes;
	bool titled;

	while (end && (!argv[end - 1] || argv[end - 1] == ' '))
		end--;
	titled = !memchr(argv, '\0', end);
	while (*at < end && (!argv[*at] || (titled && argv[*at] == ' ')))
		++*at;
	if (*at >= end)
		return NULL;
	for (*length = 0; *at + *length < end; ++*length) {
		char c = argv[*at + *length];

		if (!c || (titled && c == ' '))
			break;
	}
	*at += *length;
	return argv + *at - *length;
}

static void basename_of(const char **argument, size_t *length)
{
	const char *slash = memrchr(*argument, '/', *length);

	if (slash && slash + 1 < *argument + *length) {
		*length -= (size_t)(slash + 1 - *argument);
		*argument = slash + 1;
	}
}

/* What PM2 runs: the script, or the program itself when nothing interprets one. */
static void name_application(struct service *service, const struct process *process)
{
	const char *argument = NULL, *program = NULL;
	size_t at = 0, length = 0, program_length = 0;

	while (process->argv && (argument = next_argument(process, &at, &length))) {
		if (!program) {
			program = argument;
			program_length = length;
			continue;
		}
		if (argument[0] == '-')
			continue;
		basename_of(&argument, &length);
		if (length < strlen(PM2_WRAPPER) ||
		    memcmp(argument, PM2_WRAPPER, strlen(PM2_WRAPPER)))
			break;
		program = NULL; /* wrapped and not titled: only its comm says something */
		argument = NULL;
		break;
	}
	if (!argument && program) {
		argument = program;
		length = program_length;
		basename_of(&argument, &length);
	}
	if (argument)
		copy(service->name, sizeof(service->name), argument, length);
	else
		copy(service->name, sizeof(service->name), process->comm,
		     strnlen(process->comm, EVENT_COMM_BYTES));
}

static bool find_pm2(const struct model *model, struct service *service,
		     const struct process *process)
{
	for (unsigned int depth = 0; depth < ANCESTORS_MAX; depth++) {
		const struct process *parent = parent_of(model, process);

		if (!parent)
			return false;
		if (is_pm2_daemon(parent)) {
			service->kind = SERVICE_PM2;
			name_application(service, process);
			return true;
		}
		process = parent;
	}
	return false;
}

static void find_tree(const struct model *model, struct service *service,
		      const struct process *process)
{
	uint64_t cgroup_id = process->cgroup_id;

	for (unsigned int depth = 0; depth < ANCESTORS_MAX; depth++) {
		const struct process *parent = parent_of(model, process);

		if (!parent || parent->task.pid == 1 || parent->cgroup_id != cgroup_id)
			break;
		process = parent;
	}
	service->kind = SERVICE_TREE;
	copy(service->name, sizeof(service->name), process->comm,
	     strnlen(process->comm, EVENT_COMM_BYTES));
}

/* An application of PM2 says more than the unit or the container that PM2 runs in, a container
 * more than the scope it is in. */
struct service service__of(const struct model *model, const struct process *process)
{
	struct service service = {.kind = SERVICE_NONE};
	const char *names[CGROUP_DEPTH_MAX];
	size_t count = cgroup__names(model, process->cgroup_id, names);
	bool contained = find_container(&service, names, count);

	if (find_pm2(model, &service, process) || contained || find_unit(&service, names, count))
		return service;
	find_tree(model, &service, process);
	return service;
}

bool service__same(const struct service *a, const struct service *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(a->id, b->id);
}

struct service model__service(const struct model *model, const struct process *process)
{
	if (!process)
		return (struct service){.kind = SERVICE_NONE};
	return service__of(model, process);
}
