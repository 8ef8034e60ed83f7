# ferryd: build, test, install.
#
#   make            ferryd and ferrysh at the top of the tree
#   make deps       install the Debian packages that building and testing need
#   make check      unit tests, sanitizers, integration tests
#   make lint       format, include direction, symbols of each floor, static analysis
#   make demo       two hosts and a router, shown working   (KEEP=1 leaves the lab up)
#   make lab-rip    three routers with RIP and FRR, left up to play with   (CHECK=1 tries it, DOWN=1 takes it down; LAB=name)
#   make lab-multicast  a stream, a querier, an IGMP proxy and hosts that come and go, likewise
#   make bench      figures beside the kernel's own forwarding, in one run
#   make bench-multicast  replication beside the kernel's own, and many joined groups   (ROUNDS=3)
#   make bench-rip  RIP beside FRR and BIRD, in turn   (ROUNDS=7)
#   make fuzz       broken frames through the whole router in memory   (make fuzz-rip: RIP messages; SECONDS=n)
#   make sim        networks of RIP routers, and hosts with IGMP, in simulated time   (SEEDS=1000)
#   make install    PREFIX=/usr/local DESTDIR=   (make uninstall takes it away again, but for /etc/ferryd)
#
# BUILD=release (default), asan, tsan or debug chooses the flags; each has its own folder below build/.

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD   ?= release
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3

# V=1 shows the commands.
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = @printf '  %-3s %s\n' $(1) $(2)

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
                  libconfig-dev liburcu-dev libedit-dev libjansson-dev libpcre2-dev \
                  libpcap-dev libncurses-dev nettle-dev
PACKAGES_TEST  := libcunit1-dev python3-pytest python3-pytest-xdist python3-scapy iproute2 \
                  iputils-ping iputils-tracepath iputils-arping iperf3 traceroute tcpdump nftables \
                  ethtool socat procps clang clang-format cppcheck mandoc python3-pexpect python3-pyte less frr \
                  tmux bird2 smcroute
PACKAGES := $(PACKAGES_BUILD) $(PACKAGES_TEST)

# ---- the four floors: a static library each, linked from the top down --------------------------

