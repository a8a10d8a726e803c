# mxvet: what people and CI run. `make demo` and `make test` need Go and make only.

GO      ?= go
TOOL    := $(GO) tool -modfile=.ci/tools.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PROGRAM := build/mxvet

.PHONY: all build demo test race integration lint fuzz bench golden vuln check clean

all: build

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(PROGRAM) ./cmd/mxvet

# Audits of the built-in worlds: text on the terminal, JSON under build/demo.
demo: build
	@mkdir -p build/demo
	@for name in $$($(PROGRAM) demo --list -q); do \
		$(PROGRAM) demo $$name -o text -o json=build/demo/$$name.json --fail-on never || exit 1; \
	done
	@echo "JSON reports are in build/demo; next: $(PROGRAM) audit YOUR.DOMAIN"

test: lint
	$(GO) test ./...

# The race detector needs a C compiler.
race:
	CGO_ENABLED=1 $(GO) test -race ./...

# Real servers in network namespaces; needs root on Debian.
integration: build
	GO="$(GO)" .ci/integration $(PROGRAM)

lint:
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
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

golden:
	$(GO) test ./... -update

# Needs the vulnerability database on the internet: for people, not for CI.
vuln:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.8.0 ./...

check: test race integration

clean:
	rm -rf build
