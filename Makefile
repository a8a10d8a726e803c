# mxvet: what people and CI run. `make demo` and `make test` need Go and make only.

GO      ?= go
TOOL    := $(GO) tool -modfile=.ci/tools.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PROGRAM := build/mxvet

.PHONY: all build demo test properties mutants kills recordings race integration lint fuzz bench bench-message golden vuln check clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(PROGRAM) ./cmd/mxvet

# Audits of the built-in worlds: text on the terminal, JSON and HTML under
# build/demo. Exit code 3 is an outcome here: some worlds answer nothing.
demo: build
	@mkdir -p build/demo
	@for name in $$($(PROGRAM) demo --list -q); do \
		printf '\n=== %s\n' "$$($(PROGRAM) demo --list | grep "^$$name ")"; \
		$(PROGRAM) demo $$name -q --fail-on never -o text -o json=build/demo/$$name.json -o html=build/demo/$$name.html \
			|| [ $$? -eq 3 ] || exit 1; \
	done
	@printf '\nreports as JSON and HTML: build/demo\n'
	@printf 'one world in full:        $(PROGRAM) demo young\n'
	@printf 'the real thing:           $(PROGRAM) audit YOUR.DOMAIN\n'

test: lint
	$(GO) test ./...

# Every scenario and world again for each of its answers, with that one failing;
# `make test` does so with a sample. Takes an hour or so. UNKNOWN=FILE keeps which
# rules were unknown, and by which failure.
properties:
	$(GO) test ./internal/audit -run '^TestOneFailureProvesNothing$$' -timeout 4h -harm.whole $(if $(UNKNOWN),-harm.list=$(abspath $(UNKNOWN)))

# What no test notices: N random small changes of the rules and of what they rest
# on, each tried against the tests that reach it. SEED=... makes the same changes
# again; docs/mutants.md has what was found. The longest test, of which a mutant
# would see a sample only, is left out.
N    ?= 150
SEED ?= 0
JOBS ?= 1
mutants:
	$(GO) run ./cmd/mutants -n $(N) -seed $(SEED) -jobs $(JOBS) -skip '^TestOneFailure'

# Runs that write every format, ended at random moments: no file is torn, lost or
# left over. `make test` does so with fifteen.
KILLS ?= 500
kills:
	$(GO) test ./cmd/mxvet -run '^TestKilled$$' -v -timeout 2h -kills $(KILLS)

# Recordings and reports that were changed at random, most of which load, each judged
# and told in every form. `make test` does so with 150. RECORDINGS_SEED=... makes the
# same ones again.
RECORDINGS      ?= 50000
RECORDINGS_SEED ?= 0
recordings:
	$(GO) test ./internal/audit -run '^TestMutated' -v -timeout 12h -recordings $(RECORDINGS) -recordings.seed $(RECORDINGS_SEED)

# The race detector needs a C compiler.
race:
	CGO_ENABLED=1 $(GO) test -race -timeout 25m ./...

# Real servers in network namespaces; needs root on Debian.
integration: build
	GO="$(GO)" .ci/integration $(PROGRAM)

lint:
	$(GO) vet -tags integration ./...
	$(TOOL) staticcheck -tags integration ./...
	@files=$$($(TOOL) gofumpt -l .) && [ -z "$$files" ] || { echo "gofumpt would change:"; echo "$$files"; exit 1; }
	$(GO) fix -diff ./...
	$(GO) mod tidy -diff

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# What a message of 100 MB costs: fails above 3 seconds of the processor or 60 MB of memory.
bench-message:
	$(GO) test -run '^$$' -bench '^BenchmarkLongMessage$$' -benchtime 3x ./cmd/mxvet

golden:
	$(GO) test ./... -update

# Needs the vulnerability database on the internet: for people, not for CI.
vuln:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.8.0 ./...

check: test race integration

clean:
	rm -rf build
