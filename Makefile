# SPDX-License-Identifier: GPL-2.0-only
#
# Products go to build/; `make help` lists the targets. Nothing is asked of the machine while this
# file is read, so that `make test` and `make demo` can begin by installing what is missing.

VERSION  := 0.1.0
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
# systemd looks there for PREFIX=/usr/local and PREFIX=/usr.
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=
SANITIZE   ?=

# MACHINE=aarch64 (or arm64) on another machine cross-compiles everything into build/arm64/.
HOST     := $(shell uname -m)
MACHINE  ?= $(HOST)
override MACHINE := $(patsubst arm64,aarch64,$(MACHINE))
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))

B := build
CROSS :=
ifneq ($(MACHINE),$(HOST))
B := build/$(BPF_ARCH)
CROSS := $(MACHINE)-linux-gnu-
endif

ifeq ($(origin CC),default)
CC := $(CROSS)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS)ar
endif
CLANG   ?= clang
BPFTOOL ?= bpftool
PROTOC  ?= protoc-c

# Debian keeps bpftool where only root looks.
export PATH := $(PATH):/usr/sbin:/sbin

TRIPLET  := $(shell $(CC) -print-multiarch 2>/dev/null)

# -Wno-format-truncation: snprintf() cuts on purpose here, and the check guesses worse the more
# is instrumented.
CFLAGS  ?= -O2 -g
LDFLAGS ?=
ALL_CFLAGS = -std=gnu11 $(CFLAGS) -Wall -Wextra -Werror -Wno-format-truncation \
	     -D_GNU_SOURCE -DOOMTRAIL_VERSION='"$(VERSION)"' -I. -Iuser -I$(B)
LIBS := -lbpf -ldw -lelf -liberty -llzma -lz -ljansson -lprotobuf-c -linih -lcap -pthread
BPF_CFLAGS = -g -O2 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Werror \
	     -isystem vmlinux/$(BPF_ARCH) -isystem vmlinux -I. \
	     $(addprefix -I/usr/include/,$(TRIPLET))

# The sanitized variants: the same targets below another folder. The check for reading beyond a
# string's end takes strnlen(3) of a short literal for it where code is instrumented.
O := $(B)
ifeq ($(SANITIZE),thread)
O := $(B)/tsan
ALL_CFLAGS += -O1 -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(SANITIZE),fuzz)
O := $(B)/fuzz
override CC := $(CLANG)
ALL_CFLAGS += -O1 -gline-tables-only -fsanitize=fuzzer-no-link,address,undefined \
	      -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-unknown-warning-option \
	      -Wno-error # whichever clang there is
else ifneq ($(SANITIZE),)
O := $(B)/asan
ALL_CFLAGS += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifneq ($(SANITIZE),)
ALL_CFLAGS += -Wno-stringop-overread
endif

# Three levels are enough for every folder below user/ and tests/unit/.
find_sources = $(sort $(wildcard $(1)/*$(2) $(1)/*/*$(2) $(1)/*/*/*$(2)))

