# The house's commands. `make` lists them; only Python 3.11–3.13 and make are needed.
.DEFAULT_GOAL := help
.PHONY: help env demo truth down test check history bench crash compose lock clean
.SUFFIXES:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is installed is known by the hash of what was asked for: a second `make` starts at once.
DEV := $(VENV)/installed-dev-$(shell cat requirements/dev.txt pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
BENCH := $(VENV)/installed-bench-$(shell cat requirements/bench.txt pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)

# make demo SIZE=medium PORT=9000 RESET=1 ARGS="--seed 7"
DEMO := $(if $(SIZE),--size $(SIZE)) $(if $(PORT),--port $(PORT)) $(if $(RESET),--reset) $(ARGS)

help: ## 列出命令 / list the commands
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(DEV) ## 建立 .venv 并安装锁定的依赖 / make .venv and install the locked requirements
	@:

demo: $(DEV) ## 从零到可查询的示范城市(SIZE, PORT, RESET, ARGS) / a synthetic city, from nothing to answers
	@$(BIN)/hutong demo $(DEMO)

truth: $(DEV) ## 埋入的缺陷与查出的对照 / planted defects against what was found
	@$(BIN)/python -m tests.city.report $(ARGS)

down: $(DEV) ## 停止本目录的全部进程 / stop every process of this folder
	@$(BIN)/hutong down

test: $(DEV) ## 全部测试 / all tests
	@$(BIN)/pytest -n $(or $(JOBS),auto) --dist worksteal -q $(ARGS)

check: $(DEV) ## 格式、规范、类型、分层 / format, lint, types, layers, house rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/house

history: $(DEV) ## 历史与时点的长测试(EXAMPLES=200) / known and valid time against their oracle, many histories
	@HUTONG_HISTORY_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest -q -n0 --timeout=0 tests/pipeline/test_history.py

bench: $(BENCH) ## 速度对照,写入 benchmarks/results / speed against dlt and bare COPY + MERGE
	@$(BIN)/python -m benchmarks $(ARGS)

crash: $(DEV) ## 杀进程与数据库 300 次,独立重放裁判(ARGS="--kills 300 --seed 7") / kill worker and database 300 times, judged by a replayer
	@$(BIN)/python -m tests.crash $(ARGS)

compose: ## 用 docker 真正部署一次并检查(需 docker 与约 8 GB 内存) / really deploy with docker, check, take down
	@$(PYTHON) -m tests.deploy.whole $(ARGS)

lock: $(DEV) ## 重新锁定依赖 / resolve the requirements anew
	@$(PIP) --require-hashes -r requirements/uv.txt
	@for lock in product:: cluster:product:cluster dev:product:dev bench:dev:dev,bench; do \
	  name=$${lock%%:*}; extras=$${lock##*:}; base=$${lock#*:}; base=$${base%:*}; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --no-annotate $$(echo $$extras | sed 's/[^,]\{1,\}/--extra &/g; s/,/ /g') \
	    $${base:+-c requirements/$$base.txt} pyproject.toml -o requirements/$$name.txt || exit 1; \
	done
	@echo hatchling | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate -c requirements/dev.txt - -o requirements/build.txt

clean: ## 删除 .venv 与缓存(不动 .hutong 数据) / remove .venv and caches, never the data in .hutong
	@if [ -x $(BIN)/hutong ]; then $(BIN)/hutong down; fi
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "找不到 $(PYTHON):请安装 Python 3.11–3.13,或 make PYTHON=python3.12 / $(PYTHON) was not found: install Python 3.11 to 3.13, or say make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "需要 Python 3.11–3.13,$(PYTHON) 是 $$($(PYTHON) -V):请 make PYTHON=python3.12 / Python 3.11 to 3.13 is needed, $(PYTHON) is $$($(PYTHON) -V): say make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) 缺少 venv 模块:Debian/Ubuntu 请 apt install python3-venv / $(PYTHON) has no venv module: on Debian or Ubuntu, apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# uv installs in seconds; where it cannot be had or finds no index, plain pip installs the same files by the same hashes.
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
define install
	@echo "安装依赖 / installing $(1) …"
	@{ $(PIP) --require-hashes -r requirements/uv.txt && VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --require-hashes -r $(1); } 2>/dev/null \
	  || $(PIP) --require-hashes -r $(1)
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
endef

$(DEV): | $(BIN)/python
	$(call install,requirements/dev.txt)

$(BENCH): | $(BIN)/python
	$(call install,requirements/bench.txt)
