# rtf: change a function of a running program.   `make help` lists what there is to make.
#
#   make demo | check | bench | fuzz | lint | format | install | clean
#   SAN=address,undefined or SAN=thread   builds with sanitizers, in a folder of its own
#   DEV=1 -Werror    T=slice only tests whose name has "slice"    V=1 shows commands    CC=clang

PREFIX ?= /usr/local
VERSION := 0.1
SAN ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
B := build$(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma := ,
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

LLVM := $(firstword $(wildcard /usr/lib/llvm-14 /usr/lib/llvm-1[5-9] /usr/lib/llvm-*))
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith $(if $(DEV),-Werror)
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -fvisibility=hidden $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
override CPPFLAGS += -D_GNU_SOURCE -DRTF_VERSION='"$(VERSION)"' -Icore -Icore/wire -Icore/engine -Istore -Irepl -I$(B)
override LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))
ENGINE_LIBS := -L$(LLVM)/lib -lclang -ltcc -lsqlite3 -ldw -lelf -ljansson -lpthread -ldl
CONSOLE_LIBS := -lreadline -ljansson

AGENT_SRC := $(wildcard core/agent/*.c) core/wire/message.c
ENGINE_SRC := $(wildcard core/engine/*.c core/wire/*.c store/*.c) repl/session.c repl/command.c repl/show.c
CONSOLE_SRC := repl/line.c core/engine/token.c core/wire/error.c

AGENT_OBJ := $(AGENT_SRC:%.c=$(B)/agent/%.o)
ENGINE_OBJ := $(ENGINE_SRC:%.c=$(B)/%.o)
CONSOLE_OBJ := $(CONSOLE_SRC:%.c=$(B)/%.o)
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*_test.c))
SYSTEM_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/system/*_test.c))

all: $(B)/rtf-console $(B)/rtf-engine $(B)/librtf.so $(B)/librtf.a

# The guest: position-independent, no sanitizer of ours inside somebody's process unless asked for.
$(B)/agent/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -MMD -MP -c $< -o $@

$(B)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -I$(LLVM)/include $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/librtf.so: $(AGENT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -Wl,-soname,librtf.so -Wl,-z,defs $(LDFLAGS) $^ -o $@ -lpthread

$(B)/librtf.a: $(AGENT_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libengine.a: $(ENGINE_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/rtf-engine: $(B)/repl/engine.o $(B)/libengine.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(ENGINE_LIBS) -Wl,-rpath,$(LLVM)/lib

$(B)/rtf-console: $(B)/repl/console.o $(CONSOLE_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(CONSOLE_LIBS)

$(B)/store/history.o: $(B)/schema.inc
$(B)/schema.inc: store/schema.sql
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $< > $@

# --- tests -----------------------------------------------------------------------------------------------------

$(B)/tests/%: $(B)/tests/%.o $(B)/libengine.a $(CONSOLE_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $< $(B)/libengine.a $(CONSOLE_OBJ) -o $@ -lcmocka $(ENGINE_LIBS) -lreadline -Wl,-rpath,$(LLVM)/lib

clean:
	rm -rf build build-*

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all clean
.SECONDARY:
