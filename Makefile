# SPDX-License-Identifier: Apache-2.0
# Slipway's one Makefile. `make` builds, `make demo` shows the whole path on real data, `make test` runs everything,
# `make check` holds format, lint, arrows and generated files, `make bench` prints the side-by-side figures.
# A new .c file is found by itself; a new part gets a line in the table of parts below.

VERSION := $(file <VERSION)
VARIANT ?= release
BUILD   ?= build/$(VARIANT)
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
AR      ?= ar
PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

# --- the parts and what each may use: the compiler, the tests' link lines and the arrow check all read this table ---
PARTS := core/base core/store core/data core/track core/model core/serve core/job core/manifest core/ship gpu tui app
USES_core/base     :=
USES_core/store    := core/base
USES_core/data     := core/base
USES_core/track    := core/base core/store
USES_core/model    := core/base core/store
USES_core/manifest := core/base
USES_core/serve    := core/base core/store core/track core/model
USES_core/job      := core/base core/store core/serve gpu/telemetry
USES_core/ship     := core/base core/store core/model core/manifest
USES_gpu           := core/base
USES_tui           := core/base
USES_app           := core/base core/store core/data core/serve core/job core/track core/model core/manifest core/ship gpu tui

# --- flags ---
# Messages are cut on purpose where they exceed their field, hence no format-truncation.
WARN := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wdate-time $(if $(findstring clang,$(CC)),,-Wno-format-truncation) -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection $(if $(findstring clang,$(CC)),,-ftrivial-auto-var-init=zero) -fPIE
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
FLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDEN)
FLAGS_debug   := -O0 -g3 -DSW_FAILPOINTS
FLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DSW_FAILPOINTS
FLAGS_tsan    := -O1 -g -fsanitize=thread -DSW_FAILPOINTS
LD_release    := $(HARDEN_LD)
LD_asan       := -fsanitize=address,undefined
LD_tsan       := -fsanitize=thread
ifeq ($(FLAGS_$(VARIANT)),)
$(error VARIANT=$(VARIANT): release, debug, asan or tsan)
endif
CPPFLAGS_ALL := -I. -D_GNU_SOURCE -DSW_VERSION='"$(VERSION)"' -DSW_PREFIX='"$(PREFIX)"' $(CPPFLAGS)
CFLAGS_ALL   := -std=gnu17 $(FLAGS_$(VARIANT)) $(WARN) -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
LDFLAGS_ALL  := $(LD_$(VARIANT)) -Wl,--as-needed $(LDFLAGS)
LIBS         := -lncursesw -ltinfo -lsqlite3 -lyaml -ljansson -lmicrohttpd -lpng -ljpeg -lcrypto -lz -ldl -lpthread -lm
# The plain engine's inner loops and nothing else are built for speed.
CFLAGS_gpu/engine_plain := $(if $(filter release,$(VARIANT)),-O3 -ffp-contract=fast)

# --- files ---
sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
archive = $(BUILD)/lib/$(subst /,_,$(1)).a
MAINS := app/main.c app/slipway_train.c
closure = $(if $(1),$(sort $(1) $(call closure,$(sort $(foreach p,$(1),$(patsubst gpu/telemetry,gpu,$(USES_$(p))))))))
part_archives = $(foreach p,$(call closure,$(1)),$(call archive,$(p)))

