# Everything a contributor runs. `make demo` and `make test` need Go alone;
# `make e2e` needs root and Debian's packages (see e2e/run.sh).

ACTIONLINT  := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM   := gotest.tools/gotestsum@v1.13.0
SCRIPTS     := .ci/run e2e/run.sh e2e/docker.sh examples/demo

# The race detector needs a C compiler.
RACE := $(shell command -v gcc >/dev/null && echo -race)

.PHONY: demo test e2e bench lint fuzz build clean

demo: ## Let a leaking test suite run into a small limit and see the diagnosis.
	@examples/demo

test: ## Run the fast tests.
	go test $(RACE) ./...

e2e: ## Run the end-to-end tests: real kills, Docker, a workflow through act.
	e2e/run.sh

bench: build ## Measure oom143 beside tini, dumb-init, gotestsum, time, tee and cat.
	GOBIN=$(CURDIR)/bin go install $(GOTESTSUM)
	PATH=$(CURDIR)/bin:$$PATH go run ./bench -oom143 bin/oom143

lint:
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then echo "gofmt: not formatted, run gofmt -w on:" $$files >&2; exit 1; fi
	go vet ./...
	cd examples/go && go vet ./...
	go run $(STATICCHECK) ./...
	go run $(ACTIONLINT)
	@for script in $(SCRIPTS); do bash -n "$$script" || exit 1; done
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); else echo 'lint: shellcheck is not installed, the shell scripts were only parsed'; fi

fuzz: ## Run each fuzz target for ten seconds.
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime 10s "$$package" || exit 1; \
		done; \
	done

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/oom143 .

clean:
	rm -rf bin
