# `make run` opens Taki, `make test` checks everything. Both install what they need and say how long it takes.
.PHONY: help run test bench cuda vulkan package package-test bare-test setup build models bindings notices

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Install what is missing, fetch the default model, build, open the window
	@scripts/setup.sh run
	@scripts/build.sh
	@scripts/models.sh
	@scripts/run.sh

test: ## Install what tests need and run all of them (FULL=1: with the large models)
	@scripts/setup.sh test
	@scripts/build.sh
	@scripts/models.sh
	@scripts/test.sh

bench: ## Measure Taki beside llama-server on both ladders (SUITE, LADDERS, LIMIT, MAX_TOKENS, REPEATS, OUT, MORE)
	@scripts/setup.sh run
	@scripts/build.sh
	@scripts/models.sh smollm2
	@scripts/models.sh qwen-coder
	@scripts/bench.sh

cuda: ## Build the module for NVIDIA cards and answer with it (needs NVIDIA's driver and nvcc)
	@scripts/setup.sh run
	@scripts/build.sh
	@scripts/models.sh
	@scripts/cuda.sh --test

vulkan: ## Build the module for cards of any maker and answer with it (where there is no card: with an imitation of one)
	@scripts/setup.sh vulkan
	@scripts/build.sh
	@scripts/models.sh
	@scripts/vulkan.sh --test

package: ## Build packages to install elsewhere, for every processor (BUNDLES, TO)
	@scripts/setup.sh run
	@scripts/package.sh

package-test: package ## Build them, install .deb and .rpm in folders, use them and remove them (SYSTEM=1: the .deb in this system)
	@scripts/setup.sh package-test
	@scripts/package-test.sh

bare-test: package ## Build them, install the .deb in a fresh Debian without a compiler, fetch a model there and answer (MIRROR, SUITE)
	@scripts/setup.sh package-test
	@scripts/bare-test.sh

setup: ## Install missing system packages only
	@scripts/setup.sh test

build: ## Build the window and the terminal program
	@scripts/setup.sh run
	@scripts/build.sh

models: build ## Fetch the default model (LADDER=qwen-coder for the larger one)
	@scripts/models.sh $(LADDER)

bindings: ## Write the TypeScript bindings of the app's commands
	@scripts/bindings.sh

notices: ## Write the third-party notices
	@python3 scripts/notices.py
