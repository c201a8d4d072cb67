# A thin front: the CMake presets do the work. `make help` lists what there is.
-include config.mk

PREFIX ?= /usr/local
PRESET ?= release
ARGS ?=
JOBS ?= $(shell nproc)

BUILD := build/$(PRESET)
TCPEEK := $(BUILD)/tcpeek
CTEST_FLAGS ?=

.PHONY: all
all: build

.PHONY: help
help:
	@echo 'make            build ($(TCPEEK) and $(BUILD)/tcpeekstat)'
	@echo 'make run        install what is missing, build, show a live demonstration on loopback'
	@echo 'make run ARGS="-i eth0"   the same, but run tcpeek with these arguments until Ctrl+C'
	@echo 'make test       install what is missing, build and run every test (root runs them all)'
	@echo 'make fuzz       run every fuzz target for TIME seconds (60)'
	@echo 'make soak       TIME seconds (600) of connections, floods and rude clients: exact, and nothing grows'
	@echo 'make bench      build and run the benchmarks of files, memory, answers and the kernel filter'
	@echo 'make bench-live what watching costs traffic and load, in network namespaces; needs root'
	@echo 'make sanitize   unit, script, network and socket tests under the address, undefined-behaviour'
	@echo '                and thread sanitizers'
	@echo 'make mutation   break the state table and the checks of numbers, one at a time: tests must notice'
	@echo 'make coverage   lines and branches of src/dissect, src/handshake, src/filter that tests run'
	@echo 'make install    install under PREFIX (now $(PREFIX)), staged below DESTDIR'
	@echo 'make uninstall, make clean'
	@echo 'make deb        make the Debian package in build/deb'
	@echo 'make dist       pack the sources into build/dist; they build without git'

# Packages of packaging/deps that are not installed, by role.
packages = $(shell sed -n 's/^$(1) //p' packaging/deps)
missing = $(shell for p in $(packages); do \
	dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || echo $$p; done)

define install-missing
	@missing="$(strip $(foreach role,$(1),$(call missing,$(role))))"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then \
			echo "make: these packages are missing and only root can install them:" \
				"sudo apt-get install $$missing" >&2; exit 1; \
		fi; \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null || exit 1; \
	fi
endef

# Packages of role service bring daemons: here they are only programs, so they are neither started
# (a policy-rc.d for the moment, unless the machine has its own) nor left enabled.
define install-missing-services
	@missing="$(strip $(call missing,service))"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then \
			echo "make: tests skip what needs these packages: $$missing" >&2; exit 0; \
		fi; \
		policy=/usr/sbin/policy-rc.d; \
		if [ ! -e $$policy ]; then \
			trap "rm -f $$policy" EXIT; trap 'exit 1' INT TERM HUP; \
			printf '#!/bin/sh\nexit 101\n' >$$policy && chmod 0755 $$policy || exit 1; \
		fi; \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing \
			>/dev/null || exit 1; \
		for p in $$missing; do \
			for unit in $$(dpkg-query -L $$p | sed -n 's|^/lib/systemd/system/\([^@]*\.service\)$$|\1|p'); do \
				systemctl disable -q $$unit || true; \
			done; \
		done; \
	fi
endef

.PHONY: deps deps-test
deps:
	$(call install-missing,build)
deps-test:
	$(call install-missing,build test)
	$(call install-missing-services)

$(BUILD)/build.ninja: CMakePresets.json
	cmake --preset $(PRESET)

.PHONY: build
build: $(BUILD)/build.ninja
	@cmake --build --preset $(PRESET) --parallel $(JOBS)

.PHONY: run
run: deps
	@$(MAKE) --no-print-directory build
ifeq ($(strip $(ARGS)),)
	@python3 demo/live.py $(TCPEEK)
else
	@$(TCPEEK) $(ARGS)
endif

.PHONY: test
test: deps-test
	@$(MAKE) --no-print-directory build
	ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS) $(CTEST_FLAGS)

.PHONY: sanitize
sanitize: deps-test
	@for preset in asan tsan; do \
		$(MAKE) --no-print-directory build PRESET=$$preset && \
		ctest --test-dir build/$$preset --output-on-failure --parallel $(JOBS) \
			-R '^(unit|scripts|netns|serve|service|tcpeekstat)' || exit 1; \
	done

.PHONY: fuzz
fuzz: deps-test
	@$(MAKE) --no-print-directory build PRESET=fuzz
	@python3 tests/fuzz/run.py build/fuzz --time $(or $(TIME),60)

.PHONY: soak
soak: deps-test
	@$(MAKE) --no-print-directory build
	@python3 tests/soak/run.py --tcpeek $(TCPEEK) --time $(or $(TIME),600)

.PHONY: mutation
mutation: deps-test
	@$(MAKE) --no-print-directory build PRESET=debug
	@tests/mutation/run.py build/debug --jobs $(JOBS)

.PHONY: coverage
coverage: deps-test
	@$(MAKE) --no-print-directory build PRESET=coverage
	@tests/coverage/run.py build/coverage

.PHONY: bench
bench: deps
	@$(MAKE) --no-print-directory build
	@python3 bench/run.py $(BUILD)
	@$(BUILD)/bench_snapshot_copy
	@test ! -x $(BUILD)/bench_filter || $(BUILD)/bench_filter
	@python3 bench/answers.py $(BUILD)

.PHONY: bench-live
bench-live: deps-test
	@$(MAKE) --no-print-directory build
	@python3 bench/load.py $(BUILD)
	@python3 bench/live.py $(BUILD)

# What packaging/install.sh may be told; what is not set follows PREFIX.
INSTALL_DIRS = DESTDIR PREFIX SBINDIR BINDIR SYSCONFDIR DATADIR MANDIR DOCDIR BASHCOMPDIR ZSHCOMPDIR \
	FISHCOMPDIR UNITDIR SYSUSERSDIR
INSTALLER = $(foreach d,$(INSTALL_DIRS),$(if $($(d)),$(d)='$($(d))')) packaging/install.sh

.PHONY: install
install: build
	@$(INSTALLER) install $(BUILD)

.PHONY: uninstall
uninstall:
	@$(INSTALLER) uninstall $(BUILD)

.PHONY: dist
dist:
	@packaging/dist.sh build/dist

.PHONY: deb
deb:
	$(call install-missing,build package)
	packaging/deb.sh build/deb

.PHONY: clean
clean:
	rm -rf build
