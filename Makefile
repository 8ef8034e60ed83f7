# ferryd: build, test, install.
#
#   make            ferryd and ferrysh at the top of the tree
#   make deps       install the Debian packages that building and testing need
#   make check      unit tests, sanitizers, integration tests
#   make lint       format, include direction, symbols of each floor, static analysis
#   make demo       two hosts and a router, shown working   (KEEP=1 leaves the lab up)
#   make bench      figures beside the kernel's own forwarding, in one run
#   make fuzz       broken frames through the whole router in memory
#   make install    PREFIX=/usr/local DESTDIR=
#
# BUILD=release (default), asan, tsan or debug chooses the flags; each has its own folder below build/.

CC      ?= gcc
BUILD   ?= release
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3

OUT := build/$(BUILD)$(if $(filter clang%,$(notdir $(CC))),-clang)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wpointer-arith \
            -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations \
            -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -fno-strict-aliasing
LINK_HARDEN := -pie -Wl,-z,relro,-z,now

FLAGS_release := -O2 -g $(HARDEN)
LINK_release  := $(LINK_HARDEN)
FLAGS_debug   := -O0 -g3
FLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LINK_asan     := -fsanitize=address,undefined
FLAGS_tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LINK_tsan     := -fsanitize=thread

CFLAGS_ALL  = -std=gnu11 -I. $(WARNINGS) $(FLAGS_$(BUILD)) -MMD -MP $(CFLAGS)
LDFLAGS_ALL = $(LINK_$(BUILD)) $(LDFLAGS)

PACKAGES_BUILD := build-essential pkg-config libevent-dev libnl-3-dev libnl-route-3-dev \
                  libconfig-dev liburcu-dev libedit-dev libjansson-dev
PACKAGES_TEST  := libcunit1-dev python3-pytest python3-pytest-xdist python3-scapy iproute2 \
                  iputils-ping iputils-tracepath iputils-arping iperf3 traceroute tcpdump nftables \
                  ethtool socat procps clang clang-format cppcheck mandoc
PACKAGES := $(PACKAGES_BUILD) $(PACKAGES_TEST)

# ---- the four floors: a static library each, linked from the top down --------------------------

FORWARDING := $(sort $(wildcard forwarding/*.c))
PROTOCOLS  := $(sort $(wildcard protocols/*.c protocols/*/*.c))
CLI        := $(filter-out $(CLIENT),$(sort $(wildcard cli/*.c)))
CLIENT     := $(sort $(wildcard cli/ferrysh*.c))
DAEMON     := $(sort $(wildcard daemon/*.c))
CLI        := $(filter-out $(CLIENT),$(CLI))

objects = $(patsubst %.c,$(OUT)/%.o,$(1))

LIB_FORWARDING := $(OUT)/libforwarding.a
LIB_PROTOCOLS  := $(OUT)/libprotocols.a
LIB_CLI        := $(OUT)/libcli.a

LIBS_FORWARDING := -lurcu-qsbr -lurcu-common -lpthread
LIBS_CLI        := -levent -ljansson
LIBS_DAEMON     := -lconfig -lnl-route-3 -lnl-3
INCLUDES_DAEMON := -I/usr/include/libnl3

.PHONY: all deps check check-unit check-integration lint demo bench fuzz install clean format
all: ferryd ferrysh

ifeq ($(OUT),build/release)
ferryd: $(OUT)/ferryd
	@cp -f $< $@
ferrysh: $(OUT)/ferrysh
	@cp -f $< $@
else
.PHONY: ferryd ferrysh
ferryd: $(OUT)/ferryd
ferrysh: $(OUT)/ferrysh
endif

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(OUT)/daemon/%.o: CFLAGS_ALL += $(INCLUDES_DAEMON)

$(LIB_FORWARDING): $(call objects,$(FORWARDING))
$(LIB_PROTOCOLS): $(call objects,$(PROTOCOLS))
$(LIB_CLI): $(call objects,$(CLI))
$(OUT)/lib%.a:
	@rm -f $@
	ar rcs $@ $^

$(OUT)/ferryd: $(call objects,$(DAEMON)) $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_DAEMON) $(LIBS_CLI) $(LIBS_FORWARDING)
$(OUT)/ferrysh: $(call objects,$(CLIENT))
	$(CC) $(LDFLAGS_ALL) -o $@ $^ -ledit

# ---- unit tests: each links its own floor and those below, and nothing else --------------------
# tests/unit/FLOOR_NAME.c is a CUnit program of the floor that its name begins with.

UNIT_forwarding := $(sort $(wildcard tests/unit/forwarding_*.c))
UNIT_protocols  := $(sort $(wildcard tests/unit/protocols_*.c))
UNIT_cli        := $(sort $(wildcard tests/unit/cli_*.c))
UNIT_daemon     := $(sort $(wildcard tests/unit/daemon_*.c))
unit = $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(1))
UNITS := $(call unit,$(UNIT_forwarding) $(UNIT_protocols) $(UNIT_cli) $(UNIT_daemon))
UNIT_SUPPORT := $(call objects,$(sort $(wildcard tests/unit/support/*.c)))

$(call unit,$(UNIT_forwarding)): $(LIB_FORWARDING)
$(call unit,$(UNIT_protocols)): $(LIB_PROTOCOLS) $(LIB_FORWARDING)
$(call unit,$(UNIT_cli)): $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
$(call unit,$(UNIT_cli)): LIBS_UNIT = $(LIBS_CLI)
$(call unit,$(UNIT_daemon)): $(filter-out $(OUT)/daemon/main.o,$(call objects,$(DAEMON))) \
                             $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
$(call unit,$(UNIT_daemon)): LIBS_UNIT = $(LIBS_DAEMON) $(LIBS_CLI)
$(UNITS): $(OUT)/unit/%: $(OUT)/tests/unit/%.o $(UNIT_SUPPORT)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcunit $(LIBS_UNIT) $(LIBS_FORWARDING)

units: $(UNITS)
.PHONY: units

-include $(shell find build -name '*.d' 2>/dev/null)
