/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/lines_child.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/close_others.h"
#include "symbols/confine.h"
#include "symbols/lines.h"

#define NS_PER_US  1000ULL
#define TICK_US    10000ULL
#define SCOPES_MAX 32 /* in one another */

struct look_up {
	int out_fd;
	const uint64_t *vaddrs;
	size_t count;
	size_t missing;
	bool found[LINES_MAX_ADDRESSES];
	Dwarf *dwarf;
};

static int answers_fd; /* for who has no context */

static void put(int fd, const struct answer *answer, const char *file)
{
	char told[sizeof(*answer) + LINE_FILE_MAX_BYTES];
	size_t bytes = sizeof(*answer) + answer->file_bytes;

	memcpy(told, answer, sizeof(*answer));
	if (answer->file_bytes)
		memcpy(told + sizeof(*answer), file, answer->file_bytes);
	if (send(fd, told, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		_exit(1);
}

static void __attribute__((noreturn)) end(int fd, int error)
{
	const struct answer answer = {.index = ANSWER_END, .line = (uint32_t)error};

	put(fd, &answer, NULL);
	_exit(0);
}

static void __attribute__((noreturn)) out_of_memory(void)
{
	end(answers_fd, ENOMEM);
}

static bool has_lines(Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;
	bool lines = false, units = false;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		lines |= name && (!strcmp(name, ".debug_line") || !strcmp(name, ".zdebug_line"));
		units |= name && (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info"));
	}
	return lines && units;
}

/* An object that knows nothing, in place of the one that the file names beside itself
 * (.gnu_debugaltlink), which libdw would open wherever that is. */
static Dwarf *nothing(void)
{
	static struct {
		Elf64_Ehdr elf;
		Elf64_Shdr sections[3];
		char names[32];
	} image = {
		.elf = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    EV_CURRENT},
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_shoff = offsetof(__typeof__(image), sections),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 3,
			.e_shstrndx = 2},
		.sections = {{0},
			     {.sh_name = 1,
			      .sh_type = SHT_PROGBITS,
			      .sh_offset = offsetof(__typeof__(image), names),
			      .sh_size = 1,
			      .sh_addralign = 1},
			     {.sh_name = 14,
			      .sh_type = SHT_STRTAB,
			      .sh_offset = offsetof(__typeof__(image), names),
			      .sh_size = 32,
			      .sh_addralign = 1}},
		.names = "\0.debug_frame\0.shstrtab",
	};
	Elf *elf = elf_memory((char *)&image, sizeof(image));

	return elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;
}

struct place {
	const char *file; /* NULL: not known */
	int line;
};

static struct place line_of(Dwarf_Die *unit, uint64_t vaddr)
{
	Dwarf_Line *found = dwarf_getsrc_die(unit, vaddr);
	struct place place = {.file = found ? dwarf_linesrc(found, NULL, NULL) : NULL};

	if (!found || dwarf_lineno(found, &place.line) || place.line < 0)
		place.file = NULL;
	return place;
}

static struct place caller_of(Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) ||
	    dwarf_getsrcfiles(unit, &files, &count) || file >= count || line == 0 || line > INT_MAX)
		return (struct place){0};
	return (struct place){.file = dwarf_filesrc(files, file, NULL, NULL), .line = (int)line};
}

/* Of the children that scopes are made of, and that are there at the address, the first of one of
 * two kinds. libdw's own search (dwarf_getscopes()) looks into nothing that has no addresses
 * itself, as namespaces and types, in which Rust's functions are. */
static bool find_within(Dwarf_Die *die, uint64_t vaddr, int wanted, unsigned int depth,
			Dwarf_Die *out)
{
	Dwarf_Die child;

	if (depth == SCOPES_MAX || dwarf_child(die, &child))
		return false;
	do {
		const int tag = dwarf_tag(&child);

		switch (tag) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
			if (tag != wanted || dwarf_haspc(&child, vaddr) <= 0)
				break;
			*out = child;
			return true;
		case DW_TAG_lexical_block:
			if (dwarf_haspc(&child, vaddr) <= 0)
				break;
			/* fallthrough */
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
			if (find_within(&child, vaddr, wanted, depth + 1, out))
				return true;
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* The line is to be one of the function that the symbol names: where something inlined is at the
 * address, that which calls the outermost of it. */
static struct place place_of(Dwarf_Die *unit, uint64_t vaddr)
{
	struct place place = line_of(unit, vaddr), caller = {0};
	Dwarf_Die function, inlined;

	if (place.file && find_within(unit, vaddr, DW_TAG_subprogram, 0, &function) &&
	    find_within(&function, vaddr, DW_TAG_inlined_subroutine, 0, &inlined))
		caller = caller_of(unit, &inlined);
	return caller.file ? caller : place;
}

static void look_up__try(struct look_up *look_up, size_t index, Dwarf_Die *unit)
{
	const struct place place = place_of(unit, look_up->vaddrs[index]);
	struct answer answer = {.index = (uint32_t)index};

	if (!place.file)
		return;
	answer.file_bytes = (uint32_t)strnlen(place.file, LINE_FILE_MAX_BYTES);
	if (answer.file_bytes == 0 || answer.file_bytes == LINE_FILE_MAX_BYTES)
		return;
	answer.line = (uint32_t)place.line;
	put(look_up->out_fd, &answer, place.file);
	look_up->found[index] = true;
	look_up->missing--;
}

/* By .debug_aranges, which not every compiler writes. */
static void look_up__by_index(struct look_up *look_up)
{
	for (size_t i = 0; i < look_up->count; i++) {
		Dwarf_Die unit;

		if (dwarf_addrdie(look_up->dwarf, look_up->vaddrs[i], &unit))
			look_up__try(look_up, i, &unit);
	}
}

static void look_up__in_unit(struct look_up *look_up, Dwarf_Die *unit)
{
	Dwarf_Addr base, from, to;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(unit, at, &base, &from, &to)) > 0) {
		for (size_t i = 0; i < look_up->count; i++) {
			uint64_t vaddr = look_up->vaddrs[i];

			if (!look_up->found[i] && vaddr >= from && vaddr < to)
				look_up__try(look_up, i, unit);
		}
	}
}

/* 0, or an errno. */
static int look_up__in_every_unit(struct look_up *look_up)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	int more = 0;

	errno = 0;
	while (look_up->missing > 0 &&
	       (more = dwarf_get_units(look_up->dwarf, unit, &unit, NULL, NULL, &die, NULL)) == 0)
		look_up__in_unit(look_up, &die);
	if (more >= 0)
		return 0;
	return errno == ENOMEM ? ENOMEM : EBADMSG;
}

static uint64_t ticks_left;

/* Has the parent closed its end, or is the time over? Async-signal-safe. */
static void look_whether_wanted(int signal)
{
	struct pollfd fd = {.fd = answers_fd};
	const struct timespec now = {0};
	const int error = errno;

	(void)signal;
	if (!ticks_left-- || ppoll(&fd, 1, &now, NULL) > 0)
		_exit(1);
	errno = error;
}

/* The parent may be one that is allowed to signal nobody: so this process looks by itself. */
static void end_when_not_wanted(uint64_t budget_ns)
{
	const struct itimerval tick = {.it_value = {.tv_usec = TICK_US},
				       .it_interval = {.tv_usec = TICK_US}};
	struct sigaction action = {.sa_handler = look_whether_wanted, .sa_flags = SA_RESTART};
	sigset_t set;

	ticks_left = budget_ns / NS_PER_US / TICK_US;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) || sigprocmask(SIG_UNBLOCK, &set, NULL) ||
	    setitimer(ITIMER_REAL, &tick, NULL))
		_exit(1);
}

void lines_child__run(int out_fd, int fd, const uint64_t *vaddrs, size_t count, pid_t parent,
		      uint64_t budget_ns)
{
	const int kept[] = {out_fd, fd, STDERR_FILENO};
	static struct look_up look_up;
	Dwarf *none;
	Elf *elf;

	answers_fd = out_fd;
	look_up.out_fd = out_fd;
	look_up.vaddrs = vaddrs;
	look_up.count = look_up.missing = count;
	/* Whatever else the parent has open, confine() would let it be read and written. */
	close_others(kept, sizeof(kept) / sizeof(*kept));
	end_when_not_wanted(budget_ns);
	confine(parent, LINES_MEMORY_BYTES);
	elf_version(EV_CURRENT);
	/* With pread(2): a mapping of a file that is cut meanwhile is a SIGBUS. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		end(out_fd, EBADMSG);
	if (!has_lines(elf))
		end(out_fd, ENODATA);
	errno = 0;
	look_up.dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!look_up.dwarf)
		end(out_fd, errno == ENOMEM ? ENOMEM : EBADMSG);
	dwarf_new_oom_handler(look_up.dwarf, out_of_memory);
	none = nothing();
	if (!none)
		end(out_fd, ENOMEM);
	dwarf_setalt(look_up.dwarf, none);
	look_up__by_index(&look_up);
	end(out_fd, look_up__in_every_unit(&look_up));
}