FORWARDING := $(sort $(wildcard forwarding/*.c))
PROTOCOLS  := $(sort $(wildcard protocols/*.c protocols/*/*.c))
CLI        := $(filter-out $(CLIENT),$(sort $(wildcard cli/*.c)))
CLIENT     := $(sort $(wildcard cli/ferrysh*.c))
CLIENT_ALSO := cli/text.c
DAEMON     := $(sort $(wildcard daemon/*.c))
CLI        := $(filter-out $(CLIENT),$(CLI))

objects = $(patsubst %.c,$(OUT)/%.o,$(1))

LIB_FORWARDING := $(OUT)/libforwarding.a
LIB_PROTOCOLS  := $(OUT)/libprotocols.a
LIB_CLI        := $(OUT)/libcli.a

LIBS_FORWARDING := -lurcu-qsbr -lurcu-common -lpthread
LIBS_PROTOCOLS   = $(shell pkg-config --libs nettle)
LIBS_CLI         = -levent -ljansson -lpcre2-8 $(shell pkg-config --libs libpcap)
LIBS_CLIENT      = -ledit -ljansson $(shell pkg-config --libs ncursesw)
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
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(OUT)/daemon/%.o: CFLAGS_ALL += $(INCLUDES_DAEMON)

$(LIB_FORWARDING): $(call objects,$(FORWARDING))
$(LIB_PROTOCOLS): $(call objects,$(PROTOCOLS))
$(LIB_CLI): $(call objects,$(CLI))
$(OUT)/lib%.a:
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcs $@ $^

$(OUT)/ferryd: $(call objects,$(DAEMON)) $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_DAEMON) $(LIBS_CLI) $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)
$(OUT)/ferrysh: $(call objects,$(CLIENT) $(CLIENT_ALSO))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CLIENT)

# ---- unit tests: each links its own floor and those below, and nothing else --------------------
# tests/unit/FLOOR_NAME.c is a CUnit program of the floor that its name begins with.

UNIT_forwarding := $(sort $(wildcard tests/unit/forwarding_*.c))
UNIT_protocols  := $(sort $(wildcard tests/unit/protocols_*.c))
UNIT_cli        := $(sort $(wildcard tests/unit/cli_*.c))
UNIT_ferrysh    := $(sort $(wildcard tests/unit/ferrysh_*.c))
UNIT_daemon     := $(sort $(wildcard tests/unit/daemon_*.c))
unit = $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(1))
UNITS := $(call unit,$(UNIT_forwarding) $(UNIT_protocols) $(UNIT_cli) $(UNIT_ferrysh) $(UNIT_daemon))
UNIT_SUPPORT := $(call objects,$(sort $(wildcard tests/unit/support/*.c)))

$(call unit,$(UNIT_forwarding)): $(LIB_FORWARDING)
$(call unit,$(UNIT_protocols)): $(LIB_PROTOCOLS) $(LIB_FORWARDING)
$(call unit,$(UNIT_cli)): $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
$(call unit,$(UNIT_protocols)): LIBS_UNIT = $(LIBS_PROTOCOLS)
$(call unit,$(UNIT_cli)): LIBS_UNIT = $(LIBS_CLI) $(LIBS_PROTOCOLS)
$(call unit,$(UNIT_ferrysh)): $(filter-out $(OUT)/cli/ferrysh.o,$(call objects,$(CLIENT) $(CLIENT_ALSO))) $(LIB_FORWARDING)
$(call unit,$(UNIT_ferrysh)): LIBS_UNIT = $(LIBS_CLIENT)
$(call unit,$(UNIT_daemon)): $(filter-out $(OUT)/daemon/main.o,$(call objects,$(DAEMON))) \
                             $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
$(call unit,$(UNIT_daemon)): LIBS_UNIT = $(LIBS_DAEMON) $(LIBS_CLI) $(LIBS_PROTOCOLS)
$(UNITS): $(OUT)/unit/%: $(OUT)/tests/unit/%.o $(UNIT_SUPPORT)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcunit $(LIBS_UNIT) $(LIBS_FORWARDING)

units: $(UNITS)
.PHONY: units

-include $(shell find build -name '*.d' 2>/dev/null)

# ---- what people call ---------------------------------------------------------------------------

# Tests only compare with FRR's programs: installing them must not start a routing daemon on this machine.
deps:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	    if [ "$$(id -u)" != 0 ]; then echo "Missing:" $$missing"; 'sudo make deps' installs them."; exit 1; fi; \
	    echo "Installing:" $$missing; \
	    frr=$$(echo "$$missing" | grep -x frr); \
	    [ -z "$$frr" ] || systemctl -q mask --runtime frr.service 2>/dev/null; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	    status=$$?; \
	    [ -z "$$frr" ] || { systemctl -q unmask --runtime frr.service; systemctl -q disable frr.service; } 2>/dev/null; \
	    exit $$status; \
	fi

# What root builds belongs to the owner of the tree, who goes on building without sudo.
give_back = @[ "$$(id -u)" != 0 ] || chown -hR --reference=. build ferryd ferrysh
export PYTHONDONTWRITEBYTECODE := 1

demo: deps
	@$(MAKE) --no-print-directory all
	$(give_back)
	@KEEP=$(KEEP) $(PYTHON) tests/lab/demo.py

# Three routers with RIP and FRR, to play with (CHECK=1: tries it and takes it away; DOWN=1: takes it away).
lab-rip: deps
	@$(MAKE) --no-print-directory all
	$(give_back)
	@CHECK=$(CHECK) DOWN=$(DOWN) LAB=$(LAB) $(PYTHON) tests/lab/rip.py
lab-rip-down:
	@$(MAKE) --no-print-directory lab-rip DOWN=1

# A stream with routers and hosts, in the same way.
lab-multicast: deps
	@$(MAKE) --no-print-directory all
	$(give_back)
	@CHECK=$(CHECK) DOWN=$(DOWN) LAB=$(LAB) $(PYTHON) tests/lab/multicast.py
.PHONY: lab-rip lab-rip-down lab-multicast

# Tests print one line 'N passed, N failed' or CUnit's and pytest's own; the first failure ends the run.
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider -n 2 --dist loadfile
JOBS   ?= 2

check: deps
	@[ "$$(id -u)" = 0 ] || { echo "The integration tests make network namespaces and need root: sudo make check"; exit 1; }
	@$(MAKE) --no-print-directory -j$(JOBS) all units sims
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=asan all units fuzzers sims
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=tsan all units
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang all
	$(give_back)
	@$(MAKE) --no-print-directory check-unit
	@$(MAKE) --no-print-directory check-integration
	@echo "make check: everything passed"

check-unit:
	@for build in release asan tsan; do \
	    for test in build/$$build/unit/*; do \
	        echo "---- $$test"; $$test || exit 1; \
	    done; \
	done
	@echo "---- build/asan/fuzz/mutate"; build/asan/fuzz/mutate 300000
	@for build in release asan; do \
	    echo "---- build/$$build/sim/rip 1-20 circuits 21-30"; build/$$build/sim/rip line15 line16 1-20 circuits 21-30 || exit 1; \
	    echo "---- build/$$build/sim/igmp 1-20"; build/$$build/sim/igmp 1-20 || exit 1; \
	done
	@echo "---- build/asan/fuzz/rip_mutate"; build/asan/fuzz/rip_mutate 500000
	@echo "---- build/asan/fuzz/igmp_mutate"; build/asan/fuzz/igmp_mutate 300000
	@echo "---- build/asan/fuzz/talk"; build/asan/fuzz/talk 40000

# What is marked one_build needs no second build (tests/integration/conftest.py).
check-integration:
	FERRYD_BUILD=asan FERRYD_LANES=1 $(PYTEST) tests/integration
	FERRYD_BUILD=release FERRYD_LANES=2 $(PYTEST) -m "not one_build" tests/integration
	FERRYD_BUILD=tsan FERRYD_LANES=2 $(PYTEST) -m "not one_build" tests/integration

# Frames through the whole router in memory: `mutate` makes its own, `frame_fuzzer` is libFuzzer's (clang). `talk` talks
# to its shell.
FUZZ_COMMON := $(OUT)/tests/fuzz/router_in_memory.o $(OUT)/tests/fuzz/explained.o $(OUT)/tests/fuzz/seeds.o $(OUT)/tests/unit/support/frames.o
fuzzers: $(OUT)/fuzz/mutate $(OUT)/fuzz/rip_mutate $(OUT)/fuzz/igmp_mutate $(OUT)/fuzz/talk
$(OUT)/fuzz/mutate: $(OUT)/tests/fuzz/mutate.o $(FUZZ_COMMON) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_FORWARDING)
$(OUT)/fuzz/talk: $(OUT)/tests/fuzz/talk.o $(UNIT_SUPPORT) $(LIB_CLI) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcunit $(LIBS_CLI) $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)
fuzz:
	@$(MAKE) --no-print-directory CC=clang BUILD=asan FLAGS_asan="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" \
	    OUT=build/fuzzer build/fuzzer/fuzz/frame_fuzzer
	build/fuzzer/fuzz/frame_fuzzer -max_len=4096 -max_total_time=$(or $(SECONDS),60)
$(OUT)/fuzz/frame_fuzzer: $(OUT)/tests/fuzz/frame_fuzzer.o $(FUZZ_COMMON) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS_FORWARDING)

# RIP messages by themselves, in the same two ways.
$(OUT)/fuzz/rip_mutate: $(OUT)/tests/fuzz/rip_mutate.o $(OUT)/tests/fuzz/rip_messages.o $(OUT)/tests/fuzz/rip_router.o $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)
fuzz-rip:
	@$(MAKE) --no-print-directory CC=clang BUILD=asan FLAGS_asan="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" \
	    OUT=build/fuzzer build/fuzzer/fuzz/rip_fuzzer
	build/fuzzer/fuzz/rip_fuzzer -max_len=4096 -max_total_time=$(or $(SECONDS),60)
$(OUT)/fuzz/rip_fuzzer: $(OUT)/tests/fuzz/rip_fuzzer.o $(OUT)/tests/fuzz/rip_messages.o $(OUT)/tests/fuzz/rip_router.o $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)

# IGMP messages, into a router that proxies.
$(OUT)/fuzz/igmp_mutate: $(OUT)/tests/fuzz/igmp_mutate.o $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)
.PHONY: fuzzers fuzz-rip

# RIP and IGMP in simulated time, by seeds. One of them again: build/release/sim/rip SEED
SIM_IGMP := $(call objects,$(sort $(wildcard tests/sim/igmp*.c)) tests/sim/queue.c)
SIM      := $(call objects,$(filter-out tests/sim/igmp%,$(sort $(wildcard tests/sim/*.c))))
SEEDS    ?= 1000
sims: $(OUT)/sim/rip $(OUT)/sim/igmp
$(OUT)/sim/igmp: $(SIM_IGMP) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)
$(OUT)/sim/rip: $(SIM) $(LIB_PROTOCOLS) $(LIB_FORWARDING)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_PROTOCOLS) $(LIBS_FORWARDING)
sim: $(OUT)/sim/rip $(OUT)/sim/igmp
	$< line15 line16 year
	seq 1 $(SEEDS) | xargs -n 20 -P $(JOBS) $< -q
	seq 1 5 $(SEEDS) | xargs -n 20 -P $(JOBS) $< -q circuits
	seq 1 $(SEEDS) | xargs -n 20 -P $(JOBS) $(OUT)/sim/igmp -q
	@echo "make sim: $(SEEDS) seeds passed"
.PHONY: sim sims

C_FILES := $(wildcard forwarding/*.[ch] protocols/*.[ch] protocols/*/*.[ch] cli/*.[ch] daemon/*.[ch] tests/unit/*.[ch] tests/unit/support/*.[ch] tests/fuzz/*.[ch] tests/sim/*.[ch])

lint:
	@$(MAKE) --no-print-directory all
	@clang-format --dry-run -Werror $(C_FILES)
	@$(PYTHON) tests/lint.py
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	    --suppress=missingIncludeSystem --library=bsd -D__GNUC__ -I. forwarding protocols cli daemon
	@for page in man/*.[1-9]; do mandoc -T lint -W warning $$page || exit 1; done

format:
	clang-format -i $(C_FILES)

bench: deps
	@$(MAKE) --no-print-directory all
	$(give_back)
	$(PYTHON) tests/bench/bench.py

# All of them, also after one that missed its bar.
bench-rip: deps
	@$(MAKE) --no-print-directory all
	$(give_back)
	@status=0; for bench in $(sort $(wildcard tests/bench/rip_*.py)); do \
	    echo "---- $$bench"; $(PYTHON) $$bench || status=1; \
	done; exit $$status
.PHONY: bench-rip

bench-multicast: deps
	@$(MAKE) --no-print-directory all
	$(give_back)
	$(PYTHON) tests/bench/multicast.py
.PHONY: bench-multicast

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/ferryd \
	    $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/doc/ferryd $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 ferryd $(DESTDIR)$(PREFIX)/sbin/ferryd
	install -m 755 ferrysh $(DESTDIR)$(PREFIX)/bin/ferrysh
	test -e $(DESTDIR)/etc/ferryd/ferryd.conf || install -m 640 etc/ferryd.conf $(DESTDIR)/etc/ferryd/ferryd.conf
	sed 's|@PREFIX@|$(PREFIX)|g' etc/ferryd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/ferryd.service
	install -m 644 man/ferryd.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 man/ferryd-conformance.7 $(DESTDIR)$(PREFIX)/share/man/man7/
	install -m 644 man/ferryd.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 man/ferrysh.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 etc/ferrysh.bash-completion $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ferrysh
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/ferryd/

# All that install made, but for the configuration.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/ferryd $(DESTDIR)$(PREFIX)/bin/ferrysh $(DESTDIR)$(PREFIX)/share/man/man8/ferryd.8 \
	    $(DESTDIR)$(PREFIX)/share/man/man7/ferryd-conformance.7 \
	    $(DESTDIR)$(PREFIX)/share/man/man5/ferryd.conf.5 $(DESTDIR)$(PREFIX)/share/man/man1/ferrysh.1 \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system/ferryd.service \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ferrysh
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/ferryd

clean:
	rm -rf build ferryd ferrysh