# bpftool's linker (7.1) misplaces a map or global whose first mention is an extern: files that
# define what others use come first.
BPF_FIRST    := emit filter note deputy rss cgroup task reclaim oom_stack sample move early come oom
BPF_SOURCES  := $(BPF_FIRST:%=bpf/%.bpf.c)
BPF_SOURCES  += $(filter-out $(BPF_SOURCES),$(wildcard bpf/*.bpf.c))
BPF_OBJECTS  := $(patsubst %.c,$(B)/%.o,$(BPF_SOURCES))
LIB_OBJECTS  := $(patsubst %.c,$(O)/%.o,$(filter-out user/main.c,$(call find_sources,user,.c)))
LIB_OBJECTS  += $(O)/profile.pb-c.o
MAIN_OBJECT  := $(O)/user/main.o
UNIT_TESTS   := $(patsubst %.c,$(O)/%,$(call find_sources,tests/unit,_test.c))
# The folders whose code runs in several threads; tests/run has the same two.
THREADED     := $(filter $(O)/tests/unit/source/% $(O)/tests/unit/flight/%,$(UNIT_TESTS))
# Much there is each machine's own.
MACHINE_TESTS := $(filter $(O)/tests/unit/unwind/% $(O)/tests/unit/stacks/%,$(UNIT_TESTS))
EVENT_TEXT   := $(addprefix $(O)/tests/replay/,event_fields.o event_text_read.o)
# What hostile files, programs and processes are read with.
FUZZERS      := $(patsubst tests/fuzz/%.c,$(O)/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZED       := $(filter $(patsubst %,$(O)/user/%/%,base elf recording model verdict report symbols \
		unwind maps),$(LIB_OBJECTS)) $(addprefix $(O)/,profile.pb-c.o \
		user/source/stack_inlet.o user/stacks/file_mappings.o tests/fuzz/judge.o \
		tests/fuzz/judge_records.o tests/fuzz/mend.o tests/fuzz/mend_records.o)
TRAIL_TEXT   := $(patsubst %.c,$(O)/%.o,$(wildcard tests/replay/*.c))
WORKLOADS    := $(patsubst tests/workloads/%.c,$(B)/workloads/%,$(wildcard tests/workloads/*.c))
POWER        := $(addprefix $(B)/power/,write_log.so publish start)
STYLED       := $(wildcard bpf/*.[ch] tests/fuzz/*.[ch] tests/replay/*.[ch] \
		tests/workloads/*.[ch] tests/bench/*.[ch] tests/power/*.[ch]) \
		$(call find_sources,user,.[ch]) $(call find_sources,tests/unit,.[ch])

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all unit threaded workloads guest products sanitized install uninstall clean demo test \
	check-style format bench bench-products fuzz fuzzers test-vm help FORCE

all: $(O)/oomtrail

unit: $(UNIT_TESTS)

threaded: $(THREADED)

workloads: $(WORKLOADS)

# What virtual machines run.
guest: all workloads $(POWER) $(if $(CROSS),$(MACHINE_TESTS))

# Everything that tests/run needs of one variant.
products: all unit workloads $(POWER)

sanitized:
	+@$(MAKE) --no-print-directory SANITIZE=1 all unit
	+@$(MAKE) --no-print-directory SANITIZE=thread all threaded
	+@! tools/install-deps --for fuzz --check 2>/dev/null || \
		$(MAKE) --no-print-directory SANITIZE=fuzz fuzzers

# Of SANITIZE=fuzz, as clang alone has libFuzzer.
fuzzers: $(FUZZERS) $(O)/trail-text

# --- what everything depends on ---------------------------------------------------------------

$(B)/tools: tools/install-deps
	@tools/install-deps --for $(if $(CROSS),$(BPF_ARCH),build) --check
	@mkdir -p $(@D) && touch $@

# A stamp changes when its text does; what was made with other flags or sources is made anew.
define stamp
	@mkdir -p $(@D)
	@printf '%s\n' $(1) | cmp -s - $@ || printf '%s\n' $(1) >$@
endef
quote = '$(subst ','\'',$(1))'

$(O)/flags: FORCE
	$(call stamp,$(call quote,$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(LIBS)))

$(O)/sources: FORCE
	$(call stamp,$(call quote,$(LIB_OBJECTS)))

$(B)/bpf/flags: FORCE
	$(call stamp,$(call quote,$(CLANG) $(BPF_CFLAGS) $(BPF_OBJECTS)))

# --- BPF ----------------------------------------------------------------------------------------

$(B)/bpf/%.bpf.o: bpf/%.bpf.c Makefile $(B)/bpf/flags | $(B)/tools
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/oomtrail.bpf.o: $(BPF_OBJECTS) $(B)/bpf/flags
	$(BPFTOOL) gen object $@.new $(BPF_OBJECTS)
	@mv $@.new $@

$(B)/oomtrail.skel.h: $(B)/oomtrail.bpf.o
	$(BPFTOOL) gen skeleton $< name oomtrail_bpf >$@.new
	@mv $@.new $@

# --- user space ---------------------------------------------------------------------------------

$(O)/%.o: %.c Makefile $(O)/flags | $(B)/tools
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/profile.pb-c.c: user/report/profile.proto | $(B)/tools
	@mkdir -p $(@D)
	$(PROTOC) --proto_path=$(<D) --c_out=$(@D) $(<F)

$(B)/profile.pb-c.h: $(B)/profile.pb-c.c

$(O)/profile.pb-c.o: $(B)/profile.pb-c.c Makefile $(O)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Until a dependency file says which of them includes the skeleton, or the profile's messages.
$(O)/user/report/pprof.o $(O)/user/report/pprof_tables.o $(O)/tests/unit/report/folded_test.o \
	$(O)/tests/fuzz/judge.o: | $(B)/profile.pb-c.h
$(filter $(O)/user/probe/%,$(LIB_OBJECTS)): | $(B)/oomtrail.skel.h

$(O)/liboomtrail.a: $(LIB_OBJECTS) $(O)/sources
	@rm -f $@
	$(AR) rcsT $@ $(LIB_OBJECTS)

$(O)/oomtrail: $(MAIN_OBJECT) $(O)/liboomtrail.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# --- tests --------------------------------------------------------------------------------------

$(O)/tests/unit/%_test: $(O)/tests/unit/%_test.o $(O)/liboomtrail.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(filter %.o,$^) $(O)/liboomtrail.a -lcmocka $(LIBS) -o $@

# They read the recordings of tests/replay.
$(O)/tests/unit/model/state_test $(O)/tests/unit/model/growth_state_test: $(EVENT_TEXT)

$(O)/libfuzzed.a: $(FUZZED) $(O)/sources
	@rm -f $@
	$(AR) rcsT $@ $(FUZZED)

$(O)/%_fuzz: $(O)/tests/fuzz/%_fuzz.o $(O)/libfuzzed.a
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $^ $(LIBS) -o $@

# Recordings from text.
$(O)/trail-text: $(TRAIL_TEXT) $(O)/libfuzzed.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# Only frame information leads to callers: compilers for arm64 keep frame pointers unless told not to.
# There return addresses are signed, too, as many distributions have them.
WORKLOAD_CFLAGS := -O2 -g -fomit-frame-pointer \
		   $(if $(filter aarch64,$(MACHINE)),-mbranch-protection=pac-ret)

$(B)/workloads/%: tests/workloads/%.c Makefile | $(B)/tools
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WORKLOAD_CFLAGS) -Wall -Wextra -Werror -D_GNU_SOURCE -I. -MMD -MP -pthread $< -o $@

# They take stacks as the unit tests do. (Not in LIBS: what it depends on would inherit that.)
$(B)/bench/unwind $(B)/bench/stacks: BENCH_LIBS := -lcmocka

$(B)/bench/%: tests/bench/%.c $(B)/liboomtrail.a Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $< $(B)/liboomtrail.a $(BENCH_LIBS) $(LIBS) -o $@

# Other ways to see memory grow than the recorder's.
$(B)/bench/hooks.bpf.o: tests/bench/hooks.bpf.c Makefile $(B)/bpf/flags | $(B)/tools
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/bench/hooks.skel.h: $(B)/bench/hooks.bpf.o
	$(BPFTOOL) gen skeleton $< name hooks_bpf >$@.new
	@mv $@.new $@

$(B)/bench/hooks: $(B)/bench/hooks.skel.h

$(B)/power/write_log.so: tests/power/write_log.c tests/power/write_log_calls.c Makefile \
			  $(wildcard tests/power/*.h) | $(B)/tools
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -shared -fPIC $(filter %.c,$^) -pthread -o $@

$(B)/power/%: tests/power/%.c $(B)/liboomtrail.a Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $< $(B)/liboomtrail.a $(LIBS) -o $@

test:
	@tools/install-deps --for all
	+@$(MAKE) --no-print-directory products
	+@$(MAKE) --no-print-directory sanitized
	@tests/run

# KERNEL="6.1 newest": those and no others, and no more is installed than they need.
test-vm:
	@tools/install-deps --for vm
	+@$(MAKE) --no-print-directory guest
ifneq ($(if $(KERNEL),$(filter %-arm64,$(KERNEL)),arm64),)
	@tools/install-deps --for vm-arm64
	+@$(MAKE) --no-print-directory MACHINE=aarch64 guest
endif
	@tests/vm/run

check-style:
	@tools/check-style

format:
	clang-format -i $(STYLED)

# What cannot be had to compare with is said there.
bench:
	@tools/install-deps --for test
	@tools/install-deps --for bench || echo "make bench: going on without"
	+@$(MAKE) --no-print-directory bench-products
	@tests/bench/run

bench-products: products $(addprefix $(B)/bench/,empty faults hooks stacks synthesise timed unwind)

fuzz:
	@tools/install-deps --for fuzz
	+@$(MAKE) --no-print-directory SANITIZE=fuzz fuzzers
	@tests/fuzz/run

# --- use ----------------------------------------------------------------------------------------

demo:
	@tools/install-deps --for build
	@echo "building oomtrail"
	+@$(MAKE) --silent --no-print-directory all
	@$(B)/oomtrail demo

BINARY := $(DESTDIR)$(PREFIX)/bin/oomtrail
UNIT   := $(DESTDIR)$(UNITDIR)/oomtrail.service
CONFIG := $(DESTDIR)$(SYSCONFDIR)/oomtrail.conf

# A configuration that is there is somebody's.
install: all
	install -D -m 0755 $(B)/oomtrail '$(BINARY)'
	install -D -m 0644 tools/oomtrail.service '$(UNIT)'
	sed -i 's|@BINDIR@|$(PREFIX)/bin|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' '$(UNIT)'
	test -e '$(CONFIG)' || install -D -m 0644 tools/oomtrail.conf '$(CONFIG)'

# What was recorded stays, and a configuration that was changed.
uninstall:
	rm -f '$(BINARY)' '$(UNIT)'
	if cmp -s tools/oomtrail.conf '$(CONFIG)'; then rm '$(CONFIG)'; fi

clean:
	rm -rf build

help:
	@printf '%s\n' \
		'make              build/oomtrail' \
		'make install      program, systemd unit, configuration: PREFIX ($(PREFIX)),' \
		'                  UNITDIR, SYSCONFDIR, DESTDIR; make uninstall takes them away' \
		'make demo         a real OOM kill in a throwaway cgroup, and its report (root)' \
		'make test         everything: style, unit, replay, fuzz, e2e on this kernel (root)' \
		'make test-vm      e2e on other kernels, under QEMU; KERNEL="6.1 newest"' \
		'make check-style  formatting, include directions, SPDX lines' \
		'make format       clang-format on every C file' \
		'make bench        what the recorder costs, beside other tools and hooks (root); ONLY="8 10"' \
		'make fuzz         hostile recordings, programs and processes against what reads them' \
		'make clean        removes build/' \
		'MACHINE=aarch64   cross-compiled, below build/arm64 (tools/install-deps --for arm64)' \
		'SANITIZE=1        the same below build/asan, with address and undefined sanitizers' \
		'SANITIZE=thread   the same below build/tsan, with the thread sanitizer' \
		'Missing packages: tools/install-deps --help'

-include $(BPF_OBJECTS:.o=.d) $(B)/bench/hooks.bpf.d $(LIB_OBJECTS:.o=.d) $(MAIN_OBJECT:.o=.d) \
	$(UNIT_TESTS:=.d) $(TRAIL_TEXT:.o=.d) $(FUZZED:.o=.d) \
	$(FUZZERS:$(O)/%=$(O)/tests/fuzz/%.d) $(WORKLOADS:=.d)
