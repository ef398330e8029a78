/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Empty BPF programs on the tracepoints we use, to measure ours against: the kernel's own
 * measuring (bpf_stats) costs as much in them as in ours. Prints a line when they are attached,
 * and their figures when stdin is closed: NAME run_cnt run_time_ns.
 *
 *     empty TRACEPOINT...
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROGRAMS 32

static int attach(const struct btf *btf, const char *tracepoint, int *program)
{
	const struct bpf_insn instructions[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP);
	char type[128];
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	if (id < 0)
		return id;
	options.attach_btf_id = id;
	*program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", instructions, 2, &options);
	if (*program < 0)
		return *program;
	return bpf_raw_tracepoint_open(NULL, *program) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int programs[MAX_PROGRAMS] = {0};
	char byte;

	if (!btf || argc < 2 || argc > MAX_PROGRAMS)
		return 2;
	for (int i = 1; i < argc; i++) {
		int error = attach(btf, argv[i], &programs[i]);

		if (error) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-error));
			return 1;
		}
	}
	printf("attached\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (int i = 1; i < argc; i++) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(programs[i], &info, &size))
			return 1;
		printf("%s %llu %llu\n", argv[i], (unsigned long long)info.run_cnt,
		       (unsigned long long)info.run_time_ns);
	}
	return 0;
}
