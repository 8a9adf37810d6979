# make demo: a filled workbook from nothing but Python. make test: every test. make generate: files made from others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CASE := templates/cases/training_budget/llama_3_1_405b.toml
BOOK := demo/llama_3_1_405b.xlsx

unexport XL_ECON_RATE_CARD  # what is generated holds the shipped tables

.PHONY: demo test lint generate pictures pyodide bench clean help

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /: /'

$(VENV)/pyvenv.cfg:
	$(PYTHON) -m venv $(VENV)

$(BIN)/xl-econ: pyproject.toml | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/test: pyproject.toml | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(BIN)/xl-econ $@

demo: $(BIN)/xl-econ  ## fill training_budget from a real case, recalculate it, say where it is
	@mkdir -p demo
	@$(BIN)/xl-econ fill training_budget --input $(CASE) --output $(BOOK)
	@$(BIN)/xl-econ recalc $(BOOK)
	@echo "Open $(abspath $(BOOK))"

test: $(VENV)/test  ## every test, with the coverage gate
	$(BIN)/python -m pytest -n logical --dist worksteal --cov --cov-report=term

lint: $(VENV)/test  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

generate: $(BIN)/xl-econ  ## rebuild the reference pages, the template workbooks, the rate card and the add-in
	$(BIN)/xl-econ docs --output docs
	$(BIN)/python docs/scale.py
	@for layout in templates/*.toml; do name=$$(basename $$layout .toml); \
	  $(BIN)/xl-econ new $$name -o templates/$$name.xlsx && \
	  $(BIN)/xl-econ new $$name --flavour lambda -o templates/$$name.lambda.xlsx || exit 1; done
	@mkdir -p workbooks/examples
	$(BIN)/python workbooks/seed/build.py
	$(BIN)/xl-econ new rate_card --output workbooks/rate_card.xlsx
	$(BIN)/xl-econ addin build --output workbooks/xl_econ.xlam --sources workbooks/xl_econ.xlam.src
	@for case in templates/cases/*/*.toml; do \
	  $(BIN)/xl-econ fill $$(basename $$(dirname $$case)) -i $$case \
	    -o workbooks/examples/$$(basename $$case .toml).xlsx || exit 1; done

pictures: $(BIN)/xl-econ  ## render the README's pictures from the real workbook (needs LibreOffice)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[docs]'
	$(BIN)/python docs/pictures.py

# Pyodide's Python decides which wheels fit; pydantic-core is the only one that is not pure Python.
pyodide: $(BIN)/xl-econ  ## fetch Pyodide, in which the functions are tested as xlwings Lite runs them
	npm install --silent --no-audit --no-fund --prefix build/pyodide pyodide@314.0.7
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --dest build/pyodide/wheels \
	  --only-binary=:all: --platform pyemscripten_2026_0_wasm32 --python-version 3.14 --implementation cp --abi cp314 \
	  pydantic_core==2.50.4
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --dest build/pyodide/wheels \
	  --only-binary=:all: pydantic==2.14.3 annotated-types typing-extensions typing-inspection

bench: $(BIN)/xl-econ  ## measure the promises of accuracy and speed
	$(BIN)/python bench/run.py

clean:  ## remove what was built
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .coverage*
