# sonograde: one Makefile, few verbs.
#   make            build/sonograde                     make test    everything that must pass
#   make demo       from nothing to a report            make bench   side by side with PyTorch
#   make lint       style, layering, static checks      make format  clang-format over the tree
#   make docs       man page, completion, usage page    make install PREFIX=/usr/local DESTDIR=
# config=debug|release|asan|tsan|coverage; each has its own folder under build/.
SHELL  := /bin/bash
config ?= release
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif

VERSION := $(shell cat VERSION)
BUILD_ID := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo release)

B := build$(if $(filter-out release,$(config)),/$(config))

opt_release  := -O2 -g -DNDEBUG
opt_debug    := -O0 -g3
opt_asan     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
opt_tsan     := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
opt_coverage := -O0 -g --coverage
ifeq ($(opt_$(config)),)
$(error config=$(config) is not one of debug release asan tsan coverage)
endif

PKGS     := libpng libturbojpeg jansson yaml-0.1 libsodium
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef $(if $(CI),-Werror)
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Isrc -MMD -MP
CFLAGS   += -std=c17 $(opt_$(config)) -fPIC -fvisibility=hidden $(WARN)
LDFLAGS  += $(filter -fsanitize=% --coverage,$(opt_$(config)))
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldnnl -lgomp -lpthread -lm

lib_src := $(filter-out src/cli/%,$(wildcard src/*/*.c src/*/*/*.c))
cli_src := $(wildcard src/cli/*.c)
lib_obj := $(lib_src:%.c=$B/obj/%.o)
cli_obj := $(cli_src:%.c=$B/obj/%.o)

# Tests: one program per file under tests/unit, tests/conformance; support code is linked into each.
test_src := $(wildcard tests/unit/*/test_*.c tests/conformance/test_*.c)
test_bin := $(test_src:tests/%.c=$B/tests/%)
test_sup := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/support/*.c))
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)

.PHONY: all demo test test-quick bench fuzz lint format docs install clean deps unit
.SECONDARY:
all: $B/sonograde

$B/sonograde: $(cli_obj) $B/libsonograde.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$B/libsonograde.a: $(lib_obj)
	@rm -f $@
	ar rcs $@ $^

$B/libsonograde.so: $(lib_obj)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libsonograde.so.0 -o $@ $^ $(LDLIBS)

# Image operations promise OpenCV's bits: no contraction of a*b+c into one rounding. Their inner loops
# are written for vectorisers.
$B/obj/src/image/%.o: CFLAGS += -ffp-contract=off $(if $(filter release,$(config)),-O3)
$B/obj/src/backend/ref/%.o: CFLAGS += $(if $(filter release,$(config)),-O3)
$B/obj/src/cli/%.o $B/obj/src/base/version.o: CPPFLAGS += -DSG_VERSION='"$(VERSION)"' -DSG_BUILD_ID='"$(BUILD_ID)"'

$B/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$B/tests/%: $B/obj/tests/%.o $(test_sup) $B/libsonograde.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$B/obj/tests/%.o: CPPFLAGS += -Itests

# One suite at a time while working: make unit T=image/test_clahe
unit: $B/tests/unit/$T
	$<

tests: $(test_bin)
-include $(shell find $B/obj -name '*.d' 2>/dev/null)
