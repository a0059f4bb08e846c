# What people type. Everything that must be there first is set up by .ci/setup, which is quick when it has been done.
CARGO ?= cargo

.PHONY: help run ui page screenshots book test check versions advisories fuzz bench chaos openapi sql setup tools

help: ## lists these targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## installs what is missing: PostgreSQL's server, Python and Node for the examples
	@.ci/setup

ui: setup ## builds the admin page into ui/dist, which goes into the binary; quick when nothing changed
	@.ci/ui --needed

page: setup
	@.ci/ui

screenshots: ui ## writes pictures of every screen of the admin page into docs/images; ONLY="overview jobs" for some
	@.ci/setup --pictures
	@.ci/screenshots $(ONLY)

run: page ## builds Posthorn and its admin page, and starts it with a PostgreSQL of its own, a demo tenant and a receiver
	@echo "building; the first time takes some minutes"
	@$(CARGO) run --release --quiet -- dev

book: ## builds the book of docs/ into target/book
	@.ci/book

tools: setup ## installs the pinned tools that tests run: schemathesis, generators of clients, drivers of the examples, PostgreSQL 18
	@.ci/setup --tests
	@for name in contract python typescript publish-python publish-node postgres-18; do .ci/tools $$name >/dev/null || exit 1; done

test: tools page ## runs every test, with fail points in the program
	$(CARGO) test --quiet --features failpoints

check: tools page ## what must pass before a push: form, lints, documentation, tests
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	$(CARGO) clippy --quiet --all-targets --features failpoints -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps
	$(CARGO) fetch --quiet --locked
	@"$$(.ci/tools cargo-deny)/bin/cargo-deny" --offline --log-level error check bans licenses sources
	@.ci/book >/dev/null
	$(CARGO) test --quiet --features failpoints

advisories: ## asks the network whether a dependency has become known to be unsafe
	@"$$(.ci/tools cargo-deny)/bin/cargo-deny" check advisories

fuzz: ## lets each parser meet what a fuzzer makes up, FUZZ_SECONDS (60) each; needs a nightly toolchain
	@.ci/fuzz $(FUZZ_TARGETS)

versions: tools page ## runs every test on PostgreSQL 15, 16, 17 and 18, one after the other (ONLY="17 18" for some), and prints a table
	@.ci/versions $(ONLY)

bench: setup ## measures throughput, latency, fairness, CPU and memory on this machine, in about a quarter of an hour
	$(CARGO) run --release --quiet -- bench

# how long, and what the choice of faults begins with
SECONDS ?= 1200
SEED ?= $(shell date +%s)

chaos: setup ## looks for broken promises: twenty minutes of random faults (SECONDS, SEED), random statements, then order and rate limit under kills
	POSTHORN_CHAOS_SECONDS=$(SECONDS) POSTHORN_CHAOS_SEED=$(SEED) \
		$(CARGO) test --quiet --features failpoints --test it chaos::random_faults -- --nocapture
	PROPTEST_CASES=500 PROPTEST_RNG_SEED=$(SEED) $(CARGO) test --quiet --features failpoints --test it lease_machine:: -- --nocapture
	$(CARGO) run --release --quiet -- bench --chaos --rounds 1

openapi: ## writes the API's documents into openapi/
	mkdir -p openapi
	$(CARGO) run --quiet -- openapi > openapi/posthorn.yaml.new
	mv openapi/posthorn.yaml.new openapi/posthorn.yaml
	$(CARGO) run --quiet -- openapi --admin > openapi/posthorn-admin.yaml.new
	mv openapi/posthorn-admin.yaml.new openapi/posthorn-admin.yaml

sql: setup ## proves every statement of sql/ and the schema, and rewrites their snapshots for review
	INSTA_UPDATE=always UPDATE_SCHEMA=1 $(CARGO) test --quiet --test it -- sql:: schema::
	git --no-pager diff --stat -- tests/it/snapshots migrations/schema.sql
