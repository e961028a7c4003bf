# make                                    build everything under build/release
# make check                              unit tests, corpus, attacks, integration; installs what is missing first
# make check SANITIZE=address,undefined   the same, in its own build folder
# make corpus                             each file of the corpus: what is expected of it, and what became of that
# make demo                               a gateway earns a label on this machine; see demo/
# make lint                               format, headers, layers, manual pages, scripts
# make fuzz                               libFuzzer programs under build/fuzz, run for FUZZ_SECONDS each
# make fuzz-coverage                      what the fuzz corpora alone reach of each parser, with gcov
# make knockout                           each guard removed once: each of its rows must turn red
# make bench                              ours beside the machine's limit; also build/bench.json
# make exercise                           scenarios on the water plant of examples/plant: what is seen, where, how fast
# make soak                               long forms of the attack matrix (hours; not in CI)
# make faults                             a fault at every system call of a scripted run (with PostgreSQL at twice
#                                         FAULT_POINTS of them); and one of two attestd on one PostgreSQL killed
#                                         FAULT_KILLS times under load
# make gateway                            a virtual machine with firmware, TPM and kernel has the packages, boots, attests
#                                         and is changed; as root; GATEWAY=--short, or names of cases
# make deb                                the three packages attest-agent, attestd and attestctl in build/deb
# make sbom                               what the programs are made of, as SPDX 2.3 JSON in build/sbom
# make install DESTDIR=... PREFIX=...     copy to the system or to a staging folder

# Knobs. The person at the keyboard owns these: they are read, never appended to.
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
FUZZ_CC    ?= clang
CFLAGS     ?= -O2 -g
CPPFLAGS   ?=
LDFLAGS    ?=
DESTDIR    ?=
PREFIX     ?= /usr/local
SANITIZE   ?=
KNOCKOUT   ?=
WERROR     ?=
V          ?=
CORPUS     ?= $(wildcard ../shared/corpus)
FUZZ_SECONDS ?= 600
BENCH      ?=
FLEET_SECONDS ?= 30
AUDIT_ENTRIES ?= 100000
FAULT_KILLS ?= 100
FAULT_POINTS ?= 200

comma := ,
VARIANT := $(or $(subst $(comma),-,$(SANITIZE)),$(if $(KNOCKOUT),knockout),release)
BUILD   ?= build/$(VARIANT)

