# The targets that need tools call `setup` first: it takes half a second when there is nothing to do.
PYTHON ?= python3
SETUP = $(PYTHON) toolchain/setup.py
WITH_TOOLS = . .tools/env.sh &&
# Where nothing is set up, linting brings its own tools, without Spark. Set up, it checks the jobs by Spark's types too.
LINTERS = export PATH="$$PWD/.venv/bin:$$PWD/.tools/lint/bin:$$PATH"
UV = .tools/lock-venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--custom-compile-command "make lock" $(LOCK_FLAGS)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint scan synth plan plan-comment deploy bench clients docs successor shell checkov-tools successor-tools flink ml all-tools demo-ml flink-jar lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 16

setup: ## Bring the tools: Python packages, Node, cdktf, Terraform, Java, the AWS provider
	@$(SETUP)

demo: ## Build the sample lake on this machine, and run data through it
	@$(SETUP) --need-provider
	@$(WITH_TOOLS) python -m examples.demo

test: checkov-tools lint ## Check the code and run every test
	@$(WITH_TOOLS) python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=40

check: setup lint ## Check the code and run the fast tests: no Spark, no deploy
	@$(WITH_TOOLS) python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not spark and not e2e" \
		tests/lake tests/stacks tests/toolchain tests/test_*.py

lint: ## Check the code: style, types, and which way the imports point
	@if [ -e .venv ]; then $(SETUP); else $(SETUP) --only lint; fi
	@$(LINTERS) && ruff check . && ruff format --check .
	@$(LINTERS) && mypy && PYTHONPATH=glue_scripts:. lint-imports

scan: checkov-tools ## Look for security findings in the Terraform of every environment
	@$(WITH_TOOLS) python -m toolchain.scan

synth: setup ## Write the Terraform of every stack into cdktf.out, for the environment LAKE_ENV
	@$(WITH_TOOLS) cdktf synth

plan: ## Show what a deploy to LAKE_ENV would change
	@$(SETUP) --need-provider >&2
	@$(WITH_TOOLS) python -m lake plan || test $$? = 2  # there are changes

plan-comment: ## Post a plan, from standard input, as a comment on the pull request PULL_REQUEST
	@{ echo '```'; head -c 60000; echo '```'; } | gh pr comment "$$PULL_REQUEST" --edit-last --create-if-none --body-file -

deploy: ## Deploy the lake to LAKE_ENV
	@$(SETUP) --need-provider
	@$(WITH_TOOLS) python -m lake up

bench: ## Measure what the documentation claims
	@$(SETUP) --need-provider
	@$(WITH_TOOLS) python -m benchmarks

clients: ## Run AWS clients against the embedded AWS, each in an environment of its own (a GB, some minutes)
	@$(SETUP) --with clients
	@$(WITH_TOOLS) python -m tests.clients

docs: ## Build the documentation into .docs, and check its links
	@$(SETUP) --with docs
	@$(WITH_TOOLS) sphinx-build -q -W --keep-going -n docs .docs
	@echo "Open .docs/index.html"

successor: successor-tools ## Synthesise the stacks under CDK Terrain too, and compare
	@$(WITH_TOOLS) python -m pytest -q tests/stacks/test_successor.py

shell: setup ## Open a shell that has the project's tools; in your own shell: . .tools/env.sh
	@$(WITH_TOOLS) case "$$SHELL" in */bash) exec "$$SHELL" --rcfile .tools/bashrc -i ;; *) exec "$${SHELL:-sh}" -i ;; esac

checkov-tools: ## Install checkov, in an environment of its own
	@$(SETUP) --with checkov

successor-tools: ## Install CDK Terrain, in an environment of its own
	@$(SETUP) --with successor

flink: ## Install Flink, in an environment of its own: the embedded AWS runs applications in it
	@$(SETUP) --with flink

ml: ## Install scikit-learn and XGBoost, in an environment each: the embedded AWS runs SageMaker's jobs in them
	@$(SETUP) --with ml

all-tools: ## Install what the tests and the documentation can use, two parts at a time
	@$(SETUP) --with checkov docs flink ml successor

demo-ml: ## Train a model on the sample lake's flights, and predict back into the lake
	@$(SETUP) --with ml --need-provider
	@$(WITH_TOOLS) python -m examples.demo_late_flights

flink-jar: ## Build the jar that a Flink application needs on AWS: with Maven, from Maven Central
	@command -v mvn >/dev/null || { echo "flink-jar: Maven is not here: install it, or name a jar in LAKE_FLINK_JAR" >&2; exit 1; }
	@mvn -q -f flink_app/pom.xml package

lock: ## Pin the Python packages again (LOCK_FLAGS=--upgrade for newer ones)
	@test -x .tools/lock-venv/bin/uv || { $(PYTHON) -m venv .tools/lock-venv && .tools/lock-venv/bin/pip install -q uv==0.13.9; }
	$(UV) pyproject.toml --all-extras -o requirements.txt
	$(UV) pyproject.toml --extra lint -c requirements.txt -o toolchain/requirements-lint.txt
	$(UV) toolchain/requirements-checkov.in -o toolchain/requirements-checkov.txt
	$(UV) local_aws/streams/flink/requirements.in -o local_aws/streams/flink/requirements.txt
	$(UV) local_aws/sagemaker/requirements.in -o local_aws/sagemaker/requirements.txt
	$(UV) local_aws/sagemaker/requirements-xgboost.in -o local_aws/sagemaker/requirements-xgboost.txt
	$(UV) --group docs -o toolchain/requirements-docs.txt
	$(UV) --group successor -o toolchain/requirements-successor.txt
	for name in catalog dbt sqlmesh; do \
		$(UV) toolchain/requirements-clients-$$name.in -o toolchain/requirements-clients-$$name.txt; done

clean: ## Remove what was generated; data, tools and Terraform state stay
	@rm -rf cdktf.out cdktf.log .docs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache spark-warehouse metastore_db derby.log
	@find . \( -name node_modules -o -name '.[a-z]*' \) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
