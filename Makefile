# Two commands matter: `make demo` runs the main job, `make test` checks everything. Both set up what they need.

# An organisation's own home is not the demonstration's, and no target removes it.
export VERMILION_HOME ?= $(CURDIR)/$(if $(ORG),home,var)
# Compiled modules are kept, whatever the environment says: tests start Python again and again.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
SOURCES := hsm appliance webui clients tests scripts
# For the two cores on which the tests are measured: each waits half of its time, for a process or for a second to pass.
WORKERS ?= 5

.DEFAULT_GOAL := help
.PHONY: help setup demo up check test test-long test-interop test-capture test-appliance test-ha test-takeover crash batches fuzz api-document api-fuzz flips attacks mutants review-corpus review-weights lint format bench bundle offline-verifier test-offline docs-images screenshots metrics clean _rules _pure

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)$$/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## install what is missing (Debian packages, .venv); quick when nothing is
	@scripts/setup

demo: setup ## the main job, headless: sign, timestamp, log, verify and export a sample contract into var/demo
	@$(BIN)/vermilion demo --out "$(VERMILION_HOME)/demo"

up: setup ## the whole appliance on http://localhost:8080 (or PORT=…) until Ctrl-C; ORG="Acme Ltd": that organisation's own, POLICY=bank: by a preset
	@$(BIN)/vermilion up $(if $(PORT),--port $(PORT)) $(if $(ORG),--organisation "$$ORG") $(if $(URL),--url "$$URL") $(if $(POLICY),--policy $(POLICY))

check: ## lint, and beside it the tests that start no process: what to run before each commit
	@scripts/setup lint
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=line _rules _pure

test: ## all but the long sweeps, with real SoftHSM, SQLite, SMTP, processes, Chromium, openssl and pyHanko
	@scripts/setup test
	@$(BIN)/pytest --numprocesses=$(WORKERS) --no-loadscope-reorder

# Of web captures: every kind of site, and every attack on their packages through every checker.
OF_CAPTURES := tests/web_capture/test_ordinary_sites.py tests/evidence/captures/test_checked_alike.py

test-long: ## the sweeps that `make test` takes a part of: every page, role, form, language and flipped byte; ten years
	@scripts/setup test
	@$(BIN)/pytest -m long --numprocesses=$(WORKERS) --no-loadscope-reorder $(OF_CAPTURES:%=--ignore=%)

test-interop: ## files of many producers, signed by one after another, judged by us and by others; attacks on top (DRAW=2: other combinations; EVERYTHING=1: each attack on each, for hours)
	@scripts/setup test interop
	@$(BIN)/python -m tests.interop "$(VERMILION_HOME)/interop" $(if $(DRAW),--draw $(DRAW)) $(if $(EVERYTHING),--everything)

test-capture: ## web pages of every kind captured: the files read by warcio, py-wacz and ReplayWeb.page, and held against what a visitor sees; hostile ones; their packages, attacked
	@scripts/setup test capture
	@$(BIN)/pytest -m "long or not long" --numprocesses=2 --no-loadscope-reorder tests/web_capture $(filter-out tests/web_capture/%,$(OF_CAPTURES))

test-appliance: ## a bare Debian is installed from the bundle, booted, used and broken, as root (ONLY="reboot disk": some steps; FROM=COMMIT: of that release)
	@scripts/setup bundle machine $(if $(ONLY),,virtual) || [ -n "$$WHERE_POSSIBLE" ]
	@$(if $(FROM),FROM="$(FROM)") $(BIN)/python -m tests.machine "$(VERMILION_HOME)/machine" $(ONLY)

test-ha: ## two machines of their own kernels become one appliance; one thing after another befalls them under load, as root (ROUNDS=20, EVENTS="power-active rings", OPERATIONS="switch replace"; hours without KVM)
	@scripts/setup test bundle machine virtual ha || [ -n "$$WHERE_POSSIBLE" ]
	@$(BIN)/python -m tests.ha "$(or $(CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vermilion-ha)" $(or $(ROUNDS),20)

test-takeover: ## each row of the table in docs/architecture.md, tried by the process that it is about; where possible on a booted machine, too
	@scripts/setup test
	@scripts/setup bundle machine || :
	@$(BIN)/python -m tests.takeover "$(VERMILION_HOME)/machine"

crash: ## break one thing after another while people sign; what was acknowledged must be found (ROUNDS=1000, or few)
	@scripts/setup test
	@$(BIN)/python -m tests.crash $(or $(ROUNDS),1000)

batches: ## a batch of ROWS=10000 contracts, whose scheduler is killed KILLS=10 times: 10,000 contracts, none twice (half an hour or more)
	@scripts/setup test
	@$(BIN)/python -m tests.batches $(or $(ROWS),10000) $(or $(KILLS),10)

fuzz: setup ## guided fuzzing of what reads strangers' bytes (SECONDS=60 each), then REQUESTS=100000 to a real endpoint
	@scripts/setup fuzz
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) --requests $(or $(REQUESTS),100000) $(if $(SEED),--seed $(SEED))

api-document: setup ## write docs/openapi.json anew, unless that takes away what programs rely on
	@$(BIN)/python -m scripts.api_document

api-fuzz: ## any requests to the API, one by one and one after another along its links, by every check (MINUTES=60, SEED=…)
	@scripts/setup test
	@$(BIN)/python -m tests.api $(or $(MINUTES),60) $(SEED)

flips: demo ## flip every byte of the demo's signed contract, one by one, and count what goes unnoticed (many hours)
	@$(BIN)/python -m tests.verification.flips "$(VERMILION_HOME)/demo/contract.signed.pdf" "$(VERMILION_HOME)/demo/trust/ca.pem"

attacks: ## every known attack and every good file through the verifier: families, survivors, false alarms
	@scripts/setup test
	@$(BIN)/python -m tests.attacks

MUTANTS ?= 100000
mutants: ## mutated signed PDFs through the verifier on every core (MUTANTS=100000): wrongly passed, crashes, hangs
	@scripts/setup test
	@$(BIN)/python -m tests.attacks.mutants $(MUTANTS) "$(VERMILION_HOME)/mutants"

review-corpus: ## precision and recall of the content check on the contracts that we wrote (CORPUS=folder: on those alone)
	@scripts/setup test
	@$(BIN)/python -m tests.review.corpus $(CORPUS)

review-weights: ## learns the weights of the content check anew (HELD_OUT=1: measures each corpus by those of the others)
	@scripts/setup test
	@$(BIN)/python -m tests.review.corpus.training $(if $(HELD_OUT),--held-out)

lint: ## ruff, strict mypy, import rules, ansible-lint (production), documentation that names what exists
	@scripts/setup lint
	@$(MAKE) --no-print-directory _rules

_rules: .venv/playbooks-linted
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/docs

# ansible-lint takes longer than everything else together, and reads nothing but these.
.venv/playbooks-linted: $(shell find provisioning) requirements/provisioning.txt
	@cd provisioning && PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_LINT_SKIP_SCHEMA_UPDATE=1 ansible-lint --offline -qq --profile production
	@touch $@

_pure:
	@$(BIN)/pytest --quiet --pure --ignore=tests/docs --numprocesses=2 --no-loadscope-reorder tests

format: setup ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix-only $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

bench: ## measure against the floors; writes bench/results.json and prints the table (ONLY=pages: one part)
	@scripts/setup bench
	@$(BIN)/python -m tests.bench $(ONLY)

bundle: ## one archive for machines without a network: the application, its wheels, Debian packages, playbooks; into dist
	@scripts/setup bundle
	@$(BIN)/python -m scripts.bundle --out dist --key $(or $(KEY),dist/key)

offline-verifier: ## build verify.html anew from clients/offline_verifier, byte for byte the same everywhere
	@scripts/setup offline
	@$(BIN)/python -m scripts.offline_words
	@cd clients/offline_verifier && npx --no-install tsc --noEmit && node build.mjs ../../appliance/evidence/verify.html
	@$(BIN)/python -m scripts.known_checkers

test-offline: ## verify.html built anew and compared; whole stories with it from a file: address, in Chromium and Firefox
	@scripts/setup test offline firefox
	@$(BIN)/pytest -m "long or not long" --numprocesses=2 tests/offline_verifier

docs-images: demo ## draw the pictures of the documentation anew
	@$(BIN)/python -m scripts.docs_images

screenshots: ## take pictures of the main screens, desktop and phone, in both languages, into docs/screenshots; and those of the user guide
	@scripts/setup test
	@$(BIN)/python -m scripts.screenshots $(SCREENS)

metrics: ## the shape of the code beside its bounds: files, levels, repeated names, the path of a signature
	@scripts/setup test
	@$(BIN)/python -m scripts.metrics $(if $(DETAILS),--details)

clean: ## remove ./var and what building left, without asking; .venv stays
	@rm -rf var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