# The goals that people type first need nothing before them but git and make; "make -n" only shows.
SETS_UP := check corpus demo bench knockout exercise soak faults gateway fuzz fuzz-coverage deb
setup_for = $(if $(filter $(filter-out demo,$(SETS_UP)),$(MAKECMDGOALS)),all,build)
ifneq ($(filter $(SETS_UP),$(MAKECMDGOALS)),)
ifeq ($(ATTEST_SETUP_DONE)$(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
ifneq ($(shell scripts/setup $(setup_for) >&2 && echo done),done)
$(error scripts/setup could not install what is missing, see above)
endif
export ATTEST_SETUP_DONE := 1
endif
endif

# Packages, by who may link them. lib/ never sees a TPM transport.
LIB_PKGS     := libcrypto libcbor yaml-0.1 jansson zlib
P11_PKGS     := libp11 p11-kit-1
HW_PKGS      := tss2-esys tss2-tctildr tss2-mu
SENSOR_PKGS  := libmodbus libmosquitto
SERVER_PKGS  := libevent_core libevent_extra libevent_openssl libssl sqlite3 libpq
COURIER_PKGS := libcurl libssl
IMAGE_PKGS   := libarchive ext2fs libsquashfs1
TEST_PKGS    := check
NO_BUILD     := clean help format lint deb
ifneq ($(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all)),)
$(foreach p,$(LIB_PKGS) $(P11_PKGS) $(HW_PKGS) $(SENSOR_PKGS) $(SERVER_PKGS) $(COURIER_PKGS) $(IMAGE_PKGS),\
  $(if $(shell $(PKG_CONFIG) --exists $(p) && echo y),,\
  $(error $(p) not found by $(PKG_CONFIG); scripts/setup installs what is needed)))
endif
pkg = $(shell $(PKG_CONFIG) $(1) $(2))

# Flags. try keeps an option only if this compiler takes it.
try = $(shell echo 'int main(void){return 0;}' | \
        $(CC) -Werror $(1) -x c -o /dev/null - 2>/dev/null && echo '$(1)')
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
        -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
HARDEN := -fPIE -fstack-protector-strong $(call try,-fstack-clash-protection) \
        $(call try,-fcf-protection=full) $(call try,-mbranch-protection=standard) \
        $(call try,-ftrivial-auto-var-init=zero) \
        -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed
ifneq ($(SANITIZE),)
SAN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifneq ($(filter -O1 -O2 -O3 -Os,$(CFLAGS)),)
HARDEN += -U_FORTIFY_SOURCE $(call try,-D_FORTIFY_SOURCE=3)
endif
VERSION := $(shell cat VERSION)
ALL_CPPFLAGS = -D_GNU_SOURCE -DATT_VERSION='"$(VERSION)"' $(if $(KNOCKOUT),-DATT_KNOCKOUT_BUILD) \
               $(INC) $(CPPFLAGS)
ALL_CFLAGS   = -std=c11 -ffile-prefix-map=$(CURDIR)=. $(WARN) $(HARDEN) \
               $(if $(WERROR),-Werror) $(SAN) $(CFLAGS)
ALL_LDFLAGS  = $(HARDEN_LD) $(SAN) $(LDFLAGS)

ifeq ($(V),)
say = @printf '  %-6s %s\n' '$(1)' '$(@:$(BUILD)/%=%)';
endif

# Sources. A new file joins by standing in its folder.
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)))
LIB_OBJ      := $(call obj,lib/*/*.c)
HW_OBJ       := $(call obj,hw/*/*.c)
COMMON_OBJ   := $(call obj,attestd/common/*.c)
WITNESS_OBJ  := $(call obj,attestd/witness/*.c)
common = $(patsubst %,$(BUILD)/obj/attestd/common/%.o,$(1))
AGENT_OBJ    := $(call obj,attestd/agent/measurer/*.c attestd/agent/sampler/*.c)
COURIER_OBJ  := $(call obj,attestd/agent/courier/*.c)
VERIFIER_OBJ := $(call obj,attestd/verifier/*.c attestd/verifier/*/*.c)
CLI_OBJ      := $(call obj,cli/*.c)
UNPACK_OBJ   := $(call obj,cli/unpack/*.c)
SUPPORT_OBJ  := $(filter-out $(BUILD)/obj/tests/support/replay.o,$(call obj,tests/support/*.c))
LIB  := $(BUILD)/libattest.a
BINS := $(addprefix $(BUILD)/,attestd attest-agent attest-courier attestctl attest-unpack)

UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
ATTACKS := $(patsubst tests/attacks/%.c,$(BUILD)/attacks/%,$(wildcard tests/attacks/test_*.c))
REPLAY  := $(patsubst tests/fuzz/%.c,$(BUILD)/replay/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
PLANT := $(BUILD)/plant
PLANT_OBJ := $(call obj,examples/plant/*.c)
FRAME := $(BUILD)/frame
APP := $(BUILD)/app
FAULTS := $(BUILD)/faults/syscalls
FAULTS_OBJ := $(call obj,tests/faults/*.c)
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/bench_*.c))
BENCH_ALONE := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/alone/*.c))
BENCH_OBJ := $(filter-out $(BUILD)/obj/bench/bench_%,$(call obj,bench/*.c))

all: $(BINS)

# Include paths are the fence: a folder can include only what it is given here.
$(BUILD)/obj/lib/%:       INC = -Ilib $(call pkg,--cflags,$(LIB_PKGS) $(P11_PKGS))
$(BUILD)/obj/hw/%:        INC = -Ilib -Ihw $(call pkg,--cflags,$(HW_PKGS)) \
                                -DATT_TSS_VERSION='"$(call pkg,--modversion,tss2-esys)"'
$(BUILD)/obj/hw/sensor/%: INC = -Ilib -Ihw $(call pkg,--cflags,$(SENSOR_PKGS) jansson)
$(BUILD)/obj/attestd/%:   INC = -Ilib -Iattestd $(call pkg,--cflags,$(LIB_PKGS) $(SERVER_PKGS))
$(BUILD)/obj/attestd/agent/%: INC = -Ilib -Iattestd -Ihw $(call pkg,--cflags,$(COURIER_PKGS))
$(BUILD)/obj/cli/%:       INC = -Ilib -Icli -Iattestd $(call pkg,--cflags,jansson)
$(BUILD)/obj/cli/unpack/%: INC = -Ilib -Icli $(call pkg,--cflags,$(IMAGE_PKGS))
$(BUILD)/obj/examples/%:  INC = -Iexamples $(call pkg,--cflags,libmodbus)
$(BUILD)/obj/tests/%:     INC = -Ilib -Iattestd -Ihw -Iexamples -Itests/support -Itests \
                                $(call pkg,--cflags,$(LIB_PKGS) $(HW_PKGS) $(SENSOR_PKGS) $(SERVER_PKGS) $(COURIER_PKGS) $(TEST_PKGS))
$(BUILD)/obj/tests/fuzz/%: INC = -Ilib -Iattestd -Ihw -Icli $(call pkg,--cflags,$(LIB_PKGS) $(HW_PKGS) $(SERVER_PKGS))
$(BUILD)/obj/bench/%:     INC = -Ilib -Iattestd -Itests/support \
                                $(call pkg,--cflags,$(LIB_PKGS) $(SERVER_PKGS) $(COURIER_PKGS))

LIB_LIBS     = $(call pkg,--libs,$(LIB_PKGS) $(P11_PKGS))
HW_LIBS      = $(call pkg,--libs,$(HW_PKGS) $(SENSOR_PKGS))
SERVER_LIBS  = $(call pkg,--libs,$(SERVER_PKGS))
COURIER_LIBS = $(call pkg,--libs,$(COURIER_PKGS))
IMAGE_LIBS   = $(call pkg,--libs,$(IMAGE_PKGS))
TEST_LIBS    = $(call pkg,--libs,$(TEST_PKGS))

$(BUILD)/attestd: $(VERIFIER_OBJ) $(COMMON_OBJ) $(LIB)
$(BUILD)/attestd: LIBS = $(SERVER_LIBS)
$(BUILD)/attest-agent: $(AGENT_OBJ) $(call common,frame wire wire_certify wire_enrol relay relay_run log notify become) $(HW_OBJ) $(LIB)
$(BUILD)/attest-agent: LIBS = $(HW_LIBS)
$(BUILD)/attest-courier: $(COURIER_OBJ) $(call common,frame relay) $(LIB)
$(BUILD)/attest-courier: LIBS = $(COURIER_LIBS)
$(BUILD)/attestctl: $(CLI_OBJ) $(WITNESS_OBJ) $(call common,frame listen relay relay_run scan) $(LIB)
$(BUILD)/attest-unpack: $(UNPACK_OBJ) $(LIB)
$(BUILD)/attest-unpack: LIBS = $(IMAGE_LIBS)

# Tests may use everything but main programs: modules of the daemons come in as an archive of their own.
$(BUILD)/libdaemon.a: $(filter-out %/main.o,$(VERIFIER_OBJ) $(AGENT_OBJ) $(COURIER_OBJ)) $(COMMON_OBJ) $(WITNESS_OBJ) $(HW_OBJ)
$(BUILD)/libcli.a: $(filter-out %/main.o,$(CLI_OBJ) $(UNPACK_OBJ))
$(UNIT) $(ATTACKS): LIBS = $(TEST_LIBS) $(SERVER_LIBS) $(HW_LIBS) $(COURIER_LIBS)
$(UNIT): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libsupport.a $(BUILD)/libdaemon.a $(LIB)
$(ATTACKS): $(BUILD)/attacks/%: $(BUILD)/obj/tests/attacks/%.o $(BUILD)/libsupport.a $(BUILD)/libdaemon.a $(LIB)
# The plant of the exercises, which no program of ours is linked with; and what asks drivers for a frame, for scripts.
$(PLANT): $(PLANT_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(call pkg,--libs,libmodbus) -lm
$(BUILD)/unit/test_plant: $(filter-out %/main.o,$(PLANT_OBJ))
$(BUILD)/unit/test_plant: LIBS = $(TEST_LIBS) -lm
$(FRAME): $(BUILD)/obj/tests/integration/frame.o $(BUILD)/libdaemon.a $(LIB)
$(APP): $(BUILD)/obj/tests/integration/app.o
$(FRAME): LIBS = $(HW_LIBS)
$(FAULTS): LIBS = $(SERVER_LIBS) $(HW_LIBS) $(COURIER_LIBS)
$(FAULTS): $(FAULTS_OBJ) $(BUILD)/libsupport.a $(BUILD)/libdaemon.a $(LIB)
$(REPLAY): $(BUILD)/replay/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/support/replay.o $(BUILD)/libcli.a $(BUILD)/libdaemon.a $(LIB)
$(FUZZ): $(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libcli.a $(BUILD)/libdaemon.a $(LIB)
$(REPLAY): LIBS = $(SERVER_LIBS) $(HW_LIBS) $(COURIER_LIBS) $(IMAGE_LIBS)
$(FUZZ): LIBS = -fsanitize=fuzzer $(SERVER_LIBS) $(HW_LIBS) $(COURIER_LIBS) $(IMAGE_LIBS)
$(BENCH_PROGRAMS): $(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BENCH_OBJ) $(BUILD)/libsupport.a $(BUILD)/libdaemon.a $(LIB)
$(BENCH_PROGRAMS): LIBS = $(SERVER_LIBS) $(HW_LIBS) $(COURIER_LIBS) $(TEST_LIBS) -lm

# What limits are measured with: one file each, and nothing of ours.
$(BENCH_ALONE): $(BUILD)/bench/%: $(BUILD)/obj/bench/%.o
$(BUILD)/bench/bench_bundle: | $(BUILD)/bench/alone/es256

$(BINS) $(UNIT) $(ATTACKS) $(FRAME) $(APP) $(FAULTS) $(REPLAY) $(FUZZ) $(BENCH_PROGRAMS) $(BENCH_ALONE): $(BUILD)/members
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) $(LIB_LIBS)

$(LIB): $(LIB_OBJ)
$(BUILD)/libsupport.a: $(SUPPORT_OBJ)
$(LIB) $(BUILD)/libdaemon.a $(BUILD)/libcli.a $(BUILD)/libsupport.a: $(BUILD)/members
	@mkdir -p $(@D)
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Rebuild when the flags change and when a file leaves its folder, not only when a file changes.
$(BUILD)/flags: CONTENT = $(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(VERSION)
$(BUILD)/members: CONTENT = $(LIB_OBJ) $(HW_OBJ) $(COMMON_OBJ) $(WITNESS_OBJ) $(AGENT_OBJ) $(COURIER_OBJ) $(VERIFIER_OBJ) \
                            $(CLI_OBJ) $(UNPACK_OBJ) $(SUPPORT_OBJ) $(FAULTS_OBJ) $(PLANT_OBJ) $(BENCH_OBJ)
$(BUILD)/flags $(BUILD)/members: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CONTENT)' > $@.new; \
	 if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

programs: all $(UNIT) $(ATTACKS) $(REPLAY) $(FAULTS) $(PLANT) $(FRAME) $(APP)

check: programs
	@BUILD='$(abspath $(BUILD))' CORPUS='$(abspath $(CORPUS))' tests/run $(UNIT) $(REPLAY) $(ATTACKS) \
	 $(sort $(wildcard tests/integration/[0-9]*.sh))

corpus: need-corpus all $(addprefix $(BUILD)/unit/,test_ident_corpus test_cose_corpus test_tlog_corpus test_token_corpus)
	@BUILD='$(abspath $(BUILD))' CORPUS='$(abspath $(CORPUS))' tests/corpus

# Before anything is built for it.
need-corpus:
	@[ -d '$(CORPUS)' ] || { echo 'make corpus: expected CORPUS=FOLDER with real logs, quotes and certificates, which are not part of the tree; found "$(CORPUS)"' >&2; exit 2; }

demo: all
	@BUILD='$(abspath $(BUILD))' scripts/demo

bench: all $(BENCH_PROGRAMS)
	@BUILD='$(abspath $(BUILD))' BENCH='$(BENCH)' FLEET_SECONDS='$(FLEET_SECONDS)' AUDIT_ENTRIES='$(AUDIT_ENTRIES)' bench/run

knockout:
	@$(MAKE) KNOCKOUT=1 CFLAGS='-O1 -g' BUILD=build/knockout programs
	@BUILD='$(abspath build/knockout)' tests/knockout

exercise: programs
	@BUILD='$(abspath $(BUILD))' tests/exercise

soak: programs
	@BUILD='$(abspath $(BUILD))' tests/soak

faults: all $(FAULTS)
	@BUILD='$(abspath $(BUILD))' FAULT_POINTS='$(FAULT_POINTS)' FAULT_KILLS='$(FAULT_KILLS)' tests/faults/run

gateway: programs
	@BUILD='$(abspath $(BUILD))' tests/gateway/run $(GATEWAY)

fuzz:
	@$(MAKE) CC='$(FUZZ_CC)' BUILD=build/fuzz SANITIZE=fuzzer-no-link,address,undefined fuzz-programs
	@BUILD='$(abspath build/fuzz)' FUZZ_SEED='$(FUZZ_SEED)' tests/fuzz/run $(FUZZ_SECONDS)
fuzz-programs: $(FUZZ)

fuzz-coverage:
	@$(MAKE) CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage BUILD=build/cov replay-programs
	@BUILD='$(abspath build/cov)' tests/fuzz/coverage
replay-programs: $(REPLAY)

lint:
	@scripts/lint
format:
	@clang-format -i $$(git ls-files -co --exclude-standard '*.[ch]')

# Where things go below DESTDIR; a package sets the folders that are the system's own.
SYSCONFDIR ?= $(PREFIX)/etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
LIBEXECDIR ?= $(PREFIX)/libexec/attestd# where attest-courier@.service finds its program
SHARE      := $(PREFIX)/share
UNITS      := $(patsubst dist/systemd/%.in,%,$(wildcard dist/systemd/*.in))
put = $(INSTALL) -D -m $(1) -t '$(DESTDIR)$(strip $(2))' $(3)

install: all
	$(call put,0755,$(PREFIX)/bin,$(BUILD)/attestctl)
	$(call put,0755,$(PREFIX)/sbin,$(BUILD)/attestd $(BUILD)/attest-agent)
	$(call put,0755,$(PREFIX)/libexec/attestd,$(BUILD)/attest-courier $(BUILD)/attest-unpack)
	$(call put,0644,$(SHARE)/man/man1,$(wildcard man/*.1))
	$(call put,0644,$(SHARE)/man/man8,$(wildcard man/*.8))
	$(call put,0644,$(SHARE)/attestd/certs,certs/vendors.yaml)
	$(call put,0644,$(SHARE)/attestd/policies,$(wildcard policies/*.yaml))
	$(call put,0644,$(PREFIX)/lib/sysusers.d,$(wildcard dist/sysusers.d/*.conf))
	$(call put,0644,$(PREFIX)/lib/tmpfiles.d,$(wildcard dist/tmpfiles.d/*.conf))
	$(call put,0644,$(SHARE)/bash-completion/completions,dist/completions/attestctl)
	for p in attestd attest-agent; do cp dist/completions/attestctl '$(DESTDIR)$(SHARE)/bash-completion/completions/'"$$p" || exit; done
	$(INSTALL) -d '$(DESTDIR)$(UNITDIR)'
	for u in $(UNITS); do sed 's,@sbindir@,$(PREFIX)/sbin,; s,@libexecdir@,$(LIBEXECDIR),' "dist/systemd/$$u.in" >'$(DESTDIR)$(UNITDIR)'/"$$u" || exit; \
	 chmod 0644 '$(DESTDIR)$(UNITDIR)'/"$$u"; done
	test -e '$(DESTDIR)$(SYSCONFDIR)/attestd/agent.yaml' || $(call put,0644,$(SYSCONFDIR)/attestd,examples/agent.yaml)
	$(INSTALL) -d '$(DESTDIR)$(SHARE)/doc/attestd'
	cp -R docs examples README.md CHANGELOG.md LICENSE SECURITY.md policies '$(DESTDIR)$(SHARE)/doc/attestd/'
	$(call put,0644,$(SHARE)/doc/attestd/dist/nginx,dist/nginx/attestd.conf)

deb:
	@scripts/make-deb build/deb

sbom: all
	@mkdir -p build/sbom
	@scripts/make-sbom $(BUILD) build/sbom/attestd.spdx.json
	@echo build/sbom/attestd.spdx.json

clean:
	rm -rf build demo
help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile

.PHONY: all programs check corpus need-corpus demo bench knockout soak faults gateway fuzz fuzz-programs fuzz-coverage replay-programs lint format \
        deb sbom install clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d $(BUILD)/obj/*/*/*/*.d)
