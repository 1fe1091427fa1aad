# TianjiLLM. 'make' lists the targets. 'make run' and 'make test' need nothing
# but Go and this Makefile: they install or build what else they use.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules

# encoding/json of Go 1.26 decodes several times faster with it, and the code
# builds and passes without it too (docs/adr/0006-json.md).
export GOEXPERIMENT ?= jsonv2
# The tool chain is the one that is installed.
export GOTOOLCHAIN ?= local

MODULES  := controlplane dataplane deploy migrations shared test testkit
PATTERNS := $(foreach m,$(MODULES),./$(m)/...)
ARCH     := $(shell go env GOARCH)
LINT     := .bin/golangci-lint
SQLC     := .bin/sqlc
FUZZTIME ?= 10s
DATAPLANES ?= 1
# Arguments for 'tianji standalone', for example: make run ARGS='--config my.yaml'
ARGS     ?=

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z/_-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: run
run: postgres build ## build and start everything on this machine (Ctrl-C stops it)
	@exec bin/tianji standalone $(ARGS)

.PHONY: build
build: ## build the three programs into bin/
	@echo "building bin/tianji, bin/tianji-dataplane and bin/tianji-controlplane"
	@go build -o bin/ ./deploy/cmd/tianji ./dataplane/cmd/tianji-dataplane ./controlplane/cmd/tianji-controlplane

.PHONY: test
test: postgres node ## run all tests, with the race detector
	go test -race -shuffle=on -timeout 20m $(PATTERNS)

.PHONY: check
check: lint test build ## what must be green before a commit

.PHONY: lint
lint: $(LINT) ## find bugs and forbidden imports
	$(LINT) run $(PATTERNS)

.PHONY: fmt
fmt: $(LINT) ## format the code
	$(LINT) fmt $(PATTERNS)

.PHONY: generate
generate: $(SQLC) ## generate the queries and the NATS configuration
	cd controlplane/internal/store && ../../../$(SQLC) generate
	go generate ./deploy/...

.PHONY: verify
verify: generate ## fail when generated code or go.mod files are not up to date
	@for m in $(MODULES); do echo "tidy $$m"; (cd $$m && GOWORK=off go mod tidy -diff); done
	git diff --exit-code
	@test -z "$$(git status --porcelain --untracked-files=no)"

.PHONY: tidy
tidy: ## bring the go.mod files up to date
	@for m in $(MODULES); do echo "tidy $$m"; (cd $$m && GOWORK=off go mod tidy); done
	go work sync

.PHONY: prices
prices: node ## write the price table anew from the npm package that tools/prices pins
	npm ci --prefix tools/prices --ignore-scripts --no-audit --no-fund
	node tools/prices/generate.mjs

.PHONY: bench
bench: build ## measure the data plane beside a bare reverse proxy and nginx
	go build -o bin/bench ./test/bench/cmd/bench
	bin/bench -write

.PHONY: bench-controlplane
bench-controlplane: postgres ## measure ledger, reports and key lists (8 minutes, 10 million spend rows, 5 GB of disk)
	cd controlplane && go test -run - -bench 'Daily|Ledger' -benchtime 150000x -count 3 -timeout 30m ./internal/ledger
	cd controlplane && go test -run - -bench KeyGenerate ./app
	cd controlplane && go test -run - -bench KeyList -timeout 30m ./internal/key -args -keyrows 1000000
	cd controlplane && go test -run - -bench List ./internal/audit/trail -args -auditrows 500000
	cd controlplane && go test -run - -bench Report -timeout 30m ./internal/report -args -spendrows 10000000

.PHONY: bench-limits
bench-limits: ## measure how exact limits are and what they cost, with replicas that are killed (8 minutes)
	go build -o bin/quotalab ./dataplane/internal/quota/quotalab
	bin/quotalab -write docs/limits-measured.md

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@scripts=$$(grep -rlE '^func Fuzz' --include='*_test.go' $(MODULES)); \
	for f in $$scripts; do for t in $$(grep -oE '^func Fuzz[A-Za-z0-9_]+' $$f | cut -c6-); do \
		echo "fuzz $$t in $$(dirname $$f)"; go test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f); done; done

.PHONY: tools
tools: $(LINT) $(SQLC) .bin/benchstat ## build the pinned tools into .bin/

# Tools have modules of their own outside the workspace, so that what they
# import takes no part in choosing the versions of the product.
.bin/golangci-lint: tools/lint/go.mod
	@echo "building golangci-lint (some minutes the first time)"
	@GOEXPERIMENT= GOWORK=off GOBIN=$(CURDIR)/.bin CGO_ENABLED=0 go -C tools/lint install tool && touch $@
.bin/sqlc: tools/sqlc/go.mod
	@echo "building sqlc (some minutes the first time)"
	@GOEXPERIMENT= GOWORK=off GOBIN=$(CURDIR)/.bin CGO_ENABLED=0 go -C tools/sqlc install tool && touch $@
.bin/benchstat: tools/misc/go.mod
	@GOEXPERIMENT= GOWORK=off GOBIN=$(CURDIR)/.bin CGO_ENABLED=0 go -C tools/misc install tool && touch $@

.PHONY: postgres
postgres:
	@deploy/install/postgres.sh

.PHONY: node
node:
	@deploy/install/node.sh

.PHONY: dist
dist: ## build the static programs that the images hold
	@echo "building dist/linux-$(ARCH)"
	@mkdir -p dist/linux-$(ARCH)
	@CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags '-s -w' -o dist/linux-$(ARCH)/ ./dataplane/cmd/tianji-dataplane ./controlplane/cmd/tianji-controlplane

.PHONY: compose/up
compose/up: dist ## start the docker-compose installation (secrets are made the first time)
	@deploy/compose/env.sh
	docker compose up -d --build --scale dataplane=$(DATAPLANES)

.PHONY: compose/check
compose/check: ## check docker-compose.yml, NATS permissions and dashboards
	go test -count=1 ./deploy/...
	@if docker compose version >/dev/null 2>&1 && [ -f .env ]; then docker compose config -q; fi

.PHONY: clean
clean: ## remove what was built; data of 'make run' stays
	rm -rf bin .bin dist