UNIT_SOURCES := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))
BENCH_SOURCES := $(sort $(wildcard tests/bench/*.c))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SOURCES))
ALL_C := $(foreach p,$(PARTS),$(call sources,$(p))) $(UNIT_SOURCES) $(BENCH_SOURCES) $(wildcard tests/fakes/*.c)
ALL_H := $(foreach p,$(PARTS),$(wildcard $(p)/*.h)) $(wildcard tests/*/*.h tests/*/*/*.h)

.PHONY: all programs units benches fakes demo test check bench install uninstall clean deps deps-build docs format print-parts
.DELETE_ON_ERROR:
.SECONDARY:

all: programs
programs: $(BUILD)/slipway $(BUILD)/slipway-train
units: $(UNIT_TESTS)
benches: $(BENCHES)
fakes: $(patsubst tests/fakes/%.c,$(BUILD)/fakes/%.so,$(wildcard tests/fakes/*.c))

# --- rules ---
# A change of flags rebuilds; the stamp holds the whole command.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' | cmp -s - $@ || \
	  echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' > $@
.PHONY: FORCE
FORCE:

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC  $<")
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(CFLAGS_$*) -MMD -MP -c $< -o $@

define part_rule
$(call archive,$(1)): $(call objects,$(filter-out $(MAINS),$(call sources,$(1))))
	@mkdir -p $$(@D); rm -f $$@
	$$(if $$(Q),@echo "  AR  $(1)")
	$$(Q)$$(AR) rcsD $$@ $$^
endef
$(foreach p,$(PARTS),$(eval $(call part_rule,$(p))))

link = $(if $(Q),@echo "  LD  $@"; )$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(BUILD)/slipway: $(call objects,app/main.c) $(call part_archives,app)
	$(link) $(LIBS) -o $@
$(BUILD)/slipway-train: $(call objects,app/slipway_train.c) $(call part_archives,core/data gpu) $(call archive,core/base)
	$(link) $(LIBS) -o $@

unit_part = $(firstword $(filter $(1) core/$(1),$(PARTS)))
define unit_rule
$(BUILD)/unit/$(1): $(BUILD)/obj/tests/unit/$(1).o $(call part_archives,$(call unit_part,$(patsubst %/,%,$(dir $(1)))))
	@mkdir -p $$(@D)
	$$(link) -lcmocka $$(LIBS) -o $$@
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(UNIT_SOURCES)),$(eval $(call unit_rule,$(t))))

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(call part_archives,app)
	@mkdir -p $(@D)
	$(link) $(LIBS) -o $@
$(BUILD)/fakes/%.so: tests/fakes/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -std=gnu17 -O1 -g $(WARN) -fPIC -shared $< -o $@

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(filter-out tests/fakes/%,$(ALL_C)))

# --- installing what is missing; building what is checked ---
deps:
	packaging/deps.sh all
deps-build:
	packaging/deps.sh build
demo: deps-build
	$(MAKE) -j$(shell nproc) --no-print-directory VARIANT=release programs
	app/demo.sh build/release build/demo
test: deps
	tests/run.sh
bench: deps
	$(MAKE) -j$(shell nproc) --no-print-directory VARIANT=release programs benches
	tests/bench/run.sh '$(BENCH)'
check: deps
	tests/check.sh
format:
	clang-format -i $(ALL_C) $(ALL_H)
# The manual and the completions come from the command table; reviewed copies are kept, `make check` compares them.
docs: $(BUILD)/slipway
	$(BUILD)/slipway generate-docs packaging

install: programs
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/slipway' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	  '$(DESTDIR)$(PREFIX)/share/man/man7' \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' '$(DESTDIR)$(PREFIX)/share/zsh/site-functions' \
	  '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'
	install -m 755 $(BUILD)/slipway $(BUILD)/slipway-train '$(DESTDIR)$(PREFIX)/bin/'
	cp -r templates '$(DESTDIR)$(PREFIX)/share/slipway/'
	install -m 644 packaging/man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1/'
	install -m 644 packaging/man/*.7 '$(DESTDIR)$(PREFIX)/share/man/man7/'
	install -m 644 packaging/completions/slipway.bash '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/slipway'
	install -m 644 packaging/completions/_slipway '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/'
	install -m 644 packaging/completions/slipway.fish '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/'
uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/slipway' '$(DESTDIR)$(PREFIX)/bin/slipway-train' \
	  $(patsubst packaging/man/%,'$(DESTDIR)$(PREFIX)/share/man/man1/%',$(wildcard packaging/man/*.1)) \
	  $(patsubst packaging/man/%,'$(DESTDIR)$(PREFIX)/share/man/man7/%',$(wildcard packaging/man/*.7)) \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/slipway' \
	  '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_slipway' '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/slipway.fish'
	rm -rf '$(DESTDIR)$(PREFIX)/share/slipway'
clean:
	rm -rf build
# For the checks: the parts, what each uses, and every C file.
print-parts:
	@$(foreach p,$(PARTS),echo '$(p): $(USES_$(p))';)
print-sources:
	@printf '%s\n' $(ALL_C) $(ALL_H)
