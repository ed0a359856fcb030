# rtf: change a function of a running program.
#
#   make deps                 install what building needs and this machine lacks (apt-get, as root or with sudo)
#   make                      build/rtf-console, rtf-engine, librtf.so, librtf.a
#   make demo | check         install what is missing, build, and show or test it
#   make bench | fuzz         what it costs; what it survives
#   make bench-check          has it become more than tests/bench/limits.json allows? check-long: random tests, more often
#   make lint | format        clang-tidy; clang-format
#   make install PREFIX=… DESTDIR=… | clean
#
#   CC=clang    SAN=address,undefined or SAN=thread: builds in folders of their own
#   DEV=1 -Werror    T=slice only tests with "slice" in their name    V=1 shows commands

VERSION := 0.1
PREFIX ?= /usr/local
comma := ,
SAN ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
B := build$(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

LLVM_HEADER := /include/clang-c/Index.h
LLVM := $(patsubst %$(LLVM_HEADER),%,$(firstword \
	$(wildcard $(addsuffix $(LLVM_HEADER),/usr/lib/llvm-14 /usr/lib/llvm-1[5-9] /usr/lib/llvm-*))))
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith $(if $(DEV),-Werror)
CFLAGS ?= -O2 -g
COMMON := -std=gnu11 -fvisibility=hidden $(WARN) -MMD -MP
# The guest has headers of its own and those of what crosses the border, and no others. -iquote, because <link.h> is the C
# library's and "link.h" is ours.
GUEST := -D_GNU_SOURCE -DRTF_VERSION='"$(VERSION)"' -Icore -iquote core/wire
# The rooms: each takes from those before it alone, and those of core/ know nothing of repl/. The console's stand by themselves.
ROOMS := $(addprefix core/engine/,base link target index libclang libtcc slice value check program compile live \
	instrument watch) \
	$(addprefix repl/,host expression command)
ENGINE := $(GUEST) -I$(B) $(addprefix -iquote,$(ROOMS) store repl repl/console) -I$(LLVM)/include
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
# The engine loads libclang itself, when it has had its first look at the sources.
LIBCLANG = $(shell readelf -d $(LLVM)/lib/libclang.so 2>/dev/null | sed -n 's/.*soname: \[\(.*\)\].*/\1/p')
ENGINE_LIBS := -ltcc -lsqlite3 -ldw -lelf -ljansson -lpthread -ldl -lm -Wl,-rpath,$(LLVM)/lib
CONSOLE_LIBS := -lreadline -ljansson

AGENT_OBJ := $(patsubst %.c,$(B)/guest/%.o,$(wildcard core/agent/*.c) core/wire/message.c)
ENGINE_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard $(addsuffix /*.c,$(ROOMS) core/wire store)) repl/session.c)
CONSOLE_ONLY_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard repl/console/*.c))
CONSOLE_OBJ := $(CONSOLE_ONLY_OBJ) $(B)/core/engine/index/token.o $(B)/core/wire/error.o

all: $(B)/rtf-console $(B)/rtf-engine $(B)/librtf.so $(B)/librtf.a

# What objects were made with, in files that are written only when it has changed: what depends on them is then made anew.
$(B)/flags: export KEPT = $(CC) $(ENGINE) $(CPPFLAGS) $(COMMON) $(CFLAGS) $(SANITIZE) $(LDFLAGS)
$(B)/prefix: export KEPT = $(abspath $(PREFIX))
$(B)/flags $(B)/prefix: force
	$(if $(LLVM),,$(error libclang's headers are not here: 'make deps' installs what building needs))
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' "$$KEPT" | cmp -s - $@ || printf '%s\n' "$$KEPT" >$@

# The guest is built as its hosts are: without sanitizers, whose runtimes a plain program does not have. One of its
# objects knows where the engine will be.
$(B)/guest/core/agent/spawn.o: PLACE = -DRTF_LIBEXECDIR='"$(abspath $(PREFIX))/libexec/rtf"'
$(B)/guest/core/agent/spawn.o: $(B)/prefix
$(B)/guest/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST) $(PLACE) $(CPPFLAGS) $(COMMON) $(CFLAGS) -fPIC -c $< -o $@

$(B)/tests/unit/rooms_test.o: PLACE = -DROOMS='"$(ROOMS)"'
$(addprefix $(B)/core/engine/libclang/libclang,.o .lint): PLACE = -DLIBCLANG_NAME='"$(LIBCLANG)"'
$(B)/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ENGINE) $(PLACE) $(CPPFLAGS) $(COMMON) $(CFLAGS) $(SANITIZE) -c $< -o $@

# A program's start pays for each page that it is the first to touch: headers, code and constants in one mapping, and variables
# by the names of their sections, so that the large ones (.bss.large), which few programs come to need, are behind all others.
FEW_PAGES := -Wl,-z,noseparate-code -Wl,--sort-section=name
$(B)/librtf.so: $(AGENT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -Wl,-soname,librtf.so -Wl,-z,defs -Wl,-z,nodelete $(FEW_PAGES) $(LDFLAGS) $^ -o $@ -lpthread

# In a static program there is no other dlopen, close or exit to go on to. What the library's files call each other by is
# made local, for the program may have such names too; gdb's list is one for all that have it.
$(B)/librtf.a: $(filter-out %/plugin.o %/closing.o %/leave.o,$(AGENT_OBJ))
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib $^ -o $(@:.a=.o) && \
		objcopy -w -G 'rtf_*' -G '__jit_debug_*' $(@:.a=.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $(@:.a=.o) && rm -f $(@:.a=.o)

$(B)/libengine.a: $(ENGINE_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/rtf-engine: $(B)/repl/engine.o $(B)/libengine.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ $(ENGINE_LIBS)

$(B)/rtf-console: $(B)/repl/console.o $(CONSOLE_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ $(CONSOLE_LIBS)

$(B)/store/database.o: $(B)/schema.inc $(B)/schema_2.inc $(B)/schema_3.inc $(B)/schema_4.inc $(B)/schema_5.inc
$(B)/%.inc: store/%.sql
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $< > $@

# --- what a fresh machine lacks ----------------------------------------------------------------------------------

BUILD_PACKAGES := gcc libc6-dev libclang-14-dev libtcc-dev libreadline-dev libsqlite3-dev libdw-dev libelf-dev \
	libjansson-dev
DEMO_PACKAGES := libmicrohttpd-dev curl procps
CHECK_PACKAGES := g++ clang lld libcmocka-dev git tmux vim-tiny nano gdb libpcl1-dev libuv1-dev libevent-dev \
	$(if $(shell command -v npm),,npm) redis-server sqlite3 man-db binutils dwz valgrind pkg-config \
	cmake meson ninja-build bear make
BENCH_PACKAGES := valgrind wrk
FUZZ_PACKAGES := clang libclang-rt-14-dev
FORMAT_PACKAGES := clang-format
LINT_PACKAGES := clang-tidy

deps: ; $(Q)./tests/deps.sh $(BUILD_PACKAGES)
deps-demo: ; $(Q)./tests/deps.sh $(BUILD_PACKAGES) $(DEMO_PACKAGES)
deps-check: ; $(Q)./tests/deps.sh $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(CHECK_PACKAGES)
deps-bench: ; $(Q)./tests/deps.sh $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(CHECK_PACKAGES) $(BENCH_PACKAGES)
deps-fuzz: ; $(Q)./tests/deps.sh $(FUZZ_PACKAGES)
deps-format: ; $(Q)./tests/deps.sh $(FORMAT_PACKAGES)
deps-lint: ; $(Q)./tests/deps.sh $(BUILD_PACKAGES) $(LINT_PACKAGES)

# Each of these is a make of its own, because what this one found of compilers may have come just now.
demo: deps-demo
	$(Q)$(MAKE) --no-print-directory all $(B)/tests/demo/orders
	$(Q)RTF_BUILD=$(B) bash tests/demo/demo.sh $(SOCKET)

check: deps-check
	$(Q)$(MAKE) --no-print-directory check-run
	$(if $(T)$(SAN)$(filter-out build,$(B)),,$(Q)$(MAKE) --no-print-directory bench-check)

# Hours' worth of chances in minutes: what is random in the tests, more often; and every combination of the matrix.
check-long: deps-check
	$(Q)RTF_KILLS=3000 $(MAKE) --no-print-directory check-run T=system/kill
	$(Q)RTF_SECONDS=60 $(MAKE) --no-print-directory check-run T=system/crowd
	$(Q)RTF_MATRIX=all $(MAKE) --no-print-directory check-run T=system/matrix
	$(Q)RTF_TREE=2000 $(MAKE) --no-print-directory check-run T=system/tree

bench: deps-bench
	$(Q)$(MAKE) --no-print-directory bench-run

# --- tests ---------------------------------------------------------------------------------------------------------

TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*_test.c tests/system/*_test.c tests/real/*_test.c))
ifeq ($(SAN),thread) # cannot be below a malloc of a program's own, which memory_test has; that has one thread
TESTS := $(filter-out %/memory_test,$(TESTS))
endif
CHOSEN := $(if $(T),$(foreach t,$(TESTS),$(if $(findstring $(T),$(t)),$(t))),$(TESTS))
REAL_OBJ := $(B)/tests/real/child.o $(B)/tests/real/subject.o
SYSTEM_OBJ := $(B)/tests/system/compiled.o $(B)/tests/system/followed.o

# Tests of the guest's modules, which are in no library of the engine's.
$(B)/tests/unit/fault_test: $(addprefix $(B)/guest/core/agent/,guard.o park.o signals.o)
$(B)/tests/unit/guard_test $(B)/tests/unit/park_test: $(addprefix $(B)/guest/core/agent/,arena.o descriptor.o fault.o guard.o park.o signals.o)
$(B)/tests/unit/arena_test: $(addprefix $(B)/guest/core/agent/,arena.o descriptor.o)
$(B)/tests/unit/storage_test: $(addprefix $(B)/guest/core/agent/,signals.o storage.o)

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(CONSOLE_ONLY_OBJ) $(B)/libengine.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ -lcmocka $(ENGINE_LIBS) $(CONSOLE_LIBS) -lutil

$(B)/tests/system/%: $(B)/tests/system/%.o $(SYSTEM_OBJ) $(REAL_OBJ) $(B)/libengine.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ -lcmocka $(ENGINE_LIBS) -lutil

$(B)/tests/real/%: $(B)/tests/real/%.o $(REAL_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ -lcmocka -ljansson

# Programs to be changed are built as their users would: no flags and no sanitizers of ours.
HOST = $(CC) -std=gnu11 -g $(WARN) -Icore
HOST_LIBS := -L$(B) -lrtf -lpthread -Wl,-rpath,'$$ORIGIN/../..'

$(B)/tests/demo/orders: tests/demo/orders.c tests/demo/orders.h core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) $< -o $@ $(HOST_LIBS) -lmicrohttpd

$(B)/tests/bench/calls $(B)/tests/bench/starts: $(B)/tests/bench/%: tests/bench/%.c core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) -O2 $< -o $@ $(HOST_LIBS)

$(B)/tests/bench/starts_plain: tests/bench/starts.c core/rtf.h
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) -O2 -DRTF_DISABLE $< -o $@

# The real programs, with one flag more and no change.
R := $(B)/real
PATCHABLE = $(CC) -O0 -g -w -fpatchable-function-entry=16
HIREDIS_OBJ := $(addprefix $(R)/hiredis-,hiredis.o net.o read.o sds.o)
REAL_HOSTS := $(B)/tests/real/sqlite_host $(B)/tests/real/hiredis_host
IDENTITY_HOSTS := $(addprefix $(B)/tests/real/identity_,sqlite-O0 sqlite-O2 hiredis tree)

$(R)/.fetched: tests/real/fetch.sh tests/real/contents.sha256
	$(Q)tests/real/fetch.sh $(R) && touch $@

$(R)/sqlite3.o: $(R)/.fetched
	$(call say,CC,$(R)/sqlite3/sqlite3.c)
	$(Q)$(PATCHABLE) -c $(R)/sqlite3/sqlite3.c -o $@

$(HIREDIS_OBJ): $(R)/hiredis-%.o: $(R)/.fetched
	$(call say,CC,$(R)/hiredis/$*.c)
	$(Q)$(PATCHABLE) -c $(R)/hiredis/$*.c -o $@

$(B)/tests/real/sqlite_host: tests/real/sqlite_host.c $(R)/sqlite3.o core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) -I$(R)/sqlite3 $< $(R)/sqlite3.o -o $@ $(HOST_LIBS) -lm -ldl

$(B)/tests/real/hiredis_host: tests/real/hiredis_host.c $(HIREDIS_OBJ) core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) -I$(R)/hiredis $< $(HIREDIS_OBJ) -o $@ $(HOST_LIBS)

# Those of which every function is redefined. The optimised one is gcc's: clang gives statics conventions of their own.
SQLITE_FEATURES := $(addprefix -DSQLITE_ENABLE_,FTS5 RTREE MATH_FUNCTIONS)
IDENTITY_HIREDIS := $(addprefix $(R)/identity-hiredis-,hiredis.o net.o read.o sds.o async.o test.o)
IDENTITY_TREE := $(R)/identity-runtime.o $(R)/identity-grammar.o

$(R)/identity-sqlite-O0.o: $(R)/.fetched
	$(call say,CC,$@)
	$(Q)$(PATCHABLE) $(SQLITE_FEATURES) -c $(R)/sqlite3/sqlite3.c -o $@

$(R)/identity-sqlite-O2.o: $(R)/.fetched
	$(call say,CC,$@)
	$(Q)$(subst $(CC) -O0,gcc -O2,$(PATCHABLE)) $(SQLITE_FEATURES) -c $(R)/sqlite3/sqlite3.c -o $@

$(IDENTITY_HIREDIS): $(R)/identity-hiredis-%.o: $(R)/.fetched
	$(Q)$(PATCHABLE) -std=c99 -c $(R)/hiredis/$*.c -o $@

$(R)/identity-runtime.o: $(R)/.fetched
	$(Q)$(PATCHABLE) -I$(R)/tree-sitter/include -I$(R)/tree-sitter/src -c $(R)/tree-sitter/src/lib.c -o $@

$(R)/identity-grammar.o: $(R)/.fetched
	$(Q)$(PATCHABLE) -I$(R)/tree-sitter-c -c $(R)/tree-sitter-c/parser.c -o $@

$(B)/tests/real/identity_sqlite-%: tests/real/identity_sqlite.c $(R)/identity-sqlite-%.o core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) -I$(R)/sqlite3 $< $(R)/identity-sqlite-$*.o -o $@ $(HOST_LIBS) -lm -ldl

$(B)/tests/real/identity_hiredis: tests/real/identity_wait.c $(IDENTITY_HIREDIS) core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) $< $(IDENTITY_HIREDIS) -o $@ $(HOST_LIBS)

$(B)/tests/real/identity_tree: tests/real/identity_tree.c $(IDENTITY_TREE) core/rtf.h $(B)/librtf.so
	$(call say,HOST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST) -I$(R)/tree-sitter/include $< $(IDENTITY_TREE) -o $@ $(HOST_LIBS)

check-run: all $(CHOSEN) $(if $(findstring tests/real,$(CHOSEN)),$(REAL_HOSTS)) \
		$(if $(findstring tests/real/identity,$(CHOSEN)),$(IDENTITY_HOSTS)) \
		$(if $(filter %/service_test %/demo_test,$(CHOSEN)),$(B)/tests/demo/orders)
	$(Q)tests/run.sh $(B) "$(CC)" "$(SAN)" $(CHOSEN)

BENCH_HOSTS := $(addprefix $(B)/tests/bench/,calls starts starts_plain reads)
BENCH_OBJ := $(patsubst %,$(B)/tests/bench/%.o,bench workshop samples report host edits entry start growth history \
	service work)

bench-run: all $(B)/tests/bench/bench $(BENCH_HOSTS) $(B)/tests/demo/orders $(B)/tests/real/sqlite_host
	$(Q)RTF_BUILD=$(B) RTF_REAL=$(R) $(B)/tests/bench/bench $(BENCH)

# What does not depend on how busy the machine is: instructions, bytes, large ratios. Of gcc's plain build.
bench-check:
	$(Q)$(MAKE) --no-print-directory bench-run BENCH="--quick --limits tests/bench/limits.json edits calls start work growth"

$(B)/tests/bench/bench: $(BENCH_OBJ) $(B)/tests/real/child.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ -ltcc -ljansson -ldl -lm

$(B)/tests/bench/reads: $(B)/tests/bench/reads.o $(B)/libengine.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $(SANITIZE) $^ -o $@ $(ENGINE_LIBS)

# Texts that no person would write, for FUZZ_SECONDS; what was found is kept in the corpus folder. What reads them is built for
# that, what else it needs is the engine's.
FUZZ_SECONDS ?= 60
FUZZ_SRC := tests/fuzz/text_fuzz.c $(patsubst %,core/engine/index/%.c,token declaration edit) core/engine/base/text.c

build/fuzz/text_fuzz: $(FUZZ_SRC) $(B)/libengine.a
	$(call say,FUZZ,$@)
	$(Q)mkdir -p build/fuzz/corpus
	$(Q)clang $(ENGINE) $(CPPFLAGS) -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined $^ -o $@

fuzz: deps-fuzz
	$(Q)$(MAKE) --no-print-directory fuzz-run

fuzz-run: build/fuzz/text_fuzz
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=2048 build/fuzz/corpus

# --- the rest ------------------------------------------------------------------------------------------------------

FORMATTED := $(shell git ls-files '*.c' '*.h' 2>/dev/null)

format: deps-format
	clang-format -i $(FORMATTED)

lint: deps-lint
	$(Q)$(MAKE) --no-print-directory -k -j$$(nproc) lint-run

# Not what the analyzer makes of pointers and outputs: it takes one for unset or NULL that is set wherever no error is returned.
LINT_CHECKS := --warnings-as-errors='*' --checks='-*,clang-diagnostic-*,clang-analyzer-deadcode.*,clang-analyzer-unix.*,$\
	-clang-analyzer-unix.Malloc,bugprone-sizeof-container,bugprone-suspicious-*,-bugprone-suspicious-include,$\
	-bugprone-suspicious-string-compare,bugprone-misplaced-pointer-arithmetic-in-alloc,bugprone-infinite-loop,$\
	bugprone-terminating-continue,bugprone-string-*,misc-redundant-expression'
LINTED := $(filter-out tests/%,$(filter %.c,$(FORMATTED)))

lint-run: $(LINTED:%.c=$(B)/%.lint)
# It counts on its standard error what it has found in headers of the system.
$(B)/%.lint: %.c all
	$(call say,LINT,$<)
	$(Q)clang-tidy --quiet $(LINT_CHECKS) $< -- $(ENGINE) $(PLACE) $(CPPFLAGS) $(WARN) -std=gnu11 2>/dev/null

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/rtf $(DESTDIR)$(PREFIX)/lib/pkgconfig \
		$(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man3 \
		$(DESTDIR)$(PREFIX)/share/man/man7
	install $(B)/rtf-console $(DESTDIR)$(PREFIX)/bin
	install $(B)/rtf-engine $(DESTDIR)$(PREFIX)/libexec/rtf
	install -m 644 $(B)/librtf.so $(B)/librtf.a $(DESTDIR)$(PREFIX)/lib
	install -m 644 core/rtf.h $(DESTDIR)$(PREFIX)/include
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.3 $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 man/*.7 $(DESTDIR)$(PREFIX)/share/man/man7
	printf '%s\n' 'prefix=$${pcfiledir}/../..' 'Name: rtf' 'Description: change a function of a running program' \
		'Version: $(VERSION)' 'Cflags: -I$${prefix}/include' \
		'Libs: -L$${prefix}/lib -Wl,-rpath,$${prefix}/lib -lrtf -lpthread' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/rtf.pc

clean:
	rm -rf build build-*

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all deps deps-demo deps-check deps-bench deps-fuzz deps-format deps-lint demo check check-long check-run \
	bench bench-run bench-check fuzz fuzz-run format lint lint-run install clean force
.SECONDARY:
