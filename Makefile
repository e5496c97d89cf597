# sonograde: one Makefile, few verbs.
#   make            build/sonograde                     make test    everything that must pass
#   make demo       from nothing to a report            make bench   side by side with PyTorch (ONLY=row,...)
#   make lint       style, layering, static checks      make format  clang-format over the tree
#   make docs       man page, completion, usage page    make install PREFIX=/usr/local DESTDIR=
#   make fuzz       20 s for every parser               make tsan / valgrind / coverage   tests so
#   make conformance-isa   the engine at every width of vectors
# config=debug|release|asan|tsan|coverage|sse|avx2; each has its own folder under build/.
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
opt_sse      := -O2 -g -DNDEBUG -DSG_ONE_WIDTH
opt_avx2     := $(opt_sse) -march=x86-64-v3
opt_fuzz     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
ifeq ($(opt_$(config)),)
$(error config=$(config) is not one of debug release asan tsan coverage sse avx2 fuzz)
endif

PKGS     := libpng libdeflate libturbojpeg jansson yaml-0.1 libsodium nlopt sqlite3
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef $(if $(CI),-Werror)
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Isrc -MMD -MP
CFLAGS   += -std=c17 $(opt_$(config)) -fPIC -fvisibility=hidden $(WARN)
LDFLAGS  += $(filter -fsanitize=% --coverage,$(opt_$(config)))
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ldnnl -llapacke -lopenblas -lgomp -lpthread -lm
# Only the program fetches files; the library does not know a network.
CLI_LIBS := $(shell pkg-config --libs libcurl 2>/dev/null)

# What is run is told in short; make V=1 tells it in full.
say      := $(if $(V),@:,@printf '%-5s %s\n')
Q        := $(if $(V),,@)
COMPILE   = $(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c
LINK      = $(Q)$(CC) $(CFLAGS) $(LDFLAGS)

lib_src := $(filter-out src/cli/%,$(wildcard src/*/*.c src/*/*/*.c))
cli_src := $(wildcard src/cli/*.c)
lib_obj := $(lib_src:%.c=$B/obj/%.o)
cli_obj := $(cli_src:%.c=$B/obj/%.o)

# Tests: one program per file under tests/unit, tests/conformance; support code is linked into each.
test_src := $(wildcard tests/unit/*/test_*.c tests/conformance/test_*.c)
test_bin := $(test_src:tests/%.c=$B/tests/%)
test_sup := $(patsubst %.c,$B/obj/%.o,$(wildcard tests/support/*.c))
unit_bin := $(filter $B/tests/unit/%,$(test_bin))
conf_bin := $(filter $B/tests/conformance/%,$(test_bin))
sessions := $(wildcard tests/cli/*.sh tests/e2e/*.sh)
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_bin := $(fuzz_src:tests/fuzz/%.c=build/fuzz/%)
JOBS     ?= $(shell nproc)

.PHONY: tsan-tests valgrind conformance-isa fuzzers tsan coverage all demo test test-quick bench bench-stats bench-search fuzz lint format docs install clean unit tests unit-tests FORCE
.SECONDARY:
.DELETE_ON_ERROR:
all: $B/sonograde

$B/sonograde: $(cli_obj) $B/libsonograde.a
	$(say) LINK $@
	$(LINK) -o $@ $^ $(LDLIBS) $(CLI_LIBS)

$B/libsonograde.a: $(lib_obj)
	@rm -f $@
	$(Q)ar rcs $@ $^

$B/libsonograde.so: $(lib_obj)
	$(say) LINK $@
	$(LINK) -shared -Wl,-soname,libsonograde.so.0 -o $@ $^ $(LDLIBS)

# Image operations promise OpenCV's bits: no contraction of a*b+c into one rounding. Their inner loops
# are written for vectorisers.
$B/obj/src/image/%.o: CFLAGS += -ffp-contract=off $(if $(filter release,$(config)),-O3)
$B/obj/src/backend/ref/%.o $B/obj/src/backend/onednn/%.o: CFLAGS += $(if $(filter release,$(config)),-O3)
# Loops of multiply-adds and little else.
$B/obj/src/backend/onednn/%_kernels.o: CFLAGS += -ffp-contract=fast
# The optimiser is one pass over memory; its square roots must not stop at errno.
$B/obj/src/nn/update.o: CFLAGS += $(if $(filter release,$(config)),-O3 -fno-math-errno)
# The reading page's own files become part of the program.
$B/obj/src/report/reading_files.o: src/report/reading.css src/report/reading.js
# The build names itself; its object is made again when the commit changes.
$B/build-id: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(BUILD_ID)' | cmp -s - $@ || echo '$(VERSION) $(BUILD_ID)' >$@
$B/obj/src/base/version.o: $B/build-id
$B/obj/src/base/version.o: CPPFLAGS += -DSG_VERSION='"$(VERSION)"' -DSG_BUILD_ID='"$(BUILD_ID)"' \
	-DSG_TURBOJPEG_VERSION='"$(shell pkg-config --modversion libturbojpeg 2>/dev/null)"'

$B/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(COMPILE) -o $@ $<

$B/tests/%: $B/obj/tests/%.o $(test_sup) $B/libsonograde.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(LINK) -o $@ $^ $(LDLIBS) -lcmocka

# The library leaves src/cli out; its tests link what they test (main.c never).
$B/tests/unit/cli/%: $B/obj/tests/unit/cli/%.o $(test_sup) $(filter-out %/main.o,$(cli_obj)) $B/libsonograde.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(LINK) -o $@ $^ $(LDLIBS) $(CLI_LIBS) -lcmocka

$B/obj/tests/%.o $B/obj/bench/%.o: CPPFLAGS += -Itests

# Timed problem lines: make build/bench/ops && build/bench/ops -b ref "relu:train:f32 n8c64h56w56"
$B/bench/%: $B/obj/bench/%.o $(test_sup) $B/libsonograde.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

# One suite at a time while working: make unit T=image/test_clahe
unit: $B/tests/unit/$T
	$<

tests: $(test_bin)
unit-tests: $(unit_bin)

# Unit suite under AddressSanitizer and UBSan; conformance and sessions as released.
test:
	tools/install-deps build test
	+$(MAKE) -j$(JOBS) config=release all tests
	+$(MAKE) -j$(JOBS) config=asan unit-tests
	@tests/run $(patsubst build/%,build/asan/%,$(filter build/tests/unit/%,$(test_bin))) $(conf_bin) $(sessions)

# The unit suite of one configuration alone.
test-quick: $(unit_bin)
	@tests/run $(unit_bin)

demo:
	tools/install-deps build
	+$(MAKE) -j$(JOBS) config=release all
	tools/demo $(if $(DATA),--data '$(DATA)') $(if $(WEIGHTS),--weights '$(WEIGHTS)')

$B/bench/models: $B/obj/bench/convolutions.o
bench:
	tools/install-deps build bench
	+$(MAKE) -j$(JOBS) config=release all
	+$(MAKE) config=release build/bench/models build/bench/loader
	bench/run $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)')

# Coverage of every interval, by enumeration or simulation; its table is in docs/internals/stats.md.
$B/bench/stats: $B/obj/bench/studies.o
bench-stats:
	+$(MAKE) config=release build/bench/stats
	build/bench/stats

# Searches on functions with known minima, beside scikit-learn and Optuna; about half an hour of one core, goes
# on where it was stopped. SEEDS=3 is a short form.
bench-search:
	tools/install-deps build bench
	+$(MAKE) config=release build/bench/search build/tests/unit/tune/test_gp
	bench/search_run $(SEEDS)

format:
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

lint:
	tools/include-lint
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format --dry-run -Werror
	@mkdir -p build/cppcheck
	cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning --std=c11 \
	    --cppcheck-build-dir=build/cppcheck --suppressions-list=tools/cppcheck.suppress \
	    -j$(JOBS) -D_GNU_SOURCE -DSG_VERSION='""' -DSG_BUILD_ID='""' \
	    '-Djson_object_foreach(o,k,v)=while(next(o,&k,&v))' \
	    '-Djson_array_foreach(o,i,v)=while(next(o,&i,&v))' -Iinclude -Isrc src
	@if command -v codespell >/dev/null; then codespell -q 3 src include tests/*/*.c tests/*/*/*.c tools *.md; fi

# One libFuzzer program per parser, each for FUZZ_SECONDS from its corpus; a finding ends it, its input
# lies in build/fuzz/found. One alone: make fuzz FUZZ=csv
FUZZ_SECONDS ?= 20
FUZZ         ?= $(fuzz_src:tests/fuzz/fuzz_%.c=%)
fuzz:
	tools/install-deps build test
	+$(MAKE) -j$(JOBS) config=fuzz CC=clang fuzzers
	@set -e; for name in $(FUZZ); do \
	    mkdir -p build/fuzz/found build/fuzz/grown/$$name; \
	    build/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=4096 -timeout=30 -verbosity=0 \
	        -artifact_prefix=build/fuzz/found/$$name- build/fuzz/grown/$$name tests/fuzz/corpus/$$name; \
	    echo "fuzz  $$name: nothing found in $(FUZZ_SECONDS) s"; \
	done

# Races, where there are threads of ours: pool, loader, training. OpenMP's cannot be seen through, so there
# is one of them.
tsan_bin := $(patsubst %,$B/tests/unit/%,base/test_thread data/test_audit data/test_fingerprint data/test_loader \
	data/test_manifest data/test_phantom data/test_survey backend/test_golden backend/test_onednn \
	train/test_session train/test_trainer)
tsan-tests: $(tsan_bin)
tsan:
	tools/install-deps build test
	+$(MAKE) -j$(JOBS) config=tsan tsan-tests
	OMP_NUM_THREADS=1 TEST_TIMEOUT=1200 TSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/tsan.supp \
	    tests/run $(tsan_bin:build/%=build/tsan/%)

# What no sanitizer sees in the released program: a small training and a prediction.
valgrind:
	tools/install-deps build valgrind
	+$(MAKE) -j$(JOBS) config=release all
	tests/valgrind

# The conformance suite at every width of vectors: our own loops by the compiler, oneDNN's code by what it
# is told of the processor. What one machine has not is not tested there.
conformance-isa:
	tools/install-deps build test
	+$(MAKE) -j$(JOBS) config=sse $(conf_bin:build/%=build/sse/%)
	+$(MAKE) -j$(JOBS) config=avx2 $(conf_bin:build/%=build/avx2/%)
	+$(MAKE) -j$(JOBS) config=release $(conf_bin)
	ONEDNN_MAX_CPU_ISA=SSE41 tests/run $(conf_bin:build/%=build/sse/%)
	ONEDNN_MAX_CPU_ISA=AVX2 tests/run $(conf_bin:build/%=build/avx2/%)
	ONEDNN_MAX_CPU_ISA=AVX512_CORE tests/run $(conf_bin)
	tests/run $(conf_bin)

# Lines that the unit suite reaches, by file and in all.
coverage:
	tools/install-deps build test coverage
	+$(MAKE) -j$(JOBS) config=coverage unit-tests
	find build/coverage -name '*.gcda' -delete
	tests/run $(unit_bin:build/%=build/coverage/%)
	gcovr --root . --filter src/ build/coverage --sort-uncovered --print-summary
fuzzers: $(fuzz_bin)
build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o build/fuzz/libsonograde.a
	$(say) LINK $@
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# Made from the option tables by the program itself.
docs: docs/usage.md build/sonograde.1 build/sonograde.bash
docs/usage.md: build/sonograde
	build/sonograde docs usage -o $@
build/sonograde.1: build/sonograde
	build/sonograde docs man -o $@
build/sonograde.bash: build/sonograde
	build/sonograde docs completion -o $@

# The archive that is handed out holds one object whose internal names are local.
build/install/libsonograde.a: build/libsonograde.a
	@mkdir -p $(@D)
	@rm -f $@
	ld -r -o build/install/sonograde.o --whole-archive build/libsonograde.a
	objcopy --localize-hidden build/install/sonograde.o
	ar rcs $@ build/install/sonograde.o

dest := $(DESTDIR)$(PREFIX)
install: build/sonograde build/libsonograde.so build/install/libsonograde.a build/sonograde.1 build/sonograde.bash
	install -d $(dest)/bin $(dest)/lib/pkgconfig $(dest)/include/sonograde $(dest)/share/man/man1 \
	    $(dest)/share/bash-completion/completions
	install -m 755 build/sonograde $(dest)/bin/
	install -m 644 build/install/libsonograde.a $(dest)/lib/
	install -m 755 build/libsonograde.so $(dest)/lib/libsonograde.so.0
	ln -sf libsonograde.so.0 $(dest)/lib/libsonograde.so
	install -m 644 include/sonograde/*.h $(dest)/include/sonograde/
	install -m 644 build/sonograde.1 $(dest)/share/man/man1/
	install -m 644 build/sonograde.bash $(dest)/share/bash-completion/completions/sonograde
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@PKGS@|$(PKGS)|' tools/sonograde.pc.in \
	    >$(dest)/lib/pkgconfig/sonograde.pc

clean:
	rm -rf build

-include $(shell find $B/obj -name '*.d' 2>/dev/null)
